/**
 * Goal: the runner's last line is true. Method: `bun test` runs planted files that pass, fail, skip, break while loading, break between
 * tests or hold no test at all, and the tally is compared with what was planted.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JunitReport, readJunit } from "./junit.ts";
import { tallyOf } from "./run-tests.ts";

const folder = mkdtempSync(join(tmpdir(), "soma-planted-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Planted {
  readonly exitCode: number;
  readonly output: string;
  readonly report: JunitReport | undefined;
}

/** Runs `bun test` on one file of this text, outside the repository and its set-up. */
async function runPlanted(
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Planted> {
  const place = mkdtempSync(join(folder, "run-"));
  const reportFile = join(place, "report.xml");
  await Bun.write(
    join(place, "planted.test.ts"),
    `import { describe, expect, test } from "bun:test";\n${text}`,
  );
  const reporter = ["--reporter=junit", `--reporter-outfile=${reportFile}`];
  const child = Bun.spawn([process.execPath, "test", ...reporter], {
    cwd: place,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, CI: "", NO_COLOR: "1", ...env },
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const exitCode = await child.exited;
  let report: JunitReport | undefined;
  try {
    report = readJunit(readFileSync(reportFile, "utf8"));
  } catch {
    report = undefined;
  }
  return { exitCode, output: `${out}${err}`, report };
}

describe("the tally", () => {
  test("counts what passed, failed and was skipped, by full name", async () => {
    const run = await runPlanted(`
      test("good", () => {});
      describe('a "group" <1>', () => {
        test("also good & fine", () => {});
        test("bad", () => { expect(1).toBe(2); });
        test.skip("left", () => {});
      });
    `);
    const tally = tallyOf({ ...run, all: false });
    expect(tally.passed).toBe(2);
    expect(tally.failed).toEqual(['planted.test.ts: a "group" <1> > bad']);
    expect(tally.skipped).toEqual(['planted.test.ts: a "group" <1> > left']);
  });

  test("counts an error between tests, which the report leaves out", async () => {
    const run = await runPlanted(`
      test("good", () => {});
      test("waits", async () => { queueMicrotask(() => { throw new Error("late"); }); await Bun.sleep(20); });
    `);
    expect(run.exitCode).not.toBe(0);
    expect(tallyOf({ ...run, all: false }).failed).not.toEqual([]);
  });

  test("counts a file that does not load", async () => {
    const run = await runPlanted('import "./missing.ts"; test("never", () => {});');
    expect(run.exitCode).not.toBe(0);
    expect(tallyOf({ ...run, all: false }).failed).not.toEqual([]);
  });

  test("counts a run that was cut short", async () => {
    const run = await runPlanted('test("good", () => {}); test("gone", () => process.exit(0));');
    expect(tallyOf({ ...run, all: false }).failed).not.toEqual([]);
  });

  test("does not take silence for success", async () => {
    const run = await runPlanted("export const nothing = 1;");
    expect(tallyOf({ ...run, all: false }).failed).not.toEqual([]);
  });

  test("misses the files that ran no test, when all were meant to run", () => {
    const report = { passed: 1, failed: [], skipped: [], filesS: new Map([["test/x.test.ts", 1]]) };
    const { failed } = tallyOf({ exitCode: 0, output: "", report, all: true });
    expect(failed).toContain("test/tools/run-tests.test.ts: no test of it ran");
  });
});

describe("a requirement that is not met", () => {
  const module = JSON.stringify(join(import.meta.dir, "requirement.ts"));
  const lacksData = `
    import { describeWith, testWith } from ${module};
    testWith([{ data: "no/such.bvh" }], "one", () => { throw new Error("must not run"); });
    describeWith([{ data: "no/such.bvh" }], "many", () => { throw new Error("must not run"); });
    test("beside", () => {});
  `;

  test("skips, and says in one line what it needs", async () => {
    const { exitCode, output, report } = await runPlanted(lacksData);
    expect(exitCode).toBe(0);
    expect(report?.passed).toBe(1);
    expect(report?.skipped.map(({ name }) => name)).toEqual(["one", "many"]);
    expect(output).toContain('skipped: "one" needs the third-party file no/such.bvh');
  });

  test("fails in CI, where everything can be provided", async () => {
    const { exitCode, output, report } = await runPlanted(lacksData, { CI: "true" });
    expect(exitCode).not.toBe(0);
    expect(report?.failed.map(({ name }) => name)).toEqual(["one", "many"]);
    expect(output).toContain("may not be skipped in CI");
  });

  test("skips in CI, too, where it is the machine's nature", async () => {
    const { exitCode, report } = await runPlanted(
      `
        import { testWith } from ${module};
        testWith([{ machine: "a tenth core", has: false }], "wide", () => {});
        testWith([{ machine: "a first core", has: true }], "narrow", () => {});
      `,
      { CI: "true" },
    );
    expect(exitCode).toBe(0);
    expect(report?.skipped.map(({ name }) => name)).toEqual(["wide"]);
    expect(report?.passed).toBe(1);
  });
});
