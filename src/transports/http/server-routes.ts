/** REST about the server itself: health, status, metrics, clips. */
import { Elysia } from "elysia";
import type { z } from "zod";
import { unixUs, wallMs } from "../../core/clock.ts";
import {
  healthSchema,
  readySchema,
  type Status,
  statusSchema,
  timeSchema,
} from "../../protocol/schemas/server.ts";
import { animationsSchema } from "../../protocol/schemas/session.ts";
import { VERSION } from "../../protocol/version.ts";
import type { Services } from "../services.ts";
import { documented } from "./documented.ts";
import { CORS_HEADERS } from "./access.ts";

export function serverRoutes(services: Services) {
  const { manager, catalogue } = services;
  return new Elysia({ name: "server" })
    .get("/healthz", () => ({ status: "ok" as const }), {
      response: healthSchema,
      ...documented({
        operationId: "health",
        summary: "Is the process alive?",
        tags: ["server"],
        responseExample: { status: "ok" },
      }),
    })
    .get(
      "/readyz",
      ({ set }) => {
        if (manager.accepting) return { status: "ready" as const };
        set.status = 503;
        return { status: "stopping" as const };
      },
      {
        response: { 200: readySchema, 503: readySchema },
        ...documented({
          operationId: "ready",
          summary: "Does the server take new sessions?",
          tags: ["server"],
          responseExample: { status: "ready" },
        }),
      },
    )
    .get("/status", () => statusOf(services), {
      response: statusSchema,
      ...documented({
        operationId: "status",
        summary: "The server at a glance",
        tags: ["server"],
        responseExample: STATUS_EXAMPLE,
      }),
    })
    .get(
      "/metrics",
      async () => {
        const { renderMetrics } = await import("./metrics.ts");
        const { text, contentType } = await renderMetrics(statusOf(services), manager);
        return new Response(text, { headers: { ...CORS_HEADERS, "content-type": contentType } });
      },
      documented({
        operationId: "metrics",
        summary: "Figures for Prometheus",
        tags: ["server"],
        binary: { status: 200, contentType: "text/plain", description: "Prometheus text format." },
      }),
    )
    .get(
      "/animations",
      async () => {
        const clips = await catalogue.list();
        return {
          animations: clips.map((clip) => clip.name),
          clips: clips.map((clip) => ({
            ...clip,
            takes: clip.takes?.map((take) => ({ ...take })),
          })),
        };
      },
      {
        response: animationsSchema,
        ...documented({
          operationId: "listAnimations",
          summary: "The clips there are",
          description:
            "`animations` has the names, for `animation_file`; `clips` says what is in each, as far as it has been looked into.",
          tags: ["animation"],
          responseExample: ANIMATIONS_EXAMPLE,
        }),
      },
    )
    .get("/time", () => ({ server_time_us: unixUs() }), {
      response: timeSchema,
      ...documented({
        operationId: "time",
        summary: "The server's clock, as frames are stamped with",
        tags: ["server"],
        responseExample: { server_time_us: 1_767_225_600_000_000 },
      }),
    });
}

const ANIMATIONS_EXAMPLE: z.infer<typeof animationsSchema> = {
  animations: ["walk.bvh"],
  clips: [
    {
      name: "walk.bvh",
      format: "bvh",
      bytes: 241_149,
      modified_at: 1_767_225_600_000,
      bones: 31,
      takes: [{ name: "take_0", duration_s: 2.64, frame_rate_hz: 120 }],
    },
  ],
};

const STATUS_EXAMPLE: Status = {
  status: "running",
  product: "soma",
  version: VERSION,
  uptime_s: 60.5,
  sessions: 1,
  sessions_created: 1,
  clients: 1,
  frames_sent: 3600,
  frames_lost: 0,
  bytes_sent: 7_142_400,
  rss_bytes: 58_720_256,
  clip_cache_bytes: 612_352,
  worker_restarts: 0,
  workers: [
    {
      place: "pool",
      sessions: 1,
      ticks: { count: 3600, late: 0, lateness_mean_ms: 0.08, lateness_max_ms: 0.9 },
    },
  ],
  engines: ["animation"],
  native: { loaded: true, simd: "avx2" },
  limits: { max_sessions: 2000, max_clients: 10_000 },
};

/** What /status answers, and what metrics are made from. */
export function statusOf(services: Services): Status {
  const { manager } = services;
  return {
    status: manager.accepting ? "running" : "stopping",
    product: "soma",
    version: VERSION,
    uptime_s: (wallMs() - services.startedMs) / 1000,
    sessions: manager.list().length,
    sessions_created: manager.created,
    clients: manager.clientCount(),
    frames_sent: manager.totals.frames,
    frames_lost: manager.totals.lost,
    bytes_sent: manager.totals.bytes,
    rss_bytes: process.memoryUsage.rss(),
    clip_cache_bytes: manager.assetBytes,
    worker_restarts: manager.pool.restarts,
    workers: manager.pool.statistics().map(({ place, sessions, ticks }) => ({
      place,
      sessions,
      ticks: {
        count: ticks.ticks,
        late: ticks.late,
        lateness_mean_ms: ticks.ticks > 0 ? ticks.latenessSumMs / ticks.ticks : 0,
        lateness_max_ms: ticks.latenessMaxMs,
      },
    })),
    engines: manager.specs.map((spec) => spec.name),
    native: services.native(),
    limits: { max_sessions: services.maxSessions, max_clients: services.maxClients },
  };
}
