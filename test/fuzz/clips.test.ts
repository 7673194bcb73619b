/**
 * Goal: whatever bytes arrive, the clip readers answer with a valid clip or a Fault, in bounded time; nothing else is
 * thrown, nothing hangs. Method: seeded mutations of small good files, on bytes, on words, and on values of the JSON tree.
 * `SOMA_FUZZ_ROUNDS` sets the rounds per file; a failure names its seed, and that round alone reproduces it.
 */
import { expect, test } from "bun:test";
import { Fault } from "../../src/core/fault.ts";
import { inspectClip, loadClip } from "../../src/engines/animation/clips/load-clip.ts";
import { fkKernels } from "../../src/native/fk.ts";
import { portableFk } from "../../src/native/fk-portable.ts";
import { requireValidBlock, sampleGlobal } from "../engines/animation/clips/evaluate.ts";
import { type Asset, makeAsset, toGlb } from "../engines/animation/clips/gltf-fixture.ts";

const ROUNDS = Number(process.env["SOMA_FUZZ_ROUNDS"] ?? 8_000);
/** Far above what such small files need, and far below what a person calls hanging. */
const ROUND_LIMIT_MS = 2_000;

const BVH = `HIERARCHY
ROOT Hips { OFFSET 0 1 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Arm { OFFSET 10 0 0 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 5 0 } }
  JOINT Leg { OFFSET 0 -8 0 CHANNELS 1 Xrotation } }
ROOT Prop { OFFSET 1 1 1 CHANNELS 1 Yposition }
MOTION
Frames: 4
Frame Time: .0083333
1 2 3 0 0 0 0 0 0 0 1
1 2 3 90 0 0 -1.5e1 0 0 0 2
1 2 3 90 5.25 0 90 0 0 180 3
1 2 3 90 0 0 90 0 0 180 4
`;

const GLTF: Asset = makeAsset(
  [
    { data: new Float32Array([0, 0.5, 2]), type: "SCALAR", json: { min: [0], max: [2] } },
    { data: new Float32Array([1, 2, 3, 4, 5, 6, 7, 8, 9]), type: "VEC3" },
    {
      data: new Int16Array([0, 0, 0, 32767, 0, 0, 23170, 23170, 0, 0, 32767, 0]),
      type: "VEC4",
      normalized: true,
    },
    { data: new Float32Array(27).fill(0.5), type: "VEC3" },
    { data: new Uint8Array([0, 2, 0, 0]), type: "SCALAR" },
    {
      data: new Float32Array([9, 9, 9, 8, 8, 8]),
      type: "VEC3",
      json: {
        count: 3,
        byteOffset: 0,
        bufferView: 1,
        sparse: {
          count: 2,
          indices: { bufferView: 4, componentType: 5121 },
          values: { bufferView: 5 },
        },
      },
    },
  ],
  {
    scene: 0,
    scenes: [{ nodes: [0, 4] }],
    nodes: [
      { name: "root", children: [1, 2] },
      { name: "hips", translation: [1, 2, 3], children: [3] },
      { name: "mesh", mesh: 0, skin: 0 },
      { name: "head", rotation: [0, 0, 0, 1], scale: [1, 2, 3] },
      { name: "frame", matrix: [2, 0, 0, 0, 0, 0, 3, 0, 0, 4, 0, 0, 5, 6, 7, 1], children: [5] },
      { name: "ball" },
    ],
    skins: [{ joints: [1, 3], inverseBindMatrices: 0 }],
    animations: [
      {
        name: "a",
        samplers: [
          { input: 0, output: 1, interpolation: "STEP" },
          { input: 0, output: 2 },
          { input: 0, output: 3, interpolation: "CUBICSPLINE" },
          { input: 0, output: 5 },
        ],
        channels: [
          { sampler: 0, target: { node: 1, path: "translation" } },
          { sampler: 1, target: { node: 3, path: "rotation" } },
          { sampler: 2, target: { node: 5, path: "scale" } },
          { sampler: 3, target: { node: 5, path: "translation" } },
        ],
      },
    ],
  },
);

/** Mulberry32: small, seeded, good enough to choose where to break a file. */
function randomness(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomness>;

function pick<T>(random: Random, from: readonly T[]): T {
  const found = from[random(from.length)];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random(bytes.length);
  // Mostly a byte or two, so that many files stay plausible far beyond the first check.
  const length = 1 + random(Math.min(random(4) === 0 ? 64 : 2, bytes.length - at));
  const part = bytes.subarray(at, at + length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + length)];
  const changed = part.map((byte) => (random(2) === 0 ? byte ^ (1 << random(8)) : random(256)));
  const digit = Uint8Array.of(48 + random(10));
  const results = [
    [before, changed, after],
    [before, digit, after],
    [before, digit, part, after],
    [before, after],
    [before, part, part, after],
    [before],
    [before, after, part],
    [before, bytes.subarray(random(bytes.length)), after],
  ];
  return new Uint8Array(Buffer.concat(pick(random, results)));
}

const WORDS = [
  "{",
  "}",
  "ROOT",
  "JOINT a",
  "End Site",
  "MOTION",
  "OFFSET",
  "CHANNELS 3",
  "HIERARCHY",
  "Frames:",
  "Frame Time:",
  "0",
  "-0",
  "1e308",
  "-1e18",
  "1e-320",
  "9".repeat(400),
  "nan",
  "Infinity",
  "0x10",
  "4294967296",
  "\0",
  "\r",
  "Zrotation",
  "💀",
] as const;

function mutateWords(bytes: Uint8Array, random: Random): Uint8Array {
  const words = new TextDecoder().decode(bytes).split(/(\s+)/);
  const at = random(words.length);
  const removed = random(3);
  words.splice(at, removed, ...Array.from({ length: random(3) }, () => pick(random, WORDS)));
  return new TextEncoder().encode(words.join(""));
}

const VALUES: readonly unknown[] = [
  null,
  -1,
  0,
  1,
  2,
  3,
  5,
  0.5,
  1e9,
  2 ** 31,
  2 ** 53,
  1e300,
  "",
  "rotation",
  "weights",
  "VEC4",
  "CUBICSPLINE",
  true,
  [],
  {},
  [0],
  [1, 2, 3],
  5121,
  5126,
  "data:;base64,AAAA",
  "x.bin",
];

function mutateTree(bytes: Uint8Array, random: Random): Uint8Array {
  const json = structuredClone(GLTF.json);
  for (let n = 1 + random(3); n > 0; n--) {
    let holder: Record<string, unknown> = json;
    for (;;) {
      const key = pick(random, Object.keys(holder));
      const value = holder[key];
      const goesDeeper =
        typeof value === "object" &&
        value !== null &&
        Object.keys(value).length > 0 &&
        random(8) > 0;
      if (goesDeeper) {
        holder = value as Record<string, unknown>;
        continue;
      }
      if (random(6) === 0) delete holder[key];
      else holder[key] = structuredClone(pick(random, VALUES));
      break;
    }
  }
  return bytes.length > 0 ? toGlb({ json, binary: GLTF.binary }) : bytes;
}

/** "clip" or the code of the refusal; throws whatever is neither. */
async function outcome(bytes: Uint8Array, name: string): Promise<string> {
  try {
    const { block, info } = await loadClip({ bytes, name });
    requireValidBlock(block);
    fkKernels().openClip(block);
    portableFk.openClip(block);
    for (const timeS of [
      info.startS,
      (info.startS + info.endS) / 2,
      info.endS,
      info.endS + info.wrapS / 7,
    ]) {
      for (const matrix of sampleGlobal(block, timeS)) {
        if (matrix.some((value) => Number.isNaN(value))) throw new Error(`NaN at ${timeS} s`);
      }
    }
    return "clip";
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

const subjects = [
  {
    name: "bytes of a BVH",
    file: "a.bvh",
    source: new TextEncoder().encode(BVH),
    mutate: mutateBytes,
  },
  {
    name: "words of a BVH",
    file: "a.bvh",
    source: new TextEncoder().encode(BVH),
    mutate: mutateWords,
  },
  { name: "bytes of a GLB", file: "a.glb", source: toGlb(GLTF), mutate: mutateBytes },
  { name: "the JSON of a GLB", file: "a.glb", source: toGlb(GLTF), mutate: mutateTree },
] as const;

test.each(subjects)(
  "mutated $name: a valid clip or a Fault",
  async ({ file, source, mutate }) => {
    expect(await outcome(source, file)).toBe("clip");
    const outcomes = new Map<string, number>();
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = randomness(seed);
      let bytes = source;
      for (let n = 1 + random(3); n > 0; n--) if (bytes.length > 0) bytes = mutate(bytes, random);
      const start = performance.now();
      const result = await outcome(bytes, file).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
      await inspectClip({ bytes, name: file }).catch((error: unknown) => {
        if (!(error instanceof Fault))
          throw new Error(`seed ${seed}, inspectClip`, { cause: error });
      });
      const tookMs = performance.now() - start;
      if (tookMs > ROUND_LIMIT_MS) throw new Error(`seed ${seed} took ${tookMs.toFixed(0)} ms`);
      outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
    }
    // Mutations that all fail, or all pass, would test nothing.
    expect(outcomes.get("clip") ?? 0).toBeGreaterThan(ROUNDS / 100);
    expect(outcomes.get("CLIP_INVALID") ?? 0).toBeGreaterThan(ROUNDS / 100);
  },
  60_000 + ROUNDS * 10,
);
