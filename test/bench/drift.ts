/**
 * Drift: whether a session keeps its schedule for a minute. Frames against the count that the time allows, the latest tick
 * against the schedule, and how far the schedule itself moved from the first second to the last.
 */
import type { Bench } from "./bench.ts";
import { soma } from "./contenders.ts";
import { RATE_HZ, runLoad } from "./load.ts";
import { appendCsv, print, printGoal, quantile } from "./report.ts";
import { startServer } from "./server.ts";

const WINDOW_MS = 60_000;
const QUICK_WINDOW_MS = 10_000;
const PERIOD_MS = 1000 / RATE_HZ;
/** More than a frame from first to last is drift; less may be the phase of the window. */
const GOAL_FRAMES = 1;

export async function runDrift(bench: Bench): Promise<void> {
  await using server = await startServer(soma, bench.clipsDir);
  await server.createSessions(1, 1);
  const windowMs = bench.quick ? QUICK_WINDOW_MS : WINDOW_MS;
  const load = { sessions: 1, clientsPerSession: 1, windowMs, trace: true };
  const result = await runLoad(bench.loadClient, server, load);
  const trace = result.trace ?? [];
  const first = trace[0];
  const last = trace.at(-1);
  if (first === undefined || last === undefined) throw new Error("no frame came");

  // A tick is late by its capture time against its place in the sequence; the earliest tick defines the schedule, since
  // waiting can only add.
  const offsets = trace.map(
    ([sequence, captureUs]) => captureUs / 1000 - (sequence - first[0]) * PERIOD_MS,
  );
  const earliest = Math.min(...offsets);
  const lateness = offsets.map((offset) => offset - earliest);
  const latestMs = Math.max(...lateness);
  // The quietest tick of a second shows the schedule without the machine's noise.
  const driftMs = Math.min(...offsets.slice(-RATE_HZ)) - Math.min(...offsets.slice(0, RATE_HZ));
  const spanS = (last[1] - first[1]) / 1e6;
  const produced = last[0] - first[0];
  const expected = spanS * RATE_HZ;
  const p99Ms = quantile(lateness, 0.99);
  print(
    `${spanS.toFixed(3)} s: ${trace.length} frames received, ${result.lost} lost; produced ${produced} periods, time ` +
      `allows ${expected.toFixed(2)}`,
  );
  print(
    `ticks late: p99 ${p99Ms.toFixed(3)} ms, most ${latestMs.toFixed(3)} ms; schedule moved ${driftMs.toFixed(3)} ms`,
  );
  const offBy = Math.abs(produced - expected);
  const met = offBy <= GOAL_FRAMES && Math.abs(driftMs) <= PERIOD_MS;
  printGoal("drift", `${offBy.toFixed(3)} frames`, `≤ ${GOAL_FRAMES} frame`, met);
  if (!bench.recorded) return;
  appendCsv("drift", {
    ...bench.machine,
    span_s: Number(spanS.toFixed(3)),
    frames: trace.length,
    lost: result.lost,
    drift_ms: Number(driftMs.toFixed(4)),
    lateness_p99_ms: Number(p99Ms.toFixed(4)),
    lateness_most_ms: Number(latestMs.toFixed(4)),
  });
}
