/**
 * `bun run fuzz [--seconds N] [--seed N] [target…]`: random input for as long as is asked, 60 seconds per target unless said
 * otherwise. Targets: `api` (requests made from the OpenAPI document), `clips` (mutated BVH and GLB files), and each test/fuzz/*_fuzz.c
 * under libFuzzer and the sanitizers. What breaks something is kept in dist/fuzz, and what libFuzzer learnt is there for the next run.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { prepare } from "../../build.ts";
import { NATIVE_FLAGS, nativeSources } from "../../ffi/build.ts";
import { installLine } from "./debian-packages.ts";

const ROOT = join(import.meta.dir, "../..");
const KEPT = join(ROOT, "dist/fuzz");
/** Mutations of one clip file per second, measured on one core of a small server (4 files: 32,000 in 3.0 s). */
const CLIP_ROUNDS_PER_SECOND = 2_600;

interface Effort {
  readonly seconds: number;
  readonly seed: number;
}

/** Throws, or rejects, where something broke. */
type Target = (effort: Effort) => Promise<void>;

const targets: Readonly<Record<string, Target>> = {
  api: async (effort) => {
    const { fuzzApi } = await import("../fuzz/api.ts");
    await fuzzApi(effort);
  },
  clips: async ({ seconds }) => {
    const rounds = String(seconds * CLIP_ROUNDS_PER_SECOND);
    await run([process.execPath, "test", "test/fuzz/clips.test.ts"], { SOMA_FUZZ_ROUNDS: rounds });
  },
  ...Object.fromEntries(
    nativeTargets().map((file) => [basename(file, "_fuzz.c"), fuzzNative(file)]),
  ),
};

function nativeTargets(): readonly string[] {
  const folder = join(ROOT, "test/fuzz");
  const files = readdirSync(folder).filter((name) => name.endsWith("_fuzz.c"));
  return files.sort().map((name) => join(folder, name));
}

function fuzzNative(file: string): Target {
  return async ({ seconds, seed }) => {
    if (Bun.which("clang") === null) {
      throw new Error(
        `libFuzzer comes with clang: ${installLine(["clang", "libclang-rt-14-dev"])}`,
      );
    }
    const corpus = join(KEPT, `${basename(file, ".c")}-corpus`);
    mkdirSync(corpus, { recursive: true });
    await plantSeeds(basename(file, "_fuzz.c"), corpus);
    const folder = mkdtempSync(join(tmpdir(), "soma-fuzz-"));
    try {
      const program = join(folder, basename(file, ".c"));
      const sanitizers = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"];
      const sources = [file, ...(await nativeSources())];
      const include = `-I${join(ROOT, "ffi/include")}`;
      await run([
        "clang",
        ...NATIVE_FLAGS,
        ...sanitizers,
        "-g",
        include,
        ...sources,
        "-o",
        program,
        "-lm",
      ]);
      const limits = [
        `-max_total_time=${seconds}`,
        `-seed=${seed}`,
        "-timeout=10",
        "-max_len=65536",
      ];
      await run([
        program,
        ...limits,
        "-verbosity=0",
        "-print_final_stats=1",
        `-artifact_prefix=${KEPT}/`,
        corpus,
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

/** The corpus grows from run to run; the good inputs it started from are put back each time. */
async function plantSeeds(name: string, corpus: string): Promise<void> {
  const { fuzzSeeds } = await import("../fuzz/seeds.ts");
  const seeds = (await fuzzSeeds())[name];
  if (!seeds) throw new Error(`test/fuzz/seeds.ts has no inputs for ${name}`);
  for (const [index, bytes] of seeds.entries())
    await Bun.write(join(corpus, `seed-${index}`), bytes);
}

async function run(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  const exitCode = await child.exited;
  if (exitCode !== 0) throw new Error(`${basename(command[0] ?? "")} ended with ${exitCode}`);
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { seconds: { type: "string", default: "60" }, seed: { type: "string" } },
  });
  const seconds = wholeNumber("--seconds", values.seconds);
  const anySeed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
  const seed = values.seed === undefined ? anySeed : wholeNumber("--seed", values.seed);
  const names = positionals.length > 0 ? positionals : Object.keys(targets);
  await prepare({ native: true, pages: true });
  const failed: string[] = [];
  for (const name of names) {
    const target = targets[name];
    if (!target)
      throw new Error(`there is no target "${name}"; there are ${Object.keys(targets).join(", ")}`);
    console.error(`fuzz: ${name}, ${seconds} s, seed ${seed}`);
    try {
      await target({ seconds, seed });
    } catch (error) {
      failed.push(name);
      console.error(error);
    }
  }
  const kept = failed.length > 0 ? `; inputs of C targets are in ${relative(ROOT, KEPT)}` : "";
  console.log(`${names.length - failed.length} passed, ${failed.length} failed${kept}`);
  return failed.length === 0 ? 0 : 1;
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option} takes a whole number, not "${text}"`);
  return value;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
