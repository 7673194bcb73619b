/**
 * `bun run test [--check] [arguments of bun test]`: sets up what tests need, runs them, and says in its last line how many passed
 * and failed. `--check` runs the checks of `bun run check` first; each of them counts as one test.
 *
 * A file that cannot be loaded, an error outside a test and a test file without tests count as failures: the report of `bun test`
 * leaves all three out.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepare } from "../../build.ts";
import { DEBIAN_PACKAGES, installLine, installMissingPackages } from "./debian-packages.ts";
import { type JunitReport, readJunit } from "./junit.ts";

const ROOT = join(import.meta.dir, "../..");
const SLOWEST_SHOWN = 5;

interface Tally {
  readonly passed: number;
  /** What failed, one line each. */
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
}

async function main(args: readonly string[]): Promise<number> {
  const inCi = process.env["CI"] === "true";
  const withChecks = args.includes("--check");
  const testArgs = args.filter((arg) => arg !== "--check");
  const missing = installMissingPackages({ inCi });
  if (missing.length > 0) {
    for (const name of missing) say(`${name} is missing: it ${DEBIAN_PACKAGES[name].reason}`);
    say(`these tests ${inCi ? "fail" : "are skipped"} without: ${installLine(missing)}`);
  }
  await prepare({ binary: true });
  const tallies: Tally[] = [];
  if (withChecks) tallies.push(await check());
  tallies.push(await test(testArgs));
  return summarise(tallies, inCi);
}

async function check(): Promise<Tally> {
  // Imported late: it needs the installed packages.
  const { runChecks } = await import("./check.ts");
  // The house tests run with all others.
  const outcomes = await runChecks({ except: ["house"] });
  const failed = outcomes.filter(({ ok }) => !ok).map(({ name }) => `check: ${name}`);
  return { passed: outcomes.length - failed.length, failed, skipped: [] };
}

async function test(args: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), "soma-test-"));
  const reportFile = join(folder, "junit.xml");
  try {
    const command = [process.execPath, "test", ...reporterArgs(reportFile), ...args];
    const { exitCode, output } = await runAndShow(command);
    const report = readReport(reportFile);
    if (report) sayTimes(report);
    return tallyOf({ exitCode, output, report, all: args.length === 0 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function reporterArgs(file: string): readonly string[] {
  return ["--reporter=junit", `--reporter-outfile=${file}`];
}

function readReport(file: string): JunitReport | undefined {
  try {
    return readJunit(readFileSync(file, "utf8"));
  } catch (error) {
    say(`no report of the tests: ${String(error)}`);
    return undefined;
  }
}

/** Runs a command, passes its output on as it comes, and keeps it. */
async function runAndShow(
  command: readonly string[],
): Promise<{ exitCode: number; output: string }> {
  const colour = process.stderr.isTTY ? { FORCE_COLOR: "1" } : {};
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...colour },
  });
  let output = "";
  const show = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      process.stderr.write(bytes);
      output += decoder.decode(bytes, { stream: true });
    }
  };
  await Promise.all([show(child.stdout), show(child.stderr)]);
  return { exitCode: await child.exited, output: Bun.stripANSI(output) };
}

interface TestRun {
  readonly exitCode: number;
  readonly output: string;
  readonly report: JunitReport | undefined;
  /** Whether every test file was meant to run. */
  readonly all: boolean;
}

/** Exported for its own test. */
export function tallyOf({ exitCode, output, report, all }: TestRun): Tally {
  if (!report) return { passed: 0, failed: ["bun test ended without a report"], skipped: [] };
  const name = ({ file, name }: { file: string; name: string }): string => `${file}: ${name}`;
  const failed = report.failed.map(name);
  // Errors while loading a file or between tests; the report has none of them.
  const errors = Number(/^ *(\d+) errors?$/m.exec(output)?.[1] ?? 0);
  if (errors > 0)
    failed.push(...Array.from({ length: errors }, () => "an error outside a test; see above"));
  if (all) failed.push(...silentFiles(report).map((file) => `${file}: no test of it ran`));
  if (exitCode !== 0 && failed.length === 0) failed.push(`bun test ended with ${exitCode}`);
  if (report.passed === 0 && failed.length === 0) failed.push("no test ran");
  return { passed: report.passed, failed, skipped: report.skipped.map(name) };
}

function silentFiles(report: JunitReport): readonly string[] {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: ROOT })];
  return files.filter((file) => !report.filesS.has(file)).sort();
}

function sayTimes({ filesS }: JunitReport): void {
  const slowest = [...filesS].sort(([, a], [, b]) => b - a).slice(0, SLOWEST_SHOWN);
  const shown = slowest.map(([file, seconds]) => `${file} ${seconds.toFixed(1)} s`);
  say(`${filesS.size} files; the slowest: ${shown.join(", ")}`);
}

function summarise(tallies: readonly Tally[], inCi: boolean): number {
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = tallies.flatMap((tally) => tally.failed);
  const skipped = tallies.flatMap((tally) => tally.skipped);
  for (const line of skipped) say(`skipped: ${line}`);
  for (const line of failed) say(`FAILED: ${line}`);
  say(`${(performance.now() / 1000).toFixed(0)} s in all`);
  // In CI only what the machine itself cannot do is skipped (see requirement.ts); it is listed above.
  const rest = skipped.length === 0 || inCi ? "" : `, ${skipped.length} skipped`;
  console.log(`${passed} passed, ${failed.length} failed${rest}`);
  return failed.length === 0 ? 0 : 1;
}

function say(line: string): void {
  console.error(`test: ${line}`);
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
