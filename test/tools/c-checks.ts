/**
 * Checks of the C code: format, warnings of two compilers, tests under sanitizers, and the arm64 forms where they can be emulated.
 * `bun test/tools/c-checks.ts` runs all of them; each prints how much it looked at, and a tool that is missing is named.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { NATIVE_FLAGS, nativeSources } from "../../ffi/build.ts";

const ROOT = join(import.meta.dir, "../..");
const WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wvla", "-Werror"];
const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"];

interface CheckResult {
  readonly name: string;
  /** What was looked at, for people; undefined when a tool is missing. */
  readonly saw?: string;
  /** The tool that is missing, and the Debian package that brings it. */
  readonly missing?: string;
  /** Output of what failed; empty when all is well. */
  readonly problems: readonly string[];
}

interface Run {
  readonly exitCode: number;
  readonly output: string;
}

async function run(command: readonly string[], cwd: string = ROOT): Promise<Run> {
  const child = Bun.spawn([...command], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exitCode: await child.exited, output: `${stdout}${stderr}`.trim() };
}

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(ROOT, folder, name));
}

async function inTemporaryFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "soma-c-"));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function checkFormat(): Promise<CheckResult> {
  const name = "c format";
  if (Bun.which("clang-format") === null) return { name, missing: "clang-format", problems: [] };
  const files = ["ffi/include", "ffi/src", "test/ffi", "test/fuzz"].flatMap((folder) => [
    ...filesIn(folder, ".c"),
    ...filesIn(folder, ".h"),
  ]);
  const style = `--style=file:${join(ROOT, "ffi/.clang-format")}`;
  const { exitCode, output } = await run(["clang-format", style, "--dry-run", "-Werror", ...files]);
  return { name, saw: `${files.length} C files`, problems: exitCode === 0 ? [] : [output] };
}

/** Compiles everything with warnings as errors; optimised, since some warnings need the data flow. */
export async function checkWarnings(compiler: "gcc" | "clang"): Promise<CheckResult> {
  const name = `c warnings (${compiler})`;
  if (Bun.which(compiler) === null) return { name, missing: compiler, problems: [] };
  const sources = await nativeSources();
  const own = await inTemporaryFolder((folder) =>
    run([compiler, ...NATIVE_FLAGS, ...WARNINGS, "-c", ...sources], folder),
  );
  const header = join(ROOT, "ffi/include/soma.h");
  const asCpp = await run([
    compiler,
    "-x",
    "c++",
    "-std=c++17",
    "-Wall",
    "-Werror",
    "-fsyntax-only",
    header,
  ]);
  return {
    name,
    saw: `${sources.length} C files, soma.h as C++`,
    problems: [own, asCpp].filter(({ exitCode }) => exitCode !== 0).map(({ output }) => output),
  };
}

const TEST_FLAGS = [
  "-std=c17",
  "-ffp-contract=off",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Iffi/include",
  "-Iffi/src",
  "-Itest/ffi",
];

/** Builds every test/ffi/*_test.c with `compile`, runs it by `emulator`, and sums the checks that the tests say they made. */
async function runTests(
  name: string,
  compile: readonly string[],
  emulator: readonly string[],
): Promise<CheckResult> {
  const tests = filesIn("test/ffi", "_test.c");
  const flags = TEST_FLAGS.map((flag) => flag.replace(/^-I/, `-I${ROOT}/`));
  return await inTemporaryFolder(async (folder) => {
    const library = await run([...compile, ...flags, "-c", ...(await nativeSources())], folder);
    if (library.exitCode !== 0) return { name, saw: "the library", problems: [library.output] };
    const objects = readdirSync(folder).map((file) => join(folder, file));
    const problems: string[] = [];
    let checks = 0;
    for (const source of tests) {
      const program = join(folder, basename(source, ".c"));
      const built = await run(
        [...compile, ...flags, source, ...objects, "-o", program, "-lm"],
        folder,
      );
      const ran = built.exitCode === 0 ? await run([...emulator, program], folder) : built;
      const made = Number(/: (\d+) checks, 0 failed$/m.exec(ran.output)?.[1] ?? 0);
      checks += made;
      if (ran.exitCode !== 0 || made === 0) problems.push(`${basename(source)}:\n${ran.output}`);
    }
    return { name, saw: `${tests.length} C files, ${checks} checks`, problems };
  });
}

/** The C tests under the address and undefined-behaviour sanitizers. */
export async function checkSanitized(compiler: "gcc" | "clang"): Promise<CheckResult> {
  const name = `c tests (${compiler}, sanitized)`;
  if (Bun.which(compiler) === null) return { name, missing: compiler, problems: [] };
  return await runTests(name, [compiler, ...SANITIZERS], []);
}

/** The C tests with the NEON forms, emulated. Not part of what every machine can do, so its absence is no fault. */
export async function checkArm64(): Promise<CheckResult> {
  const name = "c tests (arm64, emulated)";
  const tools = ["aarch64-linux-gnu-gcc", "qemu-aarch64"];
  const lacking = tools.filter((tool) => Bun.which(tool) === null);
  if (lacking.length > 0) {
    return { name, missing: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user", problems: [] };
  }
  return await runTests(name, ["aarch64-linux-gnu-gcc", "-O2", "-static"], ["qemu-aarch64"]);
}

/** The C tests on an emulated x86-64 without AVX: an instruction that such a machine does not have ends the test. */
export async function checkOldX64(): Promise<CheckResult> {
  const name = "c tests (x86-64 of 2003, emulated)";
  if (process.arch !== "x64" || Bun.which("qemu-x86_64") === null || Bun.which("gcc") === null) {
    return { name, missing: "an x86-64 machine with gcc and qemu-user", problems: [] };
  }
  const flags = ["-O3", "-fno-math-errno", "-march=x86-64", "-static"];
  return await runTests(name, ["gcc", ...flags], ["qemu-x86_64", "-cpu", "qemu64"]);
}

if (import.meta.main) {
  let failed = false;
  for (const check of [
    checkFormat,
    () => checkWarnings("gcc"),
    () => checkWarnings("clang"),
    () => checkSanitized("gcc"),
    checkArm64,
    checkOldX64,
  ]) {
    const { name, saw, missing, problems } = await check();
    failed ||= problems.length > 0;
    const outcome = missing ? `not run: needs ${missing}` : problems.length > 0 ? "FAILED" : saw;
    console.log(`${name}: ${outcome}`);
    for (const problem of problems) console.error(problem);
  }
  process.exit(failed ? 1 : 0);
}
