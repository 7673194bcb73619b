/** An OpenAPI document as tests read it: parsed, with references followed. */
import { type Components, isObject, type Json, mismatches } from "./schema-check.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: Json;
}

export interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Json>>;
  readonly content?: Readonly<
    Record<string, { schema: Json; example?: unknown; examples?: Record<string, Json> }>
  >;
}

export interface Operation {
  readonly path: string;
  readonly method: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  readonly body:
    | {
        required: boolean;
        schema: Json;
        example?: unknown;
        examples?: Record<string, { value: unknown }>;
      }
    | undefined;
  readonly responses: Readonly<Record<string, Answer>>;
}

export interface SocketText {
  readonly name: string;
  readonly summary: string;
  readonly schema: Json;
  readonly example: Json;
}

export interface Socket {
  readonly parameters: readonly Parameter[];
  readonly requests: readonly SocketText[];
  readonly answers: readonly SocketText[];
  readonly closeCodes: readonly { code: number; name: string }[];
}

export interface ApiDocument {
  readonly json: Json;
  readonly components: Components;
  readonly operations: readonly Operation[];
  readonly sockets: Readonly<Record<string, Socket>>;
}

export async function readApiDocument(url: string): Promise<ApiDocument> {
  const json = (await (await fetch(`${url}/openapi.json`)).json()) as Json;
  const paths = json["paths"] as Record<string, Record<string, Json>>;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Operation => {
      const body = operation["requestBody"] as Json | undefined;
      const media = (body?.["content"] as Record<string, Json> | undefined)?.["application/json"];
      return {
        ...(operation as unknown as Operation),
        path,
        method: method.toUpperCase(),
        parameters: (operation["parameters"] ?? []) as Parameter[],
        body: media
          ? { ...(media as { schema: Json }), required: body?.["required"] === true }
          : undefined,
      };
    }),
  );
  return {
    json,
    components: json["components"] as Components,
    operations,
    sockets: json["x-websockets"] as Record<string, Socket>,
  };
}

/** What is wrong with an answer, by its documented form; empty when all is well. */
export async function answerProblems(
  document: ApiDocument,
  operation: Operation,
  response: Response,
): Promise<readonly string[]> {
  const { status } = response;
  const answer = operation.responses[status];
  if (!answer) return [`answered ${status}, which is not documented: ${await response.text()}`];
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const missing = Object.keys(answer.headers ?? {}).filter(
    (name) => name !== "Retry-After" && !response.headers.has(name),
  );
  const problems = missing.map((name) => `lacks the header ${name}`);
  if (!answer.content) return problems;
  const media = answer.content[type];
  if (!media) return [...problems, `answered ${status} with "${type}"`];
  if (type !== "application/json") return problems;
  const body: unknown = await response.json();
  problems.push(...mismatches(media.schema, body, document.components, { closed: true }));
  return [
    ...problems,
    ...(status >= 400 && isObject(body) ? failureProblems(body, media.examples) : []),
  ];
}

/** A failure's code must be one of those that its status is documented with. */
function failureProblems(
  body: Json,
  examples: Readonly<Record<string, Json>> | undefined,
): readonly string[] {
  if (!examples) return [];
  const error = body["error"] as Json;
  const problems: string[] = [];
  if (!Object.hasOwn(examples, String(error["code"])))
    problems.push(`undocumented: ${JSON.stringify(error)}`);
  if (body["detail"] !== error["message"]) problems.push("detail is not the message");
  return problems;
}
