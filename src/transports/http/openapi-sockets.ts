/**
 * WebSockets in a document whose language has none. Twice, from the same messages: as the operation that is the handshake, with the
 * messages written out for people who read /docs, and as the extension `x-websockets` for programs.
 */
import { ERRORS } from "../../protocol/errors.ts";
import type { SocketMessage } from "../../protocol/schemas/socket.ts";
import type { SocketDocument } from "./documented.ts";
import { failureResponses } from "./openapi-failures.ts";
import { type Json, parametersOf, type SchemaSet } from "./openapi-schemas.ts";

/** The handshake: a GET that is answered with 101, or with a failure. */
export function socketOperation(socket: SocketDocument, schemas: SchemaSet, error: Json): Json {
  const route = { kind: "socket", failures: [], badRequests: [] } as const;
  return {
    operationId: socket.operationId,
    summary: socket.summary,
    description: [
      socket.description,
      `**Frames.** ${socket.frames}`,
      "### Close codes",
      closeTable(socket),
      "### Messages from the client",
      ...socket.requests.map((message) => written(message, schemas, "input")),
      "### Messages from the server",
      ...socket.answers.map((message) => written(message, schemas, "output")),
    ].join("\n\n"),
    tags: socket.tags,
    parameters: [
      ...parametersOf("path", socket.params, schemas),
      ...parametersOf("query", socket.query, schemas),
    ],
    responses: {
      101: { description: "The connection is a WebSocket now." },
      ...failureResponses(route, error),
    },
  };
}

function written(message: SocketMessage, schemas: SchemaSet, io: "input" | "output"): string {
  const { name, summary, example } = message;
  const schema = schemas.convert(message.schema, io);
  return [`#### \`${name}\``, summary, code(example), "Schema:", code(schema)].join("\n\n");
}

function code(json: Json): string {
  return `\`\`\`json\n${compact(json, "")}\n\`\`\``;
}

const LINE_CHARS = 96;

/** JSON for people: what fits a line is one, and only the rest is spread out. */
function compact(value: unknown, indent: string): string {
  const line = JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, " ");
  if (indent.length + line.length <= LINE_CHARS) return line;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => inner + compact(item, inner)).join(",\n")}\n${indent}]`;
  }
  if (typeof value !== "object" || value === null) return line;
  const entries = Object.entries(value).map(
    ([key, item]) => `${inner}${JSON.stringify(key)}: ${compact(item, inner)}`,
  );
  return `{\n${entries.join(",\n")}\n${indent}}`;
}

function closeTable(socket: SocketDocument): string {
  const rows = closeCodes(socket).map(
    ({ code: number, name, hint }) => `| ${number} | \`${name}\` | ${hint} |`,
  );
  return ["| code | reason | what to do |", "|---|---|---|", ...rows].join("\n");
}

function closeCodes(socket: SocketDocument) {
  return socket.closes.map((name) => ({ code: ERRORS[name].close, name, hint: ERRORS[name].hint }));
}

/** The same as data. */
export function socketExtension(socket: SocketDocument, schemas: SchemaSet): Json {
  const messages = (list: readonly SocketMessage[], io: "input" | "output"): readonly Json[] =>
    list.map(({ name, summary, schema, example }) => ({
      name,
      summary,
      schema: schemas.convert(schema, io),
      example,
    }));
  return {
    operationId: socket.operationId,
    summary: socket.summary,
    parameters: [
      ...parametersOf("path", socket.params, schemas),
      ...parametersOf("query", socket.query, schemas),
    ],
    binary: { from: "server", description: socket.frames },
    requests: messages(socket.requests, "input"),
    answers: messages(socket.answers, "output"),
    closeCodes: closeCodes(socket),
  };
}
