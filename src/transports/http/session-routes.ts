/** REST for sessions: create, list, look at, command, end. */
import type { Elysia } from "elysia";
import { z } from "zod";
import type { CommandSpec } from "../../engines/contract.ts";
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
import { runCommand } from "../../sessions/commands.ts";
import { layoutOf } from "../../sessions/frame-layout.ts";
import type { CreateRequest } from "../../sessions/manager.ts";
import type { Session } from "../../sessions/session.ts";
import type { Services } from "../services.ts";
import { documented } from "./documented.ts";
import { SeedFault } from "./failures.ts";
import { SESSION_DOCUMENTS as DOCUMENTS, SESSION_FAILURES } from "./session-documents.ts";

/** Adds every route under /sessions. To the app itself: Elysia makes a plug-in's routes anew at each `use`, which start-up would feel. */
export function addSessionRoutes(app: Elysia, services: Services): void {
  addLifecycleRoutes(app, services);
  addReadingRoutes(app, services);
  addCommandRoutes(app, services);
}

function addLifecycleRoutes(app: Elysia, { manager }: Services): void {
  app
    .post("/sessions", async ({ body }) => await create(manager, body), {
      body: createBody(manager.specs).prefault({}),
      response: createdSchema,
      ...documented(DOCUMENTS.create),
    })
    .get("/sessions", () => ({ sessions: manager.list().map(summaryOf) }), {
      response: sessionListSchema,
      ...documented(DOCUMENTS.list),
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
        ...documented(DOCUMENTS.delete),
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
    frames_sent: session.totals.frames,
    frames_lost: session.totals.lost,
    fps: session.periodUs > 0 ? Math.round(1e12 / session.periodUs) / 1e6 : 0,
    ...(fault ? { error: { code: fault.code, message: fault.message } } : {}),
  };
}

function addReadingRoutes(app: Elysia, { manager }: Services): void {
  app
    .get("/sessions/:id", async ({ params }) => await detailOf(manager.get(params.id)), {
      params: idParams,
      response: sessionDetailSchema,
      ...documented(DOCUMENTS.detail),
    })
    .get(
      "/sessions/:id/skeleton",
      ({ params }) => manager.get(params.id).definition as z.infer<typeof skeletonSchema>,
      {
        params: idParams,
        response: skeletonSchema,
        ...documented(DOCUMENTS.skeleton),
      },
    )
    .get("/sessions/:id/layout", ({ params, query }) => layoutOf(manager.get(params.id), query), {
      params: idParams,
      query: formQuery,
      response: layoutSchema,
      ...documented(DOCUMENTS.layout),
    })
    .get(
      "/sessions/:id/frame",
      async ({ params, query, headers }) => await frameOf(manager.get(params.id), query, headers),
      {
        params: idParams,
        query: formQuery,
        ...documented(DOCUMENTS.frame),
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
function addCommandRoutes(app: Elysia, { manager }: Services): void {
  const known = new Map(manager.specs.flatMap((spec) => Object.entries(spec.commands)));
  for (const [name, command] of known) {
    app.post(
      `/sessions/:id/${name}`,
      async ({ params, body }) => await runCommand(manager.get(params.id), name, body),
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
          // Only the document needs it, and parsing takes its time.
          get responseExample() {
            return answerExample(command);
          },
        }),
      },
    );
  }
  app.post(
    "/sessions/:id/commands/:command",
    async ({ params, body }) => await runCommand(manager.get(params.id), params.command, body),
    {
      params: idParams.extend({
        command: z.string().min(1).max(64).describe("Name of the command."),
      }),
      body: z.record(z.string(), z.unknown()).describe("The command's arguments.").prefault({}),
      response: commandAnswerSchema,
      ...documented(DOCUMENTS.command),
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
