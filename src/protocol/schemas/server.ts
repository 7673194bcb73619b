/** Answers of the server's own routes. */
import { z } from "zod";

export const healthSchema = z.object({ status: z.literal("ok") }).meta({ id: "Health" });
export const readySchema = z
  .object({ status: z.enum(["ready", "stopping"]) })
  .meta({ id: "Readiness" });

export const timeSchema = z
  .object({
    server_time_us: z
      .number()
      .describe("Unix time, microseconds, on the clock of the frames' capture stamps."),
  })
  .meta({ id: "ServerTime" });

const ticks = z.object({
  count: z.int(),
  late: z.int().describe("Ticks a whole period or more behind their deadline."),
  lateness_mean_ms: z.number(),
  lateness_max_ms: z.number(),
});

export const statusSchema = z
  .object({
    status: z.enum(["running", "stopping"]),
    product: z.literal("soma"),
    version: z.string(),
    uptime_s: z.number(),
    sessions: z.int(),
    sessions_created: z.int(),
    clients: z.int(),
    frames_sent: z.int(),
    frames_lost: z.int(),
    bytes_sent: z.int(),
    rss_bytes: z.int(),
    clip_cache_bytes: z.int(),
    worker_restarts: z.int(),
    workers: z.array(z.object({ place: z.enum(["pool", "dedicated"]), sessions: z.int(), ticks })),
    engines: z.array(z.string()),
    native: z.object({ loaded: z.boolean(), simd: z.string(), reason: z.string().optional() }),
    limits: z.object({ max_sessions: z.int(), max_clients: z.int() }),
  })
  .meta({ id: "Status" });

export type Status = z.infer<typeof statusSchema>;
