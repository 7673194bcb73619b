/** REST about the server itself: health, status, metrics, clips. */
import type { Elysia } from "elysia";
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
import { CORS_HEADERS } from "./access.ts";
import { documented } from "./documented.ts";
import { SERVER_DOCUMENTS as DOCUMENTS } from "./server-documents.ts";

export function addServerRoutes(app: Elysia, services: Services): void {
  const { manager, catalogue } = services;
  app
    .get("/healthz", () => ({ status: "ok" as const }), {
      response: healthSchema,
      ...documented(DOCUMENTS.health),
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
        ...documented(DOCUMENTS.ready),
      },
    )
    .get("/status", () => statusOf(services), {
      response: statusSchema,
      ...documented(DOCUMENTS.status),
    })
    .get(
      "/metrics",
      async () => {
        const { renderMetrics } = await import("./metrics.ts");
        const { text, contentType } = await renderMetrics(statusOf(services), manager);
        return new Response(text, { headers: { ...CORS_HEADERS, "content-type": contentType } });
      },
      documented(DOCUMENTS.metrics),
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
        ...documented(DOCUMENTS.animations),
      },
    )
    .get("/time", () => ({ server_time_us: unixUs() }), {
      response: timeSchema,
      ...documented(DOCUMENTS.time),
    });
}

/** What /status answers, and what metrics are made from. */
export function statusOf(services: Services): Status {
  const { manager } = services;
  const { totals } = manager;
  return {
    status: manager.accepting ? "running" : "stopping",
    product: "soma",
    version: VERSION,
    uptime_s: (wallMs() - services.startedMs) / 1000,
    sessions: manager.list().length,
    sessions_created: manager.created,
    clients: manager.clientCount(),
    frames_sent: totals.frames,
    frames_lost: totals.lost,
    bytes_sent: totals.bytes,
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
