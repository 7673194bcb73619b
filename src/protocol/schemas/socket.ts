/** Text messages on the stream's WebSocket, both directions. Commands come from the engines' tables, the same as over REST. */
import { z } from "zod";
import { errorBody } from "../errors.ts";
import { errorSchema } from "./common.ts";
import { LAYOUT_EXAMPLE, SKELETON_EXAMPLE } from "./examples.ts";
import { layoutSchema, skeletonSchema } from "./session.ts";

const requestId = z
  .union([z.string().max(128), z.number()])
  .describe("Chosen by the client; comes back in the answer.")
  .meta({ id: "MessageId" })
  .optional();

/** A text message as people read of it. */
export interface SocketMessage {
  /** Unique among the messages of one direction. */
  readonly name: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly example: Readonly<Record<string, unknown>>;
}

/** As much of an engine's command as a message needs. */
interface Command {
  readonly summary: string;
  readonly schema: z.ZodType<Record<string, unknown>>;
  readonly example: Readonly<Record<string, unknown>>;
}

/** What a client may send beside commands. */
const requests: readonly SocketMessage[] = [
  request("ping", "Ask for the server's clock; measures the way there and back."),
  request("skeleton", "Ask for the skeleton behind the matrices."),
  request("layout", "Ask what each byte of this connection's frames is."),
  request("stats", "Ask what this connection was sent and what it lost."),
];

function request(name: string, summary: string): SocketMessage {
  return {
    name,
    summary,
    schema: z.object({ type: z.literal(name), id: requestId }),
    example: { type: name, id: 1 },
  };
}

/** Every text message a client may send: requests, then commands. */
export function socketRequests(
  commands: Readonly<Record<string, Command>>,
): readonly SocketMessage[] {
  const envelope = (name: string) => z.object({ type: z.literal(name), id: requestId });
  return [
    ...requests,
    ...Object.entries(commands).map(([name, { summary, schema, example }]) => ({
      name,
      summary,
      schema: z.intersection(envelope(name), schema),
      example: { type: name, ...example },
    })),
  ];
}

/** The envelope of every text message a client sends. */
export const socketEnvelope = z.looseObject({
  type: z.string().min(1).max(64).describe("Name of the command."),
  id: requestId,
});

/** Every text message the server sends, always to the client that asked. */
export const socketAnswers: readonly SocketMessage[] = [
  {
    name: "pong",
    summary: "Answer to `ping`.",
    schema: z.object({
      type: z.literal("pong"),
      id: requestId,
      server_time_us: z
        .number()
        .describe("Unix time, microseconds, on the clock of the frames' capture stamps."),
    }),
    example: { type: "pong", id: 1, server_time_us: 1_767_225_600_000_000 },
  },
  {
    name: "skeleton",
    summary: "Answer to `skeleton`, the same as GET /sessions/{id}/skeleton.",
    schema: z.intersection(skeletonSchema, z.object({ id: requestId })),
    example: { ...SKELETON_EXAMPLE, id: 1 },
  },
  {
    name: "layout",
    summary:
      "Answer to `layout`, the same as GET /sessions/{id}/layout with this connection's parameters.",
    schema: z.intersection(layoutSchema, z.object({ type: z.literal("layout"), id: requestId })),
    example: { ...LAYOUT_EXAMPLE, type: "layout", id: 1 },
  },
  {
    name: "stats",
    summary:
      "Answer to `stats`. Sent and lost together are the frames made since the connection began.",
    schema: z.object({
      type: z.literal("stats"),
      id: requestId,
      frames_sent: z.int(),
      frames_lost: z.int(),
      server_time_us: z.number(),
    }),
    example: {
      type: "stats",
      id: 1,
      frames_sent: 3600,
      frames_lost: 2,
      server_time_us: 1_767_225_600_000_000,
    },
  },
  {
    name: "answer",
    summary: "Answer to a command: what REST answers, with the command's name as type.",
    schema: z.looseObject({
      type: z.string(),
      id: requestId,
      status: z.string(),
      session_id: z.string(),
    }),
    example: { type: "speed", id: 7, status: "updated", speed: -0.5, session_id: "demo" },
  },
  {
    name: "error",
    summary: "What went wrong with a message of this client. The stream goes on.",
    schema: z.intersection(errorSchema, z.object({ type: z.literal("error"), id: requestId })),
    example: {
      type: "error",
      id: 7,
      ...errorBody(
        "REQUEST_INVALID",
        "speed: must be a number between -16 and 16 (times real time)",
        [{ path: "speed", message: "must be a number between -16 and 16 (times real time)" }],
      ),
    },
  },
];
