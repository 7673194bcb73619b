/** What the document says of the server's own routes. A test checks the examples against the routes' schemas. */
import type { z } from "zod";
import type { Status } from "../../protocol/schemas/server.ts";
import type { animationsSchema } from "../../protocol/schemas/session.ts";
import { VERSION } from "../../protocol/version.ts";
import type { RouteDocument } from "./documented.ts";

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

export const SERVER_DOCUMENTS = {
  health: {
    operationId: "health",
    summary: "Is the process alive?",
    tags: ["server"],
    responseExample: { status: "ok" },
  },
  ready: {
    operationId: "ready",
    summary: "Does the server take new sessions?",
    tags: ["server"],
    responseExample: { status: "ready" },
  },
  status: {
    operationId: "status",
    summary: "The server at a glance",
    tags: ["server"],
    responseExample: STATUS_EXAMPLE,
  },
  metrics: {
    operationId: "metrics",
    summary: "Figures for Prometheus",
    tags: ["server"],
    binary: { status: 200, contentType: "text/plain", description: "Prometheus text format." },
  },
  animations: {
    operationId: "listAnimations",
    summary: "The clips there are",
    description:
      "`animations` has the names, for `animation_file`; `clips` says what is in each, as far as it has been looked into.",
    tags: ["animation"],
    responseExample: ANIMATIONS_EXAMPLE,
  },
  time: {
    operationId: "time",
    summary: "The server's clock, as frames are stamped with",
    tags: ["server"],
    responseExample: { server_time_us: 1_767_225_600_000_000 },
  },
} as const satisfies Readonly<Record<string, RouteDocument>>;
