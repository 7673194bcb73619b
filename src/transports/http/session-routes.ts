/** REST for sessions: create, list, look at, command, end. */
import { Elysia } from "elysia";
import { z } from "zod";
import { poseVariant } from "../../protocol/layouts.ts";
import { idParams } from "../../protocol/schemas/common.ts";
import {
  commandAnswerSchema,
  createBody,
  createdSchema,
  deletedSchema,
  formQuery,
  layoutSchema,
  type SeedCreateBody,
  sessionDetailSchema,
  sessionListSchema,
  skeletonSchema,
} from "../../protocol/schemas/session.ts";
import type { CommandSpec } from "../../engines/contract.ts";
import { runCommand } from "../../sessions/commands.ts";
import { layoutOf } from "../../sessions/frame-layout.ts";
import type { CreateRequest } from "../../sessions/manager.ts";
import type { Session } from "../../sessions/session.ts";
import type { Services } from "../services.ts";
import { documented } from "./documented.ts";
import {
  DETAIL_EXAMPLE,
  LAYOUT_EXAMPLE,
  SKELETON_EXAMPLE,
  SUMMARY_EXAMPLE,
} from "./session-examples.ts";
import { SEED_BAD_REQUESTS, SeedFault } from "./failures.ts";

const SESSION_FAILURES = ["SESSION_NOT_FOUND", "SESSION_FAILED", "SESSION_ENDED"] as const;

/** Every route under /sessions. */
export function sessionRoutes(services: Services) {
  return new Elysia({ name: "sessions" })
    .use(lifecycleRoutes(services))
    .use(readingRoutes(services))
    .use(commandRoutes(services));
}

function lifecycleRoutes({ manager }: Services) {
  return new Elysia()
    .post("/sessions", async ({ body }) => await create(manager, body), {
      body: createBody(manager.specs).prefault({}),
      response: createdSchema,
      ...documented({
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
      }),
    })
    .get("/sessions", () => ({ sessions: manager.list().map(summaryOf) }), {
      response: sessionListSchema,
      ...documented({
        operationId: "listSessions",
        summary: "List the sessions",
        tags: ["sessions"],
        responseExample: { sessions: [SUMMARY_EXAMPLE] },
      }),
    })
    .delete(
      "/sessions/:id",
      async ({ params }) => {
        await manager.delete(params.id);
        return { status: "deleted" as const, session_id: params.id };
      },
      {
        params: idParams,
        response: deletedSchema,
        ...documented({
          operationId: "deleteSession",
          summary: "End a session",
          description:
            "Its clients are closed with 1001; its memory is freed once its engine has closed.",
          tags: ["sessions"],
          failures: ["SESSION_NOT_FOUND"],
          responseExample: { status: "deleted", session_id: "demo" },
        }),
      },
    );
}

async function create(
  manager: Services["manager"],
  body: unknown,
): Promise<z.infer<typeof createdSchema>> {
  if (typeof body === "object" && body !== null && "engine" in body) {
    const { engine, id, options } = body as { engine: string; id?: string; options?: unknown };
    const session = await manager.create({ engine, id, options });
    return { status: "created", session_id: session.id };
  }
  try {
    const session = await manager.create(fromSeed(body as SeedCreateBody));
    return { status: "created", session_id: session.id };
  } catch (error) {
    throw SeedFault.of(error);
  }
}

function fromSeed(body: SeedCreateBody): CreateRequest {
  const file = body.animation_file ?? body.file;
  return {
    engine: "animation",
    id: body.session_id ?? body.id,
    options: {
      ...(body.session_type === undefined ? {} : { session_type: body.session_type }),
      ...(file === undefined ? {} : { file }),
      ...(body.take === undefined ? {} : { take: body.take }),
    },
  };
}

function summaryOf(session: Session) {
  const { fault } = session;
  return {
    session_id: session.id,
    engine: session.spec.name,
    state: session.state,
    created_at: session.createdMs,
    clients: session.clients.size,
    frames: session.sequence,
    fps: session.periodUs > 0 ? Math.round(1e12 / session.periodUs) / 1e6 : 0,
    ...(fault ? { error: { code: fault.code, message: fault.message } } : {}),
  };
}

function readingRoutes({ manager }: Services) {
  return new Elysia()
    .get("/sessions/:id", async ({ params }) => await detailOf(manager.get(params.id)), {
      params: idParams,
      response: sessionDetailSchema,
      ...documented({
        operationId: "getSession",
        summary: "Look at a session",
        description: "State, playback, and for each client the frames it was sent and lost.",
        tags: ["sessions"],
        failures: ["SESSION_NOT_FOUND", "COMMAND_TIMEOUT"],
        responseExample: DETAIL_EXAMPLE,
      }),
    })
    .get(
      "/sessions/:id/skeleton",
      ({ params }) => manager.get(params.id).definition as z.infer<typeof skeletonSchema>,
      {
        params: idParams,
        response: skeletonSchema,
        ...documented({
          operationId: "getSkeleton",
          summary: "The skeleton behind the matrices",
          tags: ["animation"],
          failures: SESSION_FAILURES,
          responseExample: SKELETON_EXAMPLE,
        }),
      },
    )
    .get("/sessions/:id/layout", ({ params, query }) => layoutOf(manager.get(params.id), query), {
      params: idParams,
      query: formQuery,
      response: layoutSchema,
      ...documented({
        operationId: "getLayout",
        summary: "What each byte of a frame is",
        tags: ["animation"],
        failures: [...SESSION_FAILURES, "NOT_ACCEPTABLE"],
        responseExample: LAYOUT_EXAMPLE,
      }),
    })
    .get(
      "/sessions/:id/frame",
      async ({ params, query, headers }) => await frameOf(manager.get(params.id), query, headers),
      {
        params: idParams,
        query: formQuery,
        ...documented({
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
        }),
      },
    );
}

async function detailOf(session: Session) {
  return {
    ...summaryOf(session),
    resumed: session.resumes,
    place: session.place,
    streams: Array.from(session.clients, (client) => ({
      id: client.id,
      header: client.header,
      frames_sent: client.sent,
      frames_lost: client.lost,
      congested: client.congested,
    })),
    details: await session.describe(),
  };
}

async function frameOf(
  session: Session,
  query: z.infer<typeof formQuery>,
  headers: Record<string, string | undefined>,
): Promise<Response> {
  const variant = poseVariant(query);
  const { frame, sequence } = await session.newestFrame({
    port: "pose",
    variant,
    header: query.header,
  });
  const etag = `"${session.number}-${sequence}-${variant}-${query.header}"`;
  const common = {
    etag,
    "cache-control": "no-cache",
    "x-soma-sequence": String(sequence),
    "x-soma-variant": variant,
    "access-control-allow-origin": "*",
  };
  if (headers["if-none-match"] === etag)
    return new Response(null, { status: 304, headers: common });
  return new Response(frame as Uint8Array<ArrayBuffer>, {
    headers: { ...common, "content-type": "application/octet-stream" },
  });
}

/** One route per command of the engines' tables, then one for commands that only the session's engine knows. */
function commandRoutes({ manager }: Services) {
  let app: Elysia = new Elysia() as Elysia;
  const known = new Map(manager.specs.flatMap((spec) => Object.entries(spec.commands)));
  for (const [name, command] of known) {
    app = app.post(
      `/sessions/:id/${name}`,
      async ({ params, body }: { params: { id: string }; body: unknown }) =>
        await runCommand(manager.get(params.id), name, body),
      {
        params: idParams,
        body: command.schema.prefault({}),
        response: commandAnswerSchema,
        ...documented({
          operationId: `${name}Session`,
          summary: command.summary,
          description: `The same as the WebSocket text \`${JSON.stringify({ type: name, ...command.example })}\`.`,
          tags: ["commands"],
          failures: [...SESSION_FAILURES, "INVALID_ARGUMENT", "COMMAND_RATE"],
          requestExample: command.example,
          responseExample: answerExample(command),
        }),
      },
    ) as unknown as Elysia;
  }
  return app.post(
    "/sessions/:id/commands/:command",
    async ({ params, body }) => await runCommand(manager.get(params.id), params.command, body),
    {
      params: idParams.extend({
        command: z.string().min(1).max(64).describe("Name of the command."),
      }),
      body: z.record(z.string(), z.unknown()).describe("The command's arguments.").prefault({}),
      response: commandAnswerSchema,
      ...documented({
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
      }),
    },
  );
}

/** What a command's own example would be answered with. */
function answerExample(command: CommandSpec): Record<string, unknown> {
  return {
    status: "updated",
    ...command.answer(command.schema.parse(command.example)),
    session_id: "demo",
  };
}
