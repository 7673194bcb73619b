/**
 * Walks the API as /openapi.json describes it, with random inputs: valid ones, ones wrong in one place, and garbage, over REST and over the
 * stream's WebSocket. What must hold for every answer is in `problemsOf` and `Conversation`. A failure names its seed.
 */
import fc, { type Arbitrary } from "fast-check";
import {
  type ApiDocument,
  answerProblems,
  type Operation,
  readApiDocument,
} from "../transports/http/api-document.ts";
import { isObject, mismatches } from "../transports/http/schema-check.ts";
import { STEP, startTestServer, type TestServer } from "../transports/test-server.ts";
import { TestSocket } from "../transports/test-socket.ts";
import { type Hints, nearly, valuesOf } from "./schema-arbitrary.ts";

export interface FuzzSettings {
  /** Time for both parts together. */
  readonly seconds: number;
  readonly seed: number;
  /** Requests at most; unbounded where absent. */
  readonly requests?: number;
}

export interface FuzzReport {
  readonly seed: number;
  readonly requests: number;
  readonly messages: number;
  /** Answers by operation and status. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Answers to messages, by kind: an answer's name or an error's code. */
  readonly replies: Readonly<Record<string, number>>;
}

const SESSIONS = { live: "live", still: "still", puppet: "puppet", failed: "failed" } as const;
const MISSING = "missing";

/** Values that get past the first gate: names that exist beside names that do not. */
const HINTS: Hints = {
  engine: ["animation"],
  id: ["made", SESSIONS.live, "a-b_9"],
  session_id: ["made", SESSIONS.live],
  session_type: ["FK", "FK", "FK", "Puppet", "IK"],
  file: [STEP.clip, STEP.clip, "step", "damaged.bvh", "none.bvh"],
  animation_file: [STEP.clip, STEP.clip, "damaged.bvh"],
  take: [0, "take_0", 1],
  time: [0, 0.5, STEP.durationS],
  frame: [0, 30],
  start: [0, 0.1],
  end: [0.9],
};

/** Throws with the seed and the smallest failing input; otherwise reports what it saw. */
export async function fuzzApi(settings: FuzzSettings): Promise<FuzzReport> {
  const server = await startTestServer();
  try {
    const api = await readApiDocument(server.url);
    const walk = new Walk(server, api);
    const messages = await new Conversation(server, api).run(settings);
    await walk.run(settings);
    const alive = await server.request("/healthz");
    if (alive.status !== 200) throw new Error(`the server is not well: ${alive.status}`);
    return { seed: settings.seed, ...walk.report(), ...messages };
  } finally {
    await server.stop();
  }
}

/** REST gets most of the time: there is more of it. */
const SOCKET_SHARE = 0.25;

async function check<T>(
  what: string,
  property: fc.IAsyncProperty<[T]>,
  { seed, runs, timeMs }: { seed: number; runs: number | undefined; timeMs: number },
): Promise<void> {
  const result = await fc.check(property, {
    seed,
    numRuns: runs ?? Number.MAX_SAFE_INTEGER,
    plugins: [fc.interruptAfterTimeLimit(timeMs)],
  });
  if (!result.failed) return;
  const { counterexample, errorInstance } = result;
  throw new Error(
    `${what}, seed ${seed}: ${String((errorInstance as Error | null)?.message)}\n${fc.stringify(counterexample)}`,
    { cause: errorInstance },
  );
}

// ---- REST

interface Call {
  readonly operationId: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

type Body =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "raw"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "none" };

class Walk {
  readonly #server: TestServer;
  readonly #api: ApiDocument;
  readonly #answers: Record<string, Record<string, number>> = {};
  #requests = 0;

  constructor(server: TestServer, api: ApiDocument) {
    this.#server = server;
    this.#api = api;
  }

  report(): { requests: number; answers: FuzzReport["answers"] } {
    return { requests: this.#requests, answers: this.#answers };
  }

  async run({ seconds, seed, requests }: FuzzSettings): Promise<void> {
    const calls = fc.oneof(...this.#api.operations.map((operation) => this.#callsOf(operation)));
    const property = fc.asyncProperty(calls, async (call) => await this.#try(call));
    const timeMs = seconds * 1000 * (1 - SOCKET_SHARE);
    await check("REST", property, { seed, runs: requests, timeMs });
  }

  async #try(call: Call): Promise<void> {
    await this.#prepare();
    const operation = this.#operation(call);
    const response = await this.#send(call);
    const { status } = response;
    this.#count(operation.operationId, status);
    const created = operation.operationId === "createSession" && status === 200;
    const { session_id: id } = created
      ? ((await response.clone().json()) as { session_id: string })
      : {};
    const problems = [...(await this.#problemsOf(call, response))];
    problems.push(...(await this.#again(call, response)));
    if (id !== undefined) await this.#server.request(`/sessions/${id}`, { method: "DELETE" });
    if (problems.length > 0) {
      throw new Error(`${operation.method} ${operation.path} → ${status}: ${problems.join("; ")}`);
    }
  }

  /** Asks once more with the ETag of the answer: 304, or another version. */
  async #again(call: Call, { status, headers }: Response): Promise<readonly string[]> {
    const etag = headers.get("etag");
    if (status !== 200 || etag === null) return [];
    const again = await this.#send({ ...call, headers: { "if-none-match": etag } });
    this.#count(call.operationId, again.status);
    const isSame = again.headers.get("etag") === etag;
    const problems = await answerProblems(this.#api, this.#operation(call), again);
    return again.status === (isSame ? 304 : 200) ? problems : [`${again.status} for its own ETag`];
  }

  #count(operationId: string, status: number): void {
    const seen = (this.#answers[operationId] ??= {});
    seen[status] = (seen[status] ?? 0) + 1;
    this.#requests++;
  }

  /** The sessions that calls are made to, made again where a call ended one. */
  async #prepare(): Promise<void> {
    const { manager } = this.#server;
    if (!manager.find(SESSIONS.live)) await this.#server.create(SESSIONS.live);
    if (!manager.find(SESSIONS.still)) await this.#server.create(SESSIONS.still, { paused: true });
    if (!manager.find(SESSIONS.puppet)) {
      await this.#server.create(SESSIONS.puppet, { session_type: "Puppet" });
    }
    if (!manager.find(SESSIONS.failed)) await this.#server.createFailed(SESSIONS.failed);
  }

  #operation({ operationId }: Call): Operation {
    const found = this.#api.operations.find((one) => one.operationId === operationId);
    if (!found) throw new Error(`there is no operation ${operationId}`);
    return found;
  }

  #callsOf(operation: Operation): Arbitrary<Call> {
    const { components } = this.#api;
    const record: Record<string, Arbitrary<string>> = {};
    for (const { name, in: place, schema } of operation.parameters) {
      if (place !== "path") continue;
      const known =
        name === "command"
          ? ["echo", "refuse", "play", "speed"]
          : [...Object.values(SESSIONS), MISSING];
      const texts = fc.oneof(
        valuesOf(schema, components),
        fc.string({ minLength: 1, unit: "binary", maxLength: 300 }),
      );
      record[name] = fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...known) },
        // A URL with these is another URL.
        { weight: 1, arbitrary: texts.map(String).filter((text) => text !== "." && text !== "..") },
      );
    }
    return fc.record({
      operationId: fc.constant(operation.operationId),
      path: fc.record(record),
      query: this.#queriesOf(operation),
      headers: this.#headersOf(operation),
      body: this.#bodiesOf(operation),
    });
  }

  #queriesOf(operation: Operation): Arbitrary<string> {
    const pairs = operation.parameters.flatMap(({ name, in: place, schema }) =>
      place === "query"
        ? [
            fc
              .option(
                fc.oneof(
                  { weight: 3, arbitrary: valuesOf(schema, this.#api.components).map(String) },
                  { weight: 1, arbitrary: fc.string() },
                ),
              )
              .map((value) => [name, value] as const),
          ]
        : [],
    );
    const documented = fc.tuple(...pairs).map((values) => {
      const query = new URLSearchParams();
      for (const [name, value] of values) if (value !== null) query.set(name, value);
      return query.toString();
    });
    const garbage = fc
      .string({ unit: "binary", maxLength: 40 })
      .map((text) => encodeURI(text.toWellFormed()).replaceAll("#", ""));
    return fc.oneof({ weight: 5, arbitrary: documented }, { weight: 1, arbitrary: garbage });
  }

  #headersOf(operation: Operation): Arbitrary<Record<string, string>> {
    const types = fc.oneof(
      { weight: 8, arbitrary: fc.constant({ "content-type": "application/json" }) },
      { weight: 1, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom(
            "text/plain",
            "multipart/form-data",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "application/ld+json",
            ";",
            "a/b;c=d",
          )
          .map((type) => ({ "content-type": type })),
      },
    );
    if (operation.method === "GET") {
      return fc.constantFrom(
        {},
        { "if-none-match": '"1-1-f32.local.row-none"' },
        { "if-none-match": "*" },
      );
    }
    return types;
  }

  #bodiesOf({ method, body }: Operation): Arbitrary<Body> {
    if (method === "GET") return fc.constant({ kind: "none" });
    const json = (values: Arbitrary<unknown>): Arbitrary<Body> =>
      values.map((value) => ({ kind: "json", value }));
    const raw = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .constantFrom(
          "",
          "{",
          "null",
          "[]",
          '{"speed":NaN}',
          '{"a":-Infinity}',
          "\u0000",
          '"',
          `{"a":${"[".repeat(500_000)}${"]".repeat(500_000)}}`,
          '{"a":'.repeat(3_000),
        )
        .map((text) => new Uint8Array(Buffer.from(text))),
    );
    const valid = valuesOf(body?.schema ?? {}, this.#api.components, HINTS);
    return fc.oneof(
      { weight: 6, arbitrary: json(valid) },
      { weight: 4, arbitrary: json(nearly(valid)) },
      { weight: 1, arbitrary: json(fc.jsonValue()) },
      {
        weight: 1,
        arbitrary: raw.map((bytes): Body => ({ kind: "raw", bytes: new Uint8Array(bytes) })),
      },
      { weight: 1, arbitrary: fc.constant<Body>({ kind: "none" }) },
    );
  }

  async #send(call: Call): Promise<Response> {
    const operation = this.#operation(call);
    const { path, query, headers, body } = call;
    const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent((path[name] ?? "").toWellFormed()),
    );
    return await this.#server.request(`${filled}${query === "" ? "" : `?${query}`}`, {
      method: operation.method,
      headers,
      body:
        body.kind === "json" ? JSON.stringify(body.value) : body.kind === "raw" ? body.bytes : null,
    });
  }

  /** What is wrong with an answer: by the document alone, and by what was asked. */
  async #problemsOf(call: Call, response: Response): Promise<readonly string[]> {
    const { status } = response;
    const text = response.clone() as Response;
    const problems = [...(await answerProblems(this.#api, this.#operation(call), response))];
    const excused = status === 503 || status === 504;
    if (status >= 500 && !excused) problems.push(`a fault of the server: ${await text.text()}`);
    const code = status >= 400 ? ((await codeOf(text)) ?? "") : "";
    const fits = this.#fits(call);
    if (fits === true && ["REQUEST_INVALID", "REQUEST_MALFORMED"].includes(code)) {
      problems.push(`refused what the document allows: ${code}`);
    }
    if (fits === false && status < 400) problems.push("took what the document does not allow");
    return problems;
  }

  /** Whether the document allows the call's body and query; undefined where neither can be told. */
  #fits(call: Call): boolean | undefined {
    const operation = this.#operation(call);
    const { query, headers, body, path } = call;
    if (operation.method === "GET" || !operation.body) return undefined;
    // Its body is the named command's, which has its own operation.
    if (operation.operationId === "commandSession") return undefined;
    if (query !== "" || Object.values(path).some((text) => text.length > 256)) return undefined;
    if (body.kind === "raw") return undefined;
    const type = headers["content-type"];
    if (body.kind === "json" && type !== undefined && type !== "application/json") return undefined;
    const sent: unknown = body.kind === "json" ? JSON.parse(JSON.stringify(body.value)) : {};
    const fits = mismatches(operation.body.schema, sent, this.#api.components).length === 0;
    // Whether a clip must be named depends on the animator, which no schema can say.
    return fits && operation.operationId === "createSession" && !namesClip(sent) ? undefined : fits;
  }
}

function namesClip(body: unknown): boolean {
  if (!isObject(body)) return false;
  const { engine, options, file, animation_file: animationFile } = body;
  const named =
    engine === undefined ? (file ?? animationFile) : isObject(options) && options["file"];
  return typeof named === "string";
}

async function codeOf(response: Response): Promise<string | undefined> {
  const body: unknown = await response.json().catch(() => undefined);
  const error = isObject(body) ? body["error"] : undefined;
  return isObject(error) ? String(error["code"]) : undefined;
}

// ---- the WebSocket

/** Each text message gets exactly one answer, of a documented form, with its id; nothing closes the socket. */
class Conversation {
  readonly #server: TestServer;
  readonly #api: ApiDocument;
  readonly #replies: Record<string, number> = {};
  #messages = 0;

  constructor(server: TestServer, api: ApiDocument) {
    this.#server = server;
    this.#api = api;
  }

  async run({
    seconds,
    seed,
    requests,
  }: FuzzSettings): Promise<Pick<FuzzReport, "messages" | "replies">> {
    await this.#server.create("talk");
    const socket = new TestSocket(`${this.#server.url}/ws/talk`);
    await socket.opened;
    const documented = this.#api.sockets["/ws/{session_id}"]?.requests ?? [];
    const valid = fc.oneof(
      ...documented.map(({ schema }) => valuesOf(schema, this.#api.components, HINTS)),
    );
    const texts = fc.oneof(
      { weight: 4, arbitrary: valid.map((value) => JSON.stringify(value)) },
      { weight: 3, arbitrary: nearly(valid).map((value) => JSON.stringify(value)) },
      { weight: 1, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.string({ unit: "binary" }).map((text) => text.toWellFormed()) },
    );
    const property = fc.asyncProperty(texts, async (text) => await this.#say(socket, text));
    const timeMs = seconds * 1000 * SOCKET_SHARE;
    await check("WebSocket", property, { seed, runs: requests, timeMs });
    await socket.close();
    return { messages: this.#messages, replies: this.#replies };
  }

  async #say(socket: TestSocket, text: string): Promise<void> {
    this.#messages++;
    const reply = await socket.ask(text);
    const error = isObject(reply["error"]) ? reply["error"] : undefined;
    const kind = error ? String(error["code"]) : String(reply["type"]);
    this.#replies[kind] = (this.#replies[kind] ?? 0) + 1;
    const { answers = [] } = this.#api.sockets["/ws/{session_id}"] ?? {};
    const fitting = answers.filter(
      ({ schema }) =>
        mismatches(schema, reply, this.#api.components, { closed: true }).length === 0,
    );
    if (fitting.length === 0) throw new Error(`undocumented answer ${JSON.stringify(reply)}`);
    if (kind === "INTERNAL") throw new Error(`a fault of the server: ${JSON.stringify(reply)}`);
    const fence = await socket.ask({ type: "ping", id: "fence" });
    if (fence["id"] !== "fence" || fence["type"] !== "pong") {
      throw new Error(`a second answer: ${JSON.stringify(fence)}`);
    }
  }
}
