/**
 * Fan-out: what a message costs. Sessions × clients at 60 Hz, our server beside the rivals, all in the same run and
 * interleaved, so that a change of the machine's mood meets everybody. Each measurement has a server of its own; the
 * figures are medians over the rounds. Before the first, every contender must prove that it sends the right poses.
 */

import type { Bench } from "./bench.ts";
import { BENCH_CLIP } from "./clip.ts";
import { barePublish, CONTENDERS, type Contender, fastapi, nodeWs, soma } from "./contenders.ts";
import { type LoadResult, RATE_HZ, runLoad } from "./load.ts";
import {
  appendCsv,
  geometricMean,
  median,
  megabytes,
  print,
  printGoal,
  printTable,
} from "./report.ts";
import { startServer } from "./server.ts";
import { verifyPoses } from "./verify-poses.ts";

interface Scenario {
  readonly sessions: number;
  readonly clientsPerSession: number;
}

const SCENARIOS: readonly Scenario[] = [
  { sessions: 1, clientsPerSession: 200 },
  { sessions: 1, clientsPerSession: 1000 },
  { sessions: 200, clientsPerSession: 1 },
  { sessions: 1000, clientsPerSession: 1 },
];

/** Goals of the project: rival CPU per message over ours, at least; ours over the bare publish, at most. */
const GOALS = { fastapi: 2.8, nodeWs: 1.6, barePublish: 1.25 } as const;

/** Medians over the rounds of one contender in one scenario. */
interface Figure {
  readonly scenario: string;
  readonly contender: Contender;
  readonly rounds: number;
  readonly deliveredPct: number;
  readonly cpuUs: number;
  readonly cpuUsMin: number;
  readonly cpuUsMax: number;
  readonly serverPct: number;
  readonly ageP50Ms: number;
  readonly ageP99Ms: number;
  readonly lost: number;
  readonly lateTicks: number;
  readonly rssBytes: number;
  readonly clientPct: number;
  readonly othersPct: number;
  readonly malformed: number;
}

function scenarioName({ sessions, clientsPerSession }: Scenario): string {
  return `${sessions}x${clientsPerSession}`;
}

/** CPU of the server per message that a client received, microseconds. */
function cpuUsPerMessage(result: LoadResult): number {
  return (result.serverCpuS * 1e6) / result.messages;
}

function summarise(
  scenario: Scenario,
  contender: Contender,
  results: readonly LoadResult[],
): Figure {
  const middle = (pick: (result: LoadResult) => number): number => median(results.map(pick));
  const cpuUs = results.map(cpuUsPerMessage);
  const expected = scenario.sessions * scenario.clientsPerSession * RATE_HZ;
  return {
    scenario: scenarioName(scenario),
    contender,
    rounds: results.length,
    deliveredPct: middle((r) => (100 * r.messages) / (expected * r.windowS)),
    cpuUs: median(cpuUs),
    cpuUsMin: Math.min(...cpuUs),
    cpuUsMax: Math.max(...cpuUs),
    serverPct: middle((r) => (100 * r.serverCpuS) / r.windowS),
    ageP50Ms: middle((r) => r.ageP50Us / 1000),
    ageP99Ms: middle((r) => r.ageP99Us / 1000),
    lost: middle((r) => r.lost),
    lateTicks: middle((r) => r.lateTicks),
    rssBytes: middle((r) => r.serverRssBytes),
    clientPct: middle((r) => (100 * r.clientCpuS) / r.windowS),
    othersPct: middle(
      (r) => (100 * Math.max(0, r.machineBusyS - r.serverCpuS - r.clientCpuS)) / r.windowS,
    ),
    malformed: Math.max(...results.map((r) => r.malformed + r.reordered)),
  };
}

async function measure(
  bench: Bench,
  contender: Contender,
  scenario: Scenario,
): Promise<LoadResult> {
  await using server = await startServer(contender, bench.clipsDir);
  await server.createSessions(1, scenario.sessions);
  return await runLoad(bench.loadClient, server, {
    ...scenario,
    windowMs: bench.windowMs,
    header: bench.headerless ? "none" : "soma",
  });
}

/** Contenders that can run here and send the right poses; says in one line why another cannot. */
async function selectContenders(bench: Bench): Promise<readonly Contender[]> {
  const able: Contender[] = [];
  for (const contender of CONTENDERS) {
    if (bench.only !== undefined && !bench.only.includes(contender.name)) continue;
    const reason = contender.missing();
    if (reason !== undefined) {
      print(`${contender.name}: not measured (${reason})`);
      continue;
    }
    const proof = await attempt(contender.name, async () => {
      await using server = await startServer(contender, bench.clipsDir);
      await server.createSessions(1, 1);
      return await verifyPoses(server);
    });
    if (proof === undefined) continue;
    print(`${contender.name}: ${contender.title}; ${proof}`);
    able.push(contender);
  }
  return able;
}

/** A contender that fails is said to, and the others are measured all the same. */
async function attempt<Result>(
  what: string,
  act: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await act();
  } catch (error) {
    print(`FAILED  ${what}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
    return undefined;
  }
}

function printFigures(figures: readonly Figure[]): void {
  const columns = [
    "scenario",
    "contender",
    "delivered %",
    "CPU µs/msg",
    "min–max",
    "server %",
    "age p50 ms",
    "p99 ms",
    "lost",
    "late ticks",
    "RSS MB",
    "client %",
    "others %",
  ];
  const rows = figures.map((f) => [
    f.scenario,
    f.contender.name,
    f.deliveredPct.toFixed(1),
    f.cpuUs.toFixed(2),
    `${f.cpuUsMin.toFixed(2)}–${f.cpuUsMax.toFixed(2)}`,
    f.serverPct.toFixed(0),
    f.ageP50Ms.toFixed(2),
    f.ageP99Ms.toFixed(2),
    f.lost.toFixed(0),
    f.lateTicks.toFixed(0),
    megabytes(f.rssBytes),
    f.clientPct.toFixed(0),
    f.othersPct.toFixed(0),
  ]);
  printTable(columns, rows);
}

/** CPU per message of `over` divided by that of `under`, in each scenario both delivered in. */
function ratios(figures: readonly Figure[], over: string, under: string): readonly number[] {
  const find = (name: string, scenario: string): number | undefined =>
    figures.find(
      (f) => f.contender.name === name && f.scenario === scenario && Number.isFinite(f.cpuUs),
    )?.cpuUs;
  return SCENARIOS.flatMap((scenario) => {
    const above = find(over, scenarioName(scenario));
    const below = find(under, scenarioName(scenario));
    return above === undefined || below === undefined ? [] : [above / below];
  });
}

interface Ratio {
  readonly over: Contender;
  readonly under: Contender;
}

function describeRatio(
  figures: readonly Figure[],
  { over, under }: Ratio,
): { mean: number; text: string } | undefined {
  const values = ratios(figures, over.name, under.name);
  if (values.length === 0) return undefined;
  const mean = geometricMean(values);
  return {
    mean,
    text: `${mean.toFixed(2)} geometric mean of ${values.map((value) => value.toFixed(2)).join(", ")}`,
  };
}

function printRatio(
  figures: readonly Figure[],
  ratio: Ratio,
  goal: { atLeast: number } | { atMost: number },
): void {
  const described = describeRatio(figures, ratio);
  if (described === undefined) return;
  const what = `CPU per message, ${ratio.over.name} / ${ratio.under.name}`;
  if ("atLeast" in goal)
    printGoal(what, described.text, `≥ ${goal.atLeast}`, described.mean >= goal.atLeast);
  else printGoal(what, described.text, `≤ ${goal.atMost}`, described.mean <= goal.atMost);
}

/** What a server that does nothing but send reaches against the rivals on this machine: no server of its kind gets past it. */
function printCeilings(figures: readonly Figure[]): void {
  for (const over of [fastapi, nodeWs]) {
    const described = describeRatio(figures, { over, under: barePublish });
    if (described !== undefined)
      print(`       ceiling, ${over.name} / ${barePublish.name}: ${described.text}`);
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function record(bench: Bench, figure: Figure): void {
  appendCsv(bench.headerless ? "fan-out-headerless" : "fan-out", {
    ...bench.machine,
    scenario: figure.scenario,
    contender: figure.contender.name,
    rounds: figure.rounds,
    window_s: bench.windowMs / 1000,
    delivered_pct: round(figure.deliveredPct, 2),
    cpu_us_per_message: round(figure.cpuUs, 3),
    cpu_us_min: round(figure.cpuUsMin, 3),
    cpu_us_max: round(figure.cpuUsMax, 3),
    age_p50_ms: round(figure.ageP50Ms, 3),
    age_p99_ms: round(figure.ageP99Ms, 3),
    lost: figure.lost,
    late_ticks: figure.lateTicks,
    rss_mb: round(figure.rssBytes / 1e6, 1),
    client_cpu_pct: round(figure.clientPct, 1),
    others_cpu_pct: round(figure.othersPct, 1),
  });
}

export async function runFanOut(bench: Bench): Promise<void> {
  const bytes = BENCH_CLIP.jointCount * 64 + (bench.headerless ? 0 : 32);
  print(
    `frames of ${bytes} bytes at ${RATE_HZ} Hz, ${bench.rounds} rounds of ${bench.windowMs / 1000} s`,
  );
  const contenders = await selectContenders(bench);
  const results = new Map<string, LoadResult[]>();
  for (let round = 0; round < bench.rounds; round++) {
    for (const scenario of SCENARIOS) {
      for (const contender of contenders) {
        const key = `${scenarioName(scenario)} ${contender.name}`;
        const result = await attempt(key, () => measure(bench, contender, scenario));
        if (result === undefined) continue;
        results.set(key, [...(results.get(key) ?? []), result]);
        const cost = cpuUsPerMessage(result).toFixed(2);
        print(
          `  round ${round + 1}  ${key}: ${cost} µs/msg, ${result.messages} messages, ${result.lost} lost`,
        );
      }
    }
  }
  const figures = SCENARIOS.flatMap((scenario) =>
    contenders.flatMap((contender) => {
      const measured = results.get(`${scenarioName(scenario)} ${contender.name}`);
      return measured === undefined ? [] : [summarise(scenario, contender, measured)];
    }),
  );
  print();
  printFigures(figures);
  print();
  printRatio(figures, { over: fastapi, under: soma }, { atLeast: GOALS.fastapi });
  printRatio(figures, { over: nodeWs, under: soma }, { atLeast: GOALS.nodeWs });
  printRatio(figures, { over: soma, under: barePublish }, { atMost: GOALS.barePublish });
  printCeilings(figures);
  for (const figure of figures) {
    if (figure.malformed > 0)
      print(`${figure.contender.name} ${figure.scenario}: ${figure.malformed} bad frames`);
    if (bench.recorded) record(bench, figure);
  }
}
