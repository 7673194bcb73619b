/** ffi/build.ts: when it compiles, when it does not, and what it leaves behind where it cannot. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileNative, nativeSources } from "../../ffi/build.ts";
import { testWith } from "../tools/requirement.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "soma-build-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function outDir(name: string): string {
  return join(folder, name);
}

testWith(
  [{ package: "gcc" }],
  "compiles once, and again when the library was touched",
  async () => {
    const options = { outDir: outDir("once") };
    const first = await compileNative(options);
    expect(first).toEqual({ path: join(options.outDir, "libsoma.so"), compiled: true });
    const { mtimeMs, size } = statSync(first.path);
    expect(size).toBeGreaterThan(10_000);
    await compileNative(options);
    expect(statSync(first.path).mtimeMs).toBe(mtimeMs);
    writeFileSync(first.path, "damaged");
    expect((await compileNative(options)).compiled).toBe(true);
    expect(statSync(first.path).size).toBe(size);
    expect(readdirSync(options.outDir).sort()).toEqual(["libsoma.so", "libsoma.so.stamp"]);
  },
  60_000,
);

testWith(
  [{ package: "gcc" }],
  "three at once leave one whole library",
  async () => {
    const options = { outDir: outDir("three") };
    const results = await Promise.all([1, 2, 3].map(() => compileNative(options)));
    expect(results.every(({ compiled }) => compiled)).toBe(true);
    expect(readdirSync(options.outDir).sort()).toEqual(["libsoma.so", "libsoma.so.stamp"]);
    expect((await compileNative(options)).compiled).toBe(true);
  },
  120_000,
);

test("without a compiler there is an empty file and a line that installs one", () => {
  const script = join(folder, "none.ts");
  writeFileSync(
    script,
    `import { compileNative } from ${JSON.stringify(join(import.meta.dir, "../../ffi/build.ts"))};
     console.log(JSON.stringify(await compileNative({ outDir: ${JSON.stringify(outDir("none"))} })));`,
  );
  const run = Bun.spawnSync([process.execPath, script], { env: { PATH: folder } });
  const result = JSON.parse(run.stdout.toString()) as Awaited<ReturnType<typeof compileNative>>;
  expect(result.compiled).toBe(false);
  expect(result.reason).toContain("sudo apt-get install gcc libc6-dev");
  expect(result.reason).toContain("sudo dnf install gcc");
  expect(result.reason).toContain("xcode-select --install");
  expect(statSync(result.path).size).toBe(0);
});

test("a compiler that fails is a reason with its output, not a crash", async () => {
  const broken = join(folder, "broken-cc");
  writeFileSync(broken, "#!/bin/sh\necho 'no headers here' >&2\nexit 3\n");
  chmodSync(broken, 0o755);
  const result = await compileNative({ outDir: outDir("broken"), cc: broken });
  expect(result.compiled).toBe(false);
  expect(result.reason).toContain("failed (exit 3): no headers here");
  expect(statSync(result.path).size).toBe(0);
  expect(readdirSync(outDir("broken"))).toEqual(["libsoma.so"]);
});

test("targets that cannot be compiled for here are named", async () => {
  const windows = await compileNative({ target: "bun-windows-x64", outDir: outDir("windows") });
  expect(windows).toMatchObject({ compiled: false, reason: expect.stringContaining("Windows") });
  const far = await compileNative({ target: "plan9-x64", outDir: outDir("far") });
  expect(far.reason).toContain("no C cross compiler for plan9-x64");
});

test("the sources are all of ffi/src", async () => {
  expect((await nativeSources()).length).toBeGreaterThanOrEqual(15);
});
