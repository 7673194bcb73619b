/** The Prometheus page. Figures are read when asked for, so that counting them costs the stream nothing. */
import { Counter, Gauge, Registry } from "prom-client";
import { LATENESS_BUCKETS_MS } from "../../engines/runtime/blocks.ts";
import type { Status } from "../../protocol/schemas/server.ts";
import type { SessionManager } from "../../sessions/manager.ts";

export async function renderMetrics(
  status: Status,
  manager: SessionManager,
): Promise<{ text: string; contentType: string }> {
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number): void =>
    new Gauge({ name: `soma_${name}`, help, registers: [registry] }).set(value);
  const counter = (name: string, help: string, value: number): void =>
    new Counter({ name: `soma_${name}_total`, help, registers: [registry] }).inc(value);

  gauge("uptime_seconds", "Time since the server started.", status.uptime_s);
  gauge("sessions", "Sessions that exist.", status.sessions);
  gauge("clients", "Connected stream clients.", status.clients);
  gauge("resident_memory_bytes", "Memory of the process.", status.rss_bytes);
  gauge("clip_cache_bytes", "Shared memory held by loaded clips.", status.clip_cache_bytes);
  counter("sessions_created", "Sessions created since the start.", status.sessions_created);
  counter("frames_sent", "Frames given to clients' sockets.", status.frames_sent);
  counter("frames_lost", "Frames that clients missed.", status.frames_lost);
  counter("bytes_sent", "Bytes of those frames.", status.bytes_sent);
  counter("worker_restarts", "Workers that died and were given up.", status.worker_restarts);
  states(registry, manager);
  const text = `${await registry.metrics()}${latenessHistogram(manager)}`;
  return { text, contentType: registry.contentType };
}

function states(registry: Registry, manager: SessionManager): void {
  const gauge = new Gauge({
    name: "soma_sessions_by_state",
    help: "Sessions by engine and state.",
    labelNames: ["engine", "state"],
    registers: [registry],
  });
  for (const session of manager.list())
    gauge.inc({ engine: session.spec.name, state: session.state });
}

/** prom-client's Histogram takes observations, not buckets already counted, so this one is written out. */
function latenessHistogram(manager: SessionManager): string {
  const workers = manager.pool.statistics();
  const buckets = LATENESS_BUCKETS_MS.map((_, index) =>
    workers.reduce((sum, worker) => sum + (worker.ticks.buckets[index] ?? 0), 0),
  );
  const count = workers.reduce((sum, worker) => sum + worker.ticks.ticks, 0);
  const sumS = workers.reduce((sum, worker) => sum + worker.ticks.latenessSumMs, 0) / 1000;
  const late = workers.reduce((sum, worker) => sum + worker.ticks.late, 0);
  const name = "soma_tick_lateness_seconds";
  let below = 0;
  const lines = LATENESS_BUCKETS_MS.map((boundMs, index) => {
    below += buckets[index] ?? 0;
    return `${name}_bucket{le="${boundMs / 1000}"} ${below}`;
  });
  return [
    "",
    `# HELP ${name} How late ticks ran after their deadline, over the workers alive.`,
    `# TYPE ${name} histogram`,
    ...lines,
    `${name}_bucket{le="+Inf"} ${count}`,
    `${name}_sum ${sumS}`,
    `${name}_count ${count}`,
    "# HELP soma_ticks_late_total Ticks a whole period or more behind their deadline.",
    "# TYPE soma_ticks_late_total counter",
    `soma_ticks_late_total ${late}`,
    "",
  ].join("\n");
}
