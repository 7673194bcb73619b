/**
 * Start: process start to first HTTP answer, and what an idle server holds. Our server beside the rivals, interleaved,
 * medians. The clock is a C program (start-clock.c), because a refused connection costs it microseconds.
 */
import { z } from "zod";
import type { Bench } from "./bench.ts";
import { CONTENDERS } from "./contenders.ts";
import { compile } from "./load.ts";
import { processTree, residentBytes } from "./machine.ts";
import { appendCsv, median, megabytes, print, printGoal, printTable } from "./report.ts";
import { freePort } from "./server.ts";

const STARTS = 11;
const START_TIMEOUT_MS = 15_000;
const SETTLE_MS = 1_000;
const STOP_TIMEOUT_MS = 5_000;
const GOAL_START_MS = 20;
const GOAL_RSS_MB = 60;

/** What start-clock.c prints. */
const clockResult = z.strictObject({ startUs: z.number().positive(), pid: z.int().positive() });

interface Start {
  readonly startMs: number;
  readonly rssBytes: number;
}

/** Ends a process that is not our child, waiting until it is gone: politely first, by force when it does not listen. */
async function end(pid: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
    try {
      process.kill(pid, signal);
      while (performance.now() < deadlineMs) {
        await Bun.sleep(20);
        process.kill(pid, 0);
      }
    } catch {
      return; // no such process any more
    }
  }
}

async function start(
  clock: string,
  command: readonly string[],
  port: number,
  settleMs: number,
): Promise<Start> {
  const run = Bun.spawnSync([clock, String(port), String(START_TIMEOUT_MS), "--", ...command], {
    stderr: "inherit",
  });
  if (!run.success) throw new Error(`${command[0]} did not answer`);
  const { startUs, pid } = clockResult.parse(JSON.parse(run.stdout.toString()));
  try {
    await Bun.sleep(settleMs);
    return { startMs: startUs / 1000, rssBytes: residentBytes(processTree(pid)) };
  } finally {
    await end(pid);
  }
}

export async function runStartup(bench: Bench): Promise<void> {
  const clock = await compile("start-clock.c", bench.workDir);
  const contenders = CONTENDERS.filter(
    (contender) =>
      contender.missing() === undefined && (bench.only?.includes(contender.name) ?? true),
  );
  const starts = new Map<string, Start[]>();
  const count = bench.quick ? 3 : STARTS;
  for (let i = 0; i < count; i++) {
    for (const contender of contenders) {
      const port = freePort();
      const command = contender.command({ port, clipsDir: bench.clipsDir });
      // Memory settles only after start: wait for it once, in the last round.
      const one = await start(clock, command, port, i === count - 1 ? SETTLE_MS : 0);
      starts.set(contender.name, [...(starts.get(contender.name) ?? []), one]);
    }
  }
  const rows: (readonly string[])[] = [];
  for (const [name, all] of starts) {
    const times = all.map(({ startMs }) => startMs);
    const startMs = median(times);
    const rssBytes = all.at(-1)?.rssBytes ?? Number.NaN;
    const spread = `${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)}`;
    rows.push([name, startMs.toFixed(1), spread, megabytes(rssBytes)]);
    if (bench.recorded) {
      appendCsv("startup", {
        ...bench.machine,
        contender: name,
        starts: all.length,
        first_answer_ms: Number(startMs.toFixed(2)),
        idle_rss_mb: Number(megabytes(rssBytes)),
      });
    }
  }
  print(
    `process start to first answer of GET /healthz, median of ${count}; memory ${SETTLE_MS / 1000} s later`,
  );
  printTable(["contender", "first answer ms", "min–max", "idle RSS MB"], rows);
  const ours = starts.get("soma");
  if (ours === undefined) return;
  const startMs = median(ours.map((one) => one.startMs));
  const rssMb = (ours.at(-1)?.rssBytes ?? Number.NaN) / 1e6;
  printGoal(
    "start to first answer",
    `${startMs.toFixed(1)} ms`,
    `≤ ${GOAL_START_MS} ms`,
    startMs <= GOAL_START_MS,
  );
  printGoal("idle RSS", `${rssMb.toFixed(1)} MB`, `≤ ${GOAL_RSS_MB} MB`, rssMb <= GOAL_RSS_MB);
}
