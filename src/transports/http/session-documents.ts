/** What the document says of the session routes. A test checks the examples against the routes' schemas. */
import type { z } from "zod";
import { LAYOUT_EXAMPLE, SKELETON_EXAMPLE } from "../../protocol/schemas/examples.ts";
import type { sessionDetailSchema, sessionSummarySchema } from "../../protocol/schemas/session.ts";
import type { RouteDocument } from "./documented.ts";
import { SEED_BAD_REQUESTS } from "./failures.ts";

/** Failures of every route that needs a session that runs. */
export const SESSION_FAILURES = ["SESSION_NOT_FOUND", "SESSION_FAILED", "SESSION_ENDED"] as const;

const SUMMARY_EXAMPLE: z.infer<typeof sessionSummarySchema> = {
  session_id: "demo",
  engine: "animation",
  state: "running",
  created_at: 1_767_225_600_000,
  clients: 1,
  frames: 3600,
  frames_sent: 3598,
  frames_lost: 2,
  fps: 60,
};

const DETAIL_EXAMPLE: z.infer<typeof sessionDetailSchema> = {
  ...SUMMARY_EXAMPLE,
  resumed: 0,
  place: "pool",
  streams: [{ id: 1, header: "none", frames_sent: 3598, frames_lost: 2, congested: false }],
  details: { paused: false, speed: 1, fps: 60, time_s: 1.25, source: SKELETON_EXAMPLE.source },
};

export const SESSION_DOCUMENTS = {
  create: {
    operationId: "createSession",
    summary: "Create a session",
    description:
      "Either `{engine, id?, options}` or the animation seed's `{session_id, session_type, animation_file}`. " +
      "Answers when the engine runs; a failed start leaves nothing behind. In the seed's form failures that the origin " +
      "answers with 400 are answered with 400 here too.",
    tags: ["sessions"],
    failures: [
      "SESSION_EXISTS",
      "SESSION_LIMIT",
      "SHUTTING_DOWN",
      "ANIMATOR_UNKNOWN",
      "ENGINE_OPEN_FAILED",
      "ENGINE_CRASHED",
      "ENGINE_STALLED",
      "ENGINE_EXITED",
      "CLIP_NOT_FOUND",
      "CLIP_INVALID",
      "CLIP_FORMAT_UNSUPPORTED",
      "CLIP_TAKE_NOT_FOUND",
      "CLIP_TOO_LARGE",
      "CLIP_LOAD_TIMEOUT",
    ],
    badRequests: SEED_BAD_REQUESTS,
    requestExamples: {
      engine: {
        summary: "A clip",
        value: { engine: "animation", id: "demo", options: { file: "walk.bvh" } },
      },
      options: {
        summary: "A clip, backwards at 120 frames per second, once",
        value: {
          engine: "animation",
          options: { file: "walk.bvh", fps: 120, speed: -1, loop: "once" },
        },
      },
      seed: {
        summary: "The animation seed's form",
        value: { session_id: "demo", session_type: "FK", animation_file: "walk.bvh" },
      },
    },
    responseExample: { status: "created", session_id: "demo" },
  },
  list: {
    operationId: "listSessions",
    summary: "List the sessions",
    tags: ["sessions"],
    responseExample: { sessions: [SUMMARY_EXAMPLE] },
  },
  delete: {
    operationId: "deleteSession",
    summary: "End a session",
    description:
      "Its clients are closed with 1001; its memory is freed once its engine has closed.",
    tags: ["sessions"],
    failures: ["SESSION_NOT_FOUND"],
    responseExample: { status: "deleted", session_id: "demo" },
  },
  detail: {
    operationId: "getSession",
    summary: "Look at a session",
    description: "State, playback, and for each client the frames it was sent and lost.",
    tags: ["sessions"],
    failures: ["SESSION_NOT_FOUND", "COMMAND_TIMEOUT"],
    responseExample: DETAIL_EXAMPLE,
  },
  skeleton: {
    operationId: "getSkeleton",
    summary: "The skeleton behind the matrices",
    tags: ["animation"],
    failures: SESSION_FAILURES,
    responseExample: SKELETON_EXAMPLE,
  },
  layout: {
    operationId: "getLayout",
    summary: "What each byte of a frame is",
    tags: ["animation"],
    failures: [...SESSION_FAILURES, "NOT_ACCEPTABLE"],
    responseExample: LAYOUT_EXAMPLE,
  },
  frame: {
    operationId: "getFrame",
    summary: "The newest frame",
    description:
      "Raw bytes as the stream sends them. The ETag is the frame's sequence: If-None-Match answers 304.",
    tags: ["animation"],
    failures: [...SESSION_FAILURES, "NOT_ACCEPTABLE", "FRAME_UNAVAILABLE"],
    binary: {
      status: 200,
      contentType: "application/octet-stream",
      description: "One frame; its layout is at …/layout with the same parameters.",
      headers: {
        "X-Soma-Sequence": "Number of the frame (u32).",
        "X-Soma-Variant": "dtype, space and order of the matrices, e.g. f32.local.row.",
      },
      etag: true,
    },
  },
  command: {
    operationId: "commandSession",
    summary: "Any command, also one that only this session's plug-in knows",
    tags: ["commands"],
    failures: [
      ...SESSION_FAILURES,
      "COMMAND_UNKNOWN",
      "INVALID_ARGUMENT",
      "COMMAND_RATE",
      "COMMAND_TIMEOUT",
      "ENGINE_CRASHED",
    ],
    requestExample: {},
    responseExample: { status: "done", session_id: "demo" },
  },
} as const satisfies Readonly<Record<string, RouteDocument>>;
