/**
 * libFuzzer over every parser in C: test/fuzz/*_fuzz.c, under the address and undefined-behaviour sanitizers, from a few valid inputs.
 * Needs clang with its runtime. A crash leaves its input in the folder that the message names.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { nativeSources } from "../../ffi/build.ts";
import { clipBlock, randomClip, randomSource } from "../native/clip-maker.ts";

const ROOT = join(import.meta.dir, "../..");
const FLAGS = [
  "-std=c17",
  "-g",
  "-O1",
  "-ffp-contract=off",
  "-fsanitize=fuzzer,address,undefined",
  "-fno-sanitize-recover=all",
];

export interface FuzzOutcome {
  readonly target: string;
  readonly runs: number;
  /** Output of a crash, or of a compiler that failed; the crash's input lies in `folder`. */
  readonly problem?: string;
  readonly folder: string;
}

/** Valid inputs to start from. */
const SEEDS: Readonly<Record<string, () => Uint8Array[]>> = {
  clip: () => {
    const random = randomSource(11);
    return Array.from({ length: 24 }, (_, index) =>
      new Uint8Array(clipBlock(randomClip(random, 1 + (index % 5)))).slice(),
    );
  },
  png: () =>
    [
      [1, 0],
      [3, 2],
      [4, 6],
    ].map(([step = 1, type = 0]) => storedPng(step, type)),
};

/** 5 × 5 pixels, a filter of each kind. */
function storedPng(step: number, colourType: number): Uint8Array {
  const raw = Buffer.concat(
    [0, 1, 2, 3, 4].map((filter) =>
      Buffer.from([filter, ...Array<number>(5 * step).fill(filter * 40)]),
    ),
  );
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(data.length);
    head.write(type, 4, "latin1");
    return Buffer.concat([head, data, Buffer.alloc(4)]);
  };
  const header = Buffer.from([0, 0, 0, 5, 0, 0, 0, 5, 8, colourType, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(raw, { level: 0 })),
    chunk("IEND", new Uint8Array()),
  ]);
}

/** Names of the targets. */
export const FUZZ_TARGETS = Object.keys(SEEDS);

/** Builds and runs one target for so many seconds. */
export async function fuzzNative(target: string, seconds: number): Promise<FuzzOutcome> {
  const seeds = SEEDS[target]?.();
  if (!seeds)
    throw new Error(`there is no fuzz target "${target}"; there are ${FUZZ_TARGETS.join(", ")}`);
  const folder = mkdtempSync(join(tmpdir(), `soma-fuzz-${target}-`));
  const program = join(folder, "fuzz");
  const source = join(ROOT, "test/fuzz", `${target}_fuzz.c`);
  const includes = ["-Iffi/include", "-Iffi/src"];
  const built = Bun.spawnSync(
    ["clang", ...FLAGS, ...includes, source, ...(await nativeSources()), "-o", program, "-lm"],
    { cwd: ROOT },
  );
  if (built.exitCode !== 0) return { target, runs: 0, problem: built.stderr.toString(), folder };
  const corpus = join(folder, "corpus");
  mkdirSync(corpus);
  for (const [index, seed] of seeds.entries()) writeFileSync(join(corpus, `seed-${index}`), seed);
  const args = [
    corpus,
    `-max_total_time=${seconds}`,
    "-max_len=8192",
    "-timeout=5",
    "-print_final_stats=1",
  ];
  const ran = Bun.spawnSync([program, ...args], { cwd: folder });
  const output = ran.stderr.toString();
  const runs = Number(/stat::number_of_executed_units:\s+(\d+)/.exec(output)?.[1] ?? 0);
  if (ran.exitCode !== 0) return { target, runs, problem: output.slice(-4000), folder };
  rmSync(folder, { recursive: true });
  return { target, runs, folder };
}

if (import.meta.main) {
  const seconds = Number(process.argv[2] ?? 30);
  for (const target of FUZZ_TARGETS) {
    const { runs, problem, folder } = await fuzzNative(target, seconds);
    console.log(
      `fuzz ${target}: ${runs} runs in ${seconds} s, ${problem ? `FAILED, see ${folder}` : "no fault"}`,
    );
    if (problem) {
      console.error(problem);
      process.exitCode = 1;
    }
  }
}
