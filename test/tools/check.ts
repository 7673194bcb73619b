/**
 * `bun run check [step…]`: everything about the code that can be said without running the server. Each step also says how much it
 * looked at, and fails when that is nothing: a tool that was given no files finds no faults either. At the end one line per fault,
 * and one for all.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { prepare } from "../../build.ts";

const ROOT = join(import.meta.dir, "../..");

/** Runs the JavaScript entry of an installed tool under this Bun, whether or not the machine has Node. */
function tool(...[name = "", ...args]: readonly string[]): readonly string[] {
  return [process.execPath, "--bun", join(ROOT, "node_modules/.bin", name), ...args];
}

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** What was looked at. */
  readonly things: string;
  /** How many of them, from the command's output. */
  readonly count: (output: string) => number;
  /** What it says where a tool of its own is missing; in CI, where all of them are installed, that is a fault. */
  readonly left?: RegExp;
  /** Lines of output that are of no interest when the step fails. */
  readonly noise?: RegExp;
}

const compile = (name: string, project: string): Step => ({
  name,
  command: tool("tsc", "--noEmit", "--listFiles", "-p", project),
  things: "files",
  count: (output) => ownFiles(output).length,
  noise: /^\/[^()]*\.(ts|tsx|json|d\.ts)$/,
});

/** The longest first, so that the others run beside it. */
const STEPS: readonly Step[] = [
  {
    name: "c",
    command: [process.execPath, join(import.meta.dir, "c-checks.ts")],
    things: "C files",
    count: (output) => sumOf(/(\d+) C files/g, output),
    left: /^.*not run: needs .*$/m,
  },
  {
    name: "house",
    command: [process.execPath, "test", "test/house"],
    things: "tests",
    count: (output) => numberIn(/^Ran (\d+) tests?/m, output),
  },
  {
    name: "dead code",
    command: tool("knip", "--no-progress", "--treat-config-hints-as-errors", ...reporters()),
    things: "files",
    count: (output) => numberIn(/^knip read (\d+) files$/m, output),
  },
  {
    name: "lint",
    command: tool(
      "oxlint",
      "--type-aware",
      "--deny-warnings",
      "--report-unused-disable-directives",
    ),
    things: "files",
    count: (output) => numberIn(/\bon (\d+) files?\b/, output),
  },
  compile("types", "tsconfig.json"),
  compile("types of pages", "src/web/tsconfig.json"),
  {
    name: "format",
    command: tool(
      ...["biome", "check", "--linter-enabled=false", "--enforce-assist=true"],
      ...["--reporter=summary", "--max-diagnostics=none"],
    ),
    things: "files",
    count: (output) => numberIn(/^Checked (\d+) files?/m, output),
  },
];

function reporters(): readonly string[] {
  return ["--reporter", "symbols", "--reporter", join(import.meta.dir, "knip-reporter.ts")];
}

export interface Outcome {
  readonly name: string;
  readonly ok: boolean;
}

interface Selection {
  readonly only?: readonly string[];
  readonly except?: readonly string[];
}

/** Runs the steps, as many at once as there are cores, and prints what they find. */
export async function runChecks({
  only,
  except = [],
}: Selection = {}): Promise<readonly Outcome[]> {
  const unknown = (only ?? except).filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `there is no check "${unknown.join()}"; there are ${STEPS.map(({ name }) => name).join(", ")}`,
    );
  }
  const queue = STEPS.filter(
    ({ name }) => (only?.includes(name) ?? true) && !except.includes(name),
  );
  const outcomes: Outcome[] = [];
  const lane = async (): Promise<void> => {
    for (let step = queue.shift(); step; step = queue.shift()) outcomes.push(await runStep(step));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return outcomes;
}

/** Exported for its own test. */
export async function runStep(
  step: Step,
  say: (text: string) => void = console.error,
): Promise<Outcome> {
  const startedMs = performance.now();
  const { exitCode, output } = await capture(step.command);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const count = step.count(output);
  const left = step.left?.exec(output)?.[0];
  const ok = exitCode === 0 && count > 0 && (left === undefined || process.env["CI"] !== "true");
  if (left !== undefined) say(left);
  if (!ok) {
    const lines = output.split("\n").filter((line) => !step.noise?.test(line));
    say(`---- ${step.name}\n${lines.join("\n").trim()}`);
    if (count === 0) say(`it looked at no ${step.things}, so it proves nothing`);
  }
  const label = `${ok ? "ok    " : "FAILED"} ${step.name.padEnd(15)}`;
  say(`${label} ${String(count).padStart(5)} ${step.things.padEnd(18)} ${seconds} s`);
  return { name: step.name, ok };
}

async function capture(command: readonly string[]): Promise<{ exitCode: number; output: string }> {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exitCode: await child.exited, output: Bun.stripANSI(`${stdout}\n${stderr}`) };
}

/** Compiled files that are ours, from the list that tsc prints. */
function ownFiles(output: string): readonly string[] {
  const lines = output.split("\n");
  return lines.filter(
    (line) => line.startsWith(`${ROOT}/`) && !line.includes("/node_modules/") && existsSync(line),
  );
}

function numberIn(pattern: RegExp, output: string): number {
  return Number(pattern.exec(output)?.[1] ?? 0);
}

function sumOf(pattern: RegExp, output: string): number {
  return [...output.matchAll(pattern)].reduce((sum, [, digits]) => sum + Number(digits), 0);
}

if (import.meta.main) {
  const args = process.argv.slice(2);
  // Sources import what is built: the library, the pages.
  await prepare({ native: true, pages: true });
  const outcomes = await runChecks(args.length === 0 ? {} : { only: args });
  const failed = outcomes.filter(({ ok }) => !ok).map(({ name }) => name);
  const seconds = (performance.now() / 1000).toFixed(0);
  console.log(
    failed.length === 0
      ? `all ${outcomes.length} checks passed in ${seconds} s`
      : `${failed.length} of ${outcomes.length} checks failed: ${failed.join(", ")} (${seconds} s)`,
  );
  process.exit(failed.length === 0 ? 0 : 1);
}
