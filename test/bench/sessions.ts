/**
 * What a session costs and whether it gives everything back: memory per session with and without a viewer, then cycles of
 * creating and deleting, and of creates that must fail, with memory and descriptors before and after.
 */
import type { Bench } from "./bench.ts";
import { BENCH_CLIP } from "./clip.ts";
import { soma } from "./contenders.ts";
import { runLoad } from "./load.ts";
import { appendCsv, megabytes, print, printGoal } from "./report.ts";
import { type Server, startServer } from "./server.ts";

const SESSIONS = 1_000;
const CYCLES = 1_000;
const FAILED_CREATES = 200;
/** Cycles before the first reading: pools, caches and the heap reach their working size. */
const WARMUP_CYCLES = 300;
const SETTLE_MS = 2_000;
const GOAL_SESSION_KB = 100;
/** What counts as flat: descriptors exactly, memory within what a garbage-collected heap breathes. */
const FLAT_RSS_MB = 10;

interface Footprint {
  readonly rssBytes: number;
  readonly descriptors: number;
}

async function settled(server: Server): Promise<Footprint> {
  await Bun.sleep(SETTLE_MS);
  return { rssBytes: server.residentBytes(), descriptors: server.openDescriptors() };
}

async function cycle(server: Server, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const id = `cycle${i}`;
    const created = await server.request("POST", "/sessions", {
      session_id: id,
      animation_file: BENCH_CLIP.fileName,
    });
    if (!created.ok)
      throw new Error(`create was refused: ${created.status} ${await created.text()}`);
    await created.arrayBuffer();
    const deleted = await server.request("DELETE", `/sessions/${id}`);
    if (!deleted.ok)
      throw new Error(`delete was refused: ${deleted.status} ${await deleted.text()}`);
    await deleted.arrayBuffer();
  }
}

/** Creates that cannot succeed: a file that is not there, one that is no clip, and an id that is taken. */
async function failCreates(server: Server, count: number): Promise<void> {
  const bodies = [
    { session_id: "absent", animation_file: "absent.bvh" },
    { session_id: "broken", animation_file: "broken.bvh" },
    { session_id: "s1", animation_file: BENCH_CLIP.fileName },
  ];
  for (let i = 0; i < count; i++) {
    const response = await server.request("POST", "/sessions", bodies[i % bodies.length]);
    await response.arrayBuffer();
    if (response.ok) throw new Error(`a create that must fail was answered ${response.status}`);
    if (response.status >= 500)
      throw new Error(`a create that must fail broke the server: ${response.status}`);
  }
}

async function measureMemory(bench: Bench): Promise<void> {
  await using server = await startServer(soma, bench.clipsDir);
  await server.createSessions(1, 1); // the clip itself, the loader and a pool worker are not a session's cost
  const first = await settled(server);
  await server.createSessions(2, SESSIONS);
  const all = await settled(server);
  const load = { sessions: SESSIONS, clientsPerSession: 1, windowMs: bench.windowMs };
  const watched = await runLoad(bench.loadClient, server, load);
  const perSessionKb = (all.rssBytes - first.rssBytes) / (SESSIONS - 1) / 1000;
  const watchedKb = (watched.serverRssBytes - first.rssBytes) / (SESSIONS - 1) / 1000;
  const served = (100 * watched.messages) / (SESSIONS * 60 * watched.windowS);
  print(
    `memory: ${megabytes(first.rssBytes)} MB with 1 session, ${megabytes(all.rssBytes)} MB with ${SESSIONS}`,
  );
  print(
    `with one client each: ${megabytes(watched.serverRssBytes)} MB, ${watchedKb.toFixed(1)} kB per session with its ` +
      `client and stream, ${served.toFixed(1)} % delivered`,
  );
  const met = perSessionKb <= GOAL_SESSION_KB;
  printGoal("memory of a session", `${perSessionKb.toFixed(1)} kB`, `≤ ${GOAL_SESSION_KB} kB`, met);
  if (bench.recorded) {
    appendCsv("session-memory", {
      ...bench.machine,
      sessions: SESSIONS,
      session_kb: Number(perSessionKb.toFixed(2)),
      watched_session_kb: Number(watchedKb.toFixed(2)),
      watched_rss_mb: Number(megabytes(watched.serverRssBytes)),
    });
  }
}

function printFlat(what: string, before: Footprint, after: Footprint): void {
  const grownMb = (after.rssBytes - before.rssBytes) / 1e6;
  const leaked = after.descriptors - before.descriptors;
  printGoal(
    what,
    `RSS ${megabytes(before.rssBytes)} → ${megabytes(after.rssBytes)} MB, ` +
      `descriptors ${before.descriptors} → ${after.descriptors}`,
    `within ${FLAT_RSS_MB} MB and no descriptor`,
    grownMb <= FLAT_RSS_MB && leaked <= 0,
  );
}

async function measureCycles(bench: Bench): Promise<void> {
  await Bun.write(`${bench.clipsDir}/broken.bvh`, "HIERARCHY\nROOT Hips\n{\n");
  await using server = await startServer(soma, bench.clipsDir);
  await server.createSessions(1, 1);
  await cycle(server, WARMUP_CYCLES);
  await failCreates(server, 30);
  const before = await settled(server);
  const startMs = performance.now();
  await cycle(server, CYCLES);
  const cycleMs = (performance.now() - startMs) / CYCLES;
  const cycled = await settled(server);
  await failCreates(server, FAILED_CREATES);
  const failed = await settled(server);
  printFlat(`${CYCLES} create/delete cycles (${cycleMs.toFixed(2)} ms each)`, before, cycled);
  printFlat(`${FAILED_CREATES} failed creates`, cycled, failed);
  if (bench.recorded) {
    appendCsv("session-cycles", {
      ...bench.machine,
      cycles: CYCLES,
      cycle_ms: Number(cycleMs.toFixed(3)),
      rss_before_mb: Number(megabytes(before.rssBytes)),
      rss_after_cycles_mb: Number(megabytes(cycled.rssBytes)),
      rss_after_failures_mb: Number(megabytes(failed.rssBytes)),
      descriptors_before: before.descriptors,
      descriptors_after: failed.descriptors,
    });
  }
}

export async function runSessions(bench: Bench): Promise<void> {
  await measureMemory(bench);
  await measureCycles(bench);
}
