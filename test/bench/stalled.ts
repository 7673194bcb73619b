/**
 * Stalled clients: a hundred that stop reading, beside a healthy one. What they cost the healthy one, what they cost the
 * server in memory, whether every frame is accounted for, and how old the frames are that wait for them.
 */
import { z } from "zod";
import type { Bench } from "./bench.ts";
import { soma } from "./contenders.ts";
import { type LoadResult, runLoad } from "./load.ts";
import { tcpBufferBytes } from "./machine.ts";
import { appendCsv, megabytes, print, printGoal } from "./report.ts";
import { type Server, startServer } from "./server.ts";

const STALLED = 100;
const RETURN_MS = 1_000;
const WARMUP_MS = 1_000;
const GOAL_RSS_MB = 20;

/** As much of `GET /sessions/{id}` as the accounts need: one entry per client. */
const sessionAccounts = z.object({
  streams: z.array(z.object({ frames_sent: z.int(), frames_lost: z.int() })),
});

interface ClientAccount {
  readonly sent: number;
  readonly lost: number;
}

async function accounts(server: Server): Promise<readonly ClientAccount[]> {
  const response = await server.request("GET", "/sessions/s1");
  const { streams } = sessionAccounts.parse(await response.json());
  return streams.map(({ frames_sent: sent, frames_lost: lost }) => ({ sent, lost }));
}

/** How far each client's sent + lost rose between two readings: the frames produced meanwhile, so the same for all. */
function producedFor(
  before: readonly ClientAccount[],
  after: readonly ClientAccount[],
): readonly number[] {
  return after.map(
    (now, i) => now.sent + now.lost - (before[i]?.sent ?? 0) - (before[i]?.lost ?? 0),
  );
}

interface Watched {
  /** Losses of each client since it joined. */
  readonly losses: readonly number[];
  /** Kernel buffers of the whole machine while the clients were stalled. */
  readonly tcpBytes: number;
}

async function watch(server: Server, windowMs: number): Promise<Watched> {
  await Bun.sleep(WARMUP_MS + windowMs * 0.3);
  const before = await accounts(server);
  await Bun.sleep(windowMs * 0.4);
  const after = await accounts(server);
  const tcpBytes = tcpBufferBytes();
  if (before.length !== after.length || after.length !== STALLED + 1) {
    throw new Error(
      `the session lists ${before.length}, then ${after.length} clients, wanted ${STALLED + 1}`,
    );
  }
  const rises = producedFor(before, after);
  const exact = rises.every((rise) => rise === rises[0]);
  const rise = `${Math.min(...rises)}${exact ? "" : ` to ${Math.max(...rises)}`}`;
  printGoal(
    "sent + lost rose alike for all clients",
    `by ${rise}`,
    "equal",
    exact && (rises[0] ?? 0) > 0,
  );
  return { losses: after.map(({ lost }) => lost), tcpBytes };
}

export async function runStalled(bench: Bench): Promise<void> {
  await using server = await startServer(soma, bench.clipsDir);
  await server.createSessions(1, 1);
  const one = { sessions: 1, clientsPerSession: 1, windowMs: bench.windowMs, warmupMs: WARMUP_MS };
  const alone = await runLoad(bench.loadClient, server, one);
  const before = { rssBytes: server.residentBytes(), tcpBytes: tcpBufferBytes() };
  const crowd = runLoad(bench.loadClient, server, {
    ...one,
    stalled: STALLED,
    returnMs: RETURN_MS,
  });
  const [beside, watched] = await Promise.all([crowd, watch(server, bench.windowMs)]);
  report(bench, { alone, beside, watched, before });
}

interface Outcome {
  readonly alone: LoadResult;
  readonly beside: LoadResult;
  readonly watched: Watched;
  readonly before: { readonly rssBytes: number; readonly tcpBytes: number };
}

function printHealthy(
  what: string,
  { messages, lost, ageP50Us, ageP99Us, lateTicks }: LoadResult,
): void {
  print(
    `healthy client ${what}: ${messages} frames, ${lost} lost, ${lateTicks} late ticks, ` +
      `age p50 ${(ageP50Us / 1000).toFixed(2)} ms, p99 ${(ageP99Us / 1000).toFixed(2)} ms`,
  );
}

function report(bench: Bench, { alone, beside, watched, before }: Outcome): void {
  const grownMb = (beside.serverRssBytes - before.rssBytes) / 1e6;
  const tcpMb = (watched.tcpBytes - before.tcpBytes) / 1e6;
  printHealthy("alone", alone);
  printHealthy(`beside ${STALLED} stalled`, beside);
  print(`${beside.stalledOpen} of ${STALLED} stalled clients still connected at the end`);
  print(
    `on their return: at most ${beside.backlogMostFrames} frames older than the return for one client, then ` +
      `${beside.freshAfterReturn} fresh ones in all`,
  );
  // Without losses nobody was stalled, and the figures below would prove nothing.
  const losing = watched.losses.filter((lost) => lost > 0).length;
  printGoal(
    "clients that lost frames",
    String(losing),
    `the ${STALLED} stalled ones`,
    losing === STALLED,
  );
  const rss = `${megabytes(before.rssBytes)} → ${megabytes(beside.serverRssBytes)} MB`;
  printGoal(
    "memory for the stalled clients",
    rss,
    `≤ ${GOAL_RSS_MB} MB more`,
    grownMb <= GOAL_RSS_MB,
  );
  print(`the kernel's TCP buffers, both ends: ${tcpMb.toFixed(1)} MB more`);
  printGoal("frames the healthy client lost", String(beside.lost), "0", beside.lost === 0);
  if (!bench.recorded) return;
  appendCsv("stalled", {
    ...bench.machine,
    stalled: STALLED,
    healthy_lost: beside.lost,
    healthy_age_p99_alone_ms: Number((alone.ageP99Us / 1000).toFixed(3)),
    healthy_age_p99_beside_ms: Number((beside.ageP99Us / 1000).toFixed(3)),
    rss_growth_mb: Number(grownMb.toFixed(2)),
    tcp_buffers_mb: Number(tcpMb.toFixed(2)),
    backlog_frames: beside.backlogMostFrames,
  });
}
