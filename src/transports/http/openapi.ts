/**
 * The OpenAPI document, made from the routes as they are: their zod schemas, what they say of themselves (documented.ts), and the
 * one table of failures. OpenAPI 3.0.3, because every generator and viewer reads it. It invents nothing: what is not in a
 * schema or a route's document is not in here.
 */
import { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "../../protocol/errors.ts";
import { errorSchema } from "../../protocol/schemas/common.ts";
import { VERSION } from "../../protocol/version.ts";
import { documentOf, type RouteDocument, type SocketDocument } from "./documented.ts";
import { failureExamples, failureResponses } from "./openapi-failures.ts";
import { isSchema, type Json, parametersOf, SchemaSet } from "./openapi-schemas.ts";
import { socketExtension, socketOperation } from "./openapi-sockets.ts";

/** As much of an Elysia route as the document needs. */
interface RouteLike {
  readonly method: string;
  readonly path: string;
  readonly hooks?: {
    readonly detail?: unknown;
    readonly params?: unknown;
    readonly query?: unknown;
    readonly body?: unknown;
    readonly response?: unknown;
  };
}

const DESCRIPTION = `
Sessions run engines. Their frames stream over a WebSocket; everything else is REST.

* Every failure is JSON of one form, \`{"error": {"code", "message", "hint", "details"?}, "detail"}\`; \`code\` is stable.
* Every GET answers HEAD too, every path has an OPTIONS preflight, and a trailing slash changes nothing.
* An unknown path is \`ROUTE_NOT_FOUND\` (404), a wrong method \`METHOD_NOT_ALLOWED\` (405) with the right ones in \`Allow\`.
* Commands can be sent as text on the stream's WebSocket as well: see *stream*.
`.trim();

const TAGS: Readonly<Record<string, string>> = {
  sessions: "Create, list, look at and end sessions.",
  commands: "What a running session can be told. The same commands go over the WebSocket as text.",
  animation: "Clips, skeletons, frames.",
  stream:
    "The WebSocket that carries the frames: its parameters, its text messages, its close codes.",
  server: "Health, figures, clock.",
  pages: "What a browser loads.",
};

export interface DocumentSettings {
  readonly sockets: readonly SocketDocument[];
  /** Whether this server answers only to those who have its token. */
  readonly needsToken: boolean;
}

/** The whole document. Routes that say nothing of themselves are left out; WebSockets come from `settings.sockets`. */
export function openApiDocument(routes: readonly RouteLike[], settings: DocumentSettings): Json {
  const { sockets } = settings;
  const schemas = new SchemaSet();
  const error = schemas.convert(errorSchema, "output");
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const document = documentOf(route.hooks?.detail);
    if (!document || route.method === "WS") continue;
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = {
      ...paths[path],
      [route.method.toLowerCase()]: operation(route, document, schemas, error),
    };
  }
  for (const socket of sockets)
    paths[socket.path] = { get: socketOperation(socket, schemas, error) };
  const extension = Object.fromEntries(
    sockets.map((socket) => [socket.path, socketExtension(socket, schemas)]),
  );
  const used = new Set(
    Object.values(paths).flatMap((item) =>
      Object.values(item).flatMap((it) => (it as Json)["tags"]),
    ),
  );
  return {
    openapi: "3.0.3",
    info: { title: "Soma", version: VERSION, description: DESCRIPTION, license: { name: "MIT" } },
    servers: [{ url: "/", description: "This server." }],
    tags: Object.entries(TAGS)
      .filter(([name]) => used.has(name))
      .map(([name, description]) => ({ name, description })),
    ...(settings.needsToken ? { security: [{ bearer: [] }, { query: [] }, { cookie: [] }] } : {}),
    paths,
    components: {
      schemas: schemas.components,
      examples: failureExamples(codesIn(paths)),
      securitySchemes: SECURITY_SCHEMES,
    },
    "x-websockets": extension,
  };
}

const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "The server's --token, where it has one.",
  },
  query: {
    type: "apiKey",
    in: "query",
    name: "token",
    description: "For sockets and pages, which cannot set headers.",
  },
  cookie: {
    type: "apiKey",
    in: "cookie",
    name: "soma_token",
    description: "Set by a page opened with ?token=.",
  },
} as const;

function operation(
  route: RouteLike,
  document: RouteDocument,
  schemas: SchemaSet,
  error: Json,
): Json {
  const { params, query, body } = route.hooks ?? {};
  const parameters = [
    ...parametersOf("path", params, schemas),
    ...parametersOf("query", query, schemas),
    ...(document.binary?.etag ? [IF_NONE_MATCH] : []),
  ];
  const failures = failureResponses(
    {
      kind: route.method === "GET" ? "read" : "write",
      failures: document.failures ?? [],
      badRequests: document.badRequests ?? [],
    },
    error,
  );
  return {
    operationId: document.operationId,
    summary: document.summary,
    ...(document.description === undefined ? {} : { description: document.description }),
    tags: document.tags,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(isSchema(body) ? { requestBody: requestBody(body, document, schemas) } : {}),
    responses: { ...answers(route, document, schemas), ...failures },
  };
}

const IF_NONE_MATCH: Json = {
  name: "If-None-Match",
  in: "header",
  description: "The ETag of the answer one has: the same is answered with 304.",
  schema: { type: "string" },
};

function requestBody(body: z.ZodType, document: RouteDocument, schemas: SchemaSet): Json {
  const { requestExample, requestExamples } = document;
  const schema = schemas.convert(withoutDefault(body), "input");
  // An absent body is read as {}, so it is needed only where {} would not do.
  const required = !body.safeParse({}).success;
  const example = requestExamples
    ? { examples: requestExamples }
    : requestExample === undefined
      ? {}
      : { example: requestExample };
  return { required, content: { "application/json": { schema, ...example } } };
}

/** What the body is where there is one. */
function withoutDefault(body: z.ZodType): z.ZodType {
  return body instanceof z.ZodPrefault ? (body.unwrap() as z.ZodType) : body;
}

function answers(route: RouteLike, document: RouteDocument, schemas: SchemaSet): Json {
  const { binary, responseExample } = document;
  const byStatus = Object.entries(answerSchemas(route.hooks?.response));
  const json = byStatus.map(([status, schema], index): [string, Json] => {
    const converted = schemas.convert(schema, "output");
    const example =
      index === 0 && responseExample !== undefined ? { example: responseExample } : {};
    return [
      status,
      {
        description: describe(status),
        content: { "application/json": { schema: converted, ...example } },
      },
    ];
  });
  if (!binary) return Object.fromEntries(json);
  const headers = Object.fromEntries(
    Object.entries({
      ...(binary.etag ? { ETag: "Names this version of the answer." } : {}),
      ...binary.headers,
    }).map(([name, description]) => [name, { description, schema: { type: "string" } }]),
  );
  const content = { [binary.contentType]: { schema: bodyOf(binary.contentType) } };
  return {
    ...Object.fromEntries(json),
    [binary.status]: { description: binary.description, headers, content },
    ...(binary.etag
      ? { 304: { description: "Nothing newer than the ETag that was sent.", headers } }
      : {}),
  };
}

function bodyOf(contentType: string): Json {
  if (contentType === "application/json") return { type: "object" };
  return contentType.startsWith("text/")
    ? { type: "string" }
    : { type: "string", format: "binary" };
}

function describe(status: string): string {
  return status.startsWith("2") ? "Done." : "Not now.";
}

function answerSchemas(response: unknown): Readonly<Record<string, z.ZodType>> {
  if (isSchema(response)) return { 200: response };
  if (typeof response !== "object" || response === null) return {};
  return Object.fromEntries(
    Object.entries(response).filter((entry): entry is [string, z.ZodType] => isSchema(entry[1])),
  );
}

/** The failures that operations refer to by example. */
function codesIn(paths: Readonly<Record<string, Json>>): readonly ErrorCode[] {
  const text = JSON.stringify(paths);
  return ERROR_CODES.filter((code) => text.includes(`"#/components/examples/${code}"`));
}
