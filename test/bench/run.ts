/**
 * `bun run bench [name…] [--quick] [--rounds N] [--only contender,…] [--headerless]`
 *
 * Runs the named benchmarks, or all of them, one after the other. Full runs of the compiled binary append their
 * figures to `results/*.csv`; others are for looking and leave no trace. Everything runs on 127.0.0.1, is bounded in time, and is ended at the end.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.ts";
import { BENCH_CLIP, benchClipText } from "./clip.ts";
import { runCommands } from "./commands.ts";
import { CONTENDERS, ROOT, soma, somaIsCompiled } from "./contenders.ts";
import { runDrift } from "./drift.ts";
import { runFanOut } from "./fan-out.ts";
import { compile } from "./load.ts";
import { describeMachine, loadAverage } from "./machine.ts";
import { print } from "./report.ts";
import { runSessions } from "./sessions.ts";
import { runStalled } from "./stalled.ts";
import { runStartup } from "./startup.ts";

interface Entry {
  readonly run: (bench: Bench) => Promise<void>;
  /** Whether it has anything to measure without our own server. */
  readonly rivals: boolean;
}

const BENCHES: Readonly<Record<string, Entry>> = {
  startup: { run: runStartup, rivals: true },
  "fan-out": { run: runFanOut, rivals: true },
  sessions: { run: runSessions, rivals: false },
  commands: { run: runCommands, rivals: false },
  stalled: { run: runStalled, rivals: false },
  drift: { run: runDrift, rivals: false },
};

const FULL = { rounds: 3, windowMs: 8_000 } as const;
const QUICK = { rounds: 1, windowMs: 2_000 } as const;

function refuse(reason: string): never {
  process.stderr.write(`bench: ${reason}\n`);
  process.exit(2);
}

function parse(): {
  readonly names: readonly string[];
  readonly options: Omit<Bench, "workDir" | "clipsDir" | "loadClient" | "machine">;
} {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      headerless: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string" },
    },
  });
  const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined)
    refuse(`no benchmark "${unknown}"; there are ${Object.keys(BENCHES).join(", ")}`);
  const only = values.only?.split(",");
  const stranger = only?.find((name) => !CONTENDERS.some((contender) => contender.name === name));
  if (stranger !== undefined)
    refuse(
      `no contender "${stranger}"; there are ${CONTENDERS.map(({ name }) => name).join(", ")}`,
    );
  const size = values.quick ? QUICK : FULL;
  const rounds = Number(values.rounds ?? size.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) refuse("--rounds takes 1 to 100");
  return {
    names: positionals.length > 0 ? positionals : Object.keys(BENCHES),
    options: {
      quick: values.quick,
      rounds,
      windowMs: size.windowMs,
      headerless: values.headerless,
      only,
      recorded: !values.quick && only === undefined && somaIsCompiled(),
    },
  };
}

/** Runs one benchmark; a failure is said and does not keep the others from running. */
async function survives(name: string, run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    print(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

async function main(): Promise<void> {
  const { names, options } = parse();
  const workDir = mkdtempSync(join(tmpdir(), "soma-bench-"));
  // On exit rather than in a finally: a signal ends the run without unwinding it.
  process.on("exit", () => rmSync(workDir, { recursive: true, force: true }));
  const clipsDir = join(workDir, "clips");
  mkdirSync(clipsDir);
  await Bun.write(join(clipsDir, BENCH_CLIP.fileName), benchClipText());
  const loadClient = await compile("load-client.c", workDir);
  const machine = describeMachine(ROOT);
  const bench: Bench = { ...options, workDir, clipsDir, loadClient, machine };
  print(
    `${machine.cpu}, ${machine.cores} cores, load ${loadAverage().toFixed(2)}, commit ${machine.commit}, ${machine.date}`,
  );
  if (soma.missing() === undefined && !somaIsCompiled()) {
    print(
      "dist/soma is missing: soma runs from source, so its start and memory are not the product's; bun run build",
    );
  }
  for (const name of names) {
    const entry = BENCHES[name];
    if (entry === undefined) continue;
    print(`\n== ${name}`);
    const missing = soma.missing();
    if (missing !== undefined && !entry.rivals) print(`not measured (${missing})`);
    else if (!(await survives(name, () => entry.run(bench)))) process.exitCode = 1;
  }
}

await main();
