/**
 * Goal: a check that looked at nothing, or could not look, is not taken for one that found nothing. Method: steps that print what tools
 * print are run as the real ones are.
 */
import { expect, test } from "bun:test";
import { type Outcome, runChecks, runStep } from "./check.ts";

async function run(step: Parameters<typeof runStep>[0]): Promise<Outcome & { said: string }> {
  const lines: string[] = [];
  const outcome = await runStep(step, (text) => void lines.push(text));
  return { ...outcome, said: lines.join("\n") };
}

function printing(text: string, exitCode = 0): Parameters<typeof runStep>[0] {
  return {
    name: "planted",
    command: [
      process.execPath,
      "-e",
      `console.log(${JSON.stringify(text)}); process.exit(${exitCode})`,
    ],
    things: "files",
    count: (output) => Number(/looked at (\d+) files/.exec(output)?.[1] ?? 0),
    left: /^left out: .*$/m,
  };
}

test("a step passes when it looked at something and found nothing", async () => {
  expect((await run(printing("looked at 3 files"))).ok).toBe(true);
});

test("a step fails when it found something", async () => {
  const { ok, said } = await run(printing("looked at 3 files", 1));
  expect(ok).toBe(false);
  expect(said).not.toContain("it looked at no files");
});

test("a step fails when it looked at nothing, or says nothing of it", async () => {
  const { ok, said } = await run(printing("looked at 0 files"));
  expect(ok).toBe(false);
  expect(said).toContain("it looked at no files");
  expect((await run(printing("all is well"))).ok).toBe(false);
});

test("a step whose tool is missing fails in CI only", async () => {
  const before = process.env["CI"];
  const step = printing("looked at 3 files\nleft out: a tool");
  try {
    process.env["CI"] = "true";
    expect((await run(step)).ok).toBe(false);
    process.env["CI"] = "";
    expect((await run(step)).ok).toBe(true);
  } finally {
    if (before === undefined) delete process.env["CI"];
    else process.env["CI"] = before;
  }
});

test("a name that is no check is refused", async () => {
  await expect(runChecks({ only: ["typos"] })).rejects.toThrow('there is no check "typos"');
});
