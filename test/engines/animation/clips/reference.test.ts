/**
 * Goal: loaded clips are right, by a judge that is not us. Global matrices of real captures and sample models, evaluated in
 * float64 by an independent program from the format descriptions alone (BVH also confirmed against Blender), compared at
 * every listed time. Each clip is sampled three times: by the float64 sampler of evaluate.ts, which measures the reader
 * alone, and by both forms of src/native, which measure what a client receives. Tolerances: 1e-5 (BVH) and 2e-6 (glTF) of the skeleton's extent, the product's contract; float32
 * storage alone costs about 1e-7.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { loadClip } from "../../../../src/engines/animation/clips/load-clip.ts";
import { nativeFk } from "../../../../src/native/fk-native.ts";
import { portableFk } from "../../../../src/native/fk-portable.ts";
import { native } from "../../../../src/native/library.ts";
import { gltfNodeNames } from "../../../tools/gltf-node-names.ts";
import { describeWith } from "../../../tools/requirement.ts";
import { thirdPartyData } from "../../../tools/third-party-data.ts";
import {
  largestDifference,
  type Matrix,
  requireValidBlock,
  sampleGlobal,
  sampleGlobalWith,
} from "./evaluate.ts";

interface Reference {
  readonly times: readonly number[];
  /** Names of the reference's nodes, in its order; undefined for what is no bone (end sites). */
  readonly names: readonly (string | undefined)[];
  /** Global matrix of one node at one time, row-major. */
  matrix(time: number, node: number): Matrix;
}

const root = thirdPartyData("animation");

function readReference(
  name: string,
  names: readonly (string | undefined)[],
  times: readonly number[],
): Reference {
  const bytes = readFileSync(`${root}/reference/${name}.f32`);
  const values = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  );
  expect(values.length).toBe(times.length * names.length * 16);
  return {
    names,
    times,
    matrix: (time, node) => {
      const at = (time * names.length + node) * 16;
      return Array.from(
        { length: 16 },
        (_, i) => values[at + (i % 4) * 4 + Math.floor(i / 4)] ?? Number.NaN,
      );
    },
  };
}

function readDescription(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${root}/reference/${name}.json`, "utf8")) as Record<
    string,
    unknown
  >;
}

function translation(m: Matrix): number[] {
  return [m[3] ?? 0, m[7] ?? 0, m[11] ?? 0];
}

function basis(m: Matrix): number[] {
  return [0, 1, 2, 4, 5, 6, 8, 9, 10].map((i) => m[i] ?? 0);
}

/** Largest error of positions, relative to the extent, and of basis elements, relative to the largest basis element. */
function compare(
  sample: (timeS: number) => readonly Matrix[],
  boneNames: readonly string[],
  reference: Reference,
) {
  const bones = boneNames.map((name) => {
    const node = reference.names.indexOf(name);
    if (node < 0 || reference.names.indexOf(name, node + 1) >= 0)
      throw new Error(`'${name}' is not one node`);
    return node;
  });
  let extent = 0;
  let largestBasis = 0;
  let positionError = 0;
  let basisError = 0;
  for (const [time, timeS] of reference.times.entries()) {
    const globals = sample(timeS);
    const origin = translation(reference.matrix(time, bones[0] ?? 0));
    for (const [bone, node] of bones.entries()) {
      const expected = reference.matrix(time, node);
      const found = globals[bone] ?? [];
      extent = Math.max(extent, largestDifference(translation(expected), origin));
      largestBasis = Math.max(largestBasis, ...basis(expected).map(Math.abs));
      positionError = Math.max(
        positionError,
        largestDifference(translation(expected), translation(found)),
      );
      basisError = Math.max(basisError, largestDifference(basis(expected), basis(found)));
    }
  }
  // A lone object has no size of its own: its motion is then measured in units.
  return { position: positionError / (extent || 1), basis: basisError / largestBasis };
}

/** The samplers by name; the C library counts only where it was built. */
function samplers(block: SharedArrayBuffer): [string, (timeS: number) => readonly Matrix[]][] {
  const library = native();
  return [
    ["float64", (timeS) => sampleGlobal(block, timeS)],
    ["portable", sampleGlobalWith(portableFk, block)],
    ...(library
      ? [
          ["native", sampleGlobalWith(nativeFk(library), block)] as [
            string,
            (timeS: number) => Matrix[],
          ],
        ]
      : []),
  ];
}

describeWith([{ data: "animation" }], "clips against independent matrices", () => {
  test("BVH: 07_01, 31 joints, 16 frames, within 1e-5 of the extent", async () => {
    const { block, info } = await loadClip({ path: `${root}/bvh/07_01.bvh` });
    const description = readDescription("bvh.07_01");
    const names = description["names"] as string[];
    const end = description["end"] as boolean[];
    const frameTimeS = description["frameTime"] as number;
    const times = (description["frames"] as number[]).map((frame) => frame * frameTimeS);
    const reference = readReference(
      "bvh.07_01",
      names.map((name, i) => (end[i] ? undefined : name)),
      times,
    );
    requireValidBlock(block);
    expect(info.jointCount).toBe(31);
    for (const [name, sample] of samplers(block)) {
      const error = compare(sample, info.boneNames, reference);
      expect(error.position, `${name}: positions`).toBeLessThan(1e-5);
      expect(error.basis, `${name}: basis`).toBeLessThan(1e-5);
    }
    // The yardstick measures something: one millisecond of delay is found.
    const late = { ...reference, times: times.map((t) => t + 1e-3) };
    expect(
      compare((timeS) => sampleGlobal(block, timeS), info.boneNames, late).position,
    ).toBeGreaterThan(1e-4);
  });

  const models = [
    { file: "CesiumMan.glb", reference: "gltf.CesiumMan.0", take: 0, bones: 21 },
    { file: "box_animated.gltf", reference: "gltf.box_animated.0", take: 0, bones: 3 },
    {
      file: "interpolation_test.gltf",
      reference: "gltf.interpolation_test.0",
      take: "Step Scale",
      bones: 9,
    },
    {
      file: "interpolation_test.gltf",
      reference: "gltf.interpolation_test.1",
      take: "Linear Scale",
      bones: 9,
    },
    { file: "interpolation_test.gltf", reference: "gltf.interpolation_test.2", take: 2, bones: 9 },
  ];
  test.each(models)("glTF: $file, take $take, within 2e-6 of the extent", async (model) => {
    const path = `${root}/gltf/${model.file}`;
    const { block, info } = await loadClip({ path, take: model.take });
    const names = gltfNodeNames(path);
    const reference = readReference(
      model.reference,
      names,
      readDescription(model.reference)["times"] as number[],
    );
    requireValidBlock(block);
    expect(info.jointCount).toBe(model.bones);
    for (const [name, sample] of samplers(block)) {
      const error = compare(sample, info.boneNames, reference);
      expect(error.position, `${name}: positions`).toBeLessThan(2e-6);
      expect(error.basis, `${name}: basis`).toBeLessThan(2e-6);
    }
    const late = { ...reference, times: reference.times.map((t) => t + 1e-2) };
    const wrong = compare((timeS) => sampleGlobal(block, timeS), info.boneNames, late);
    if (model.take !== "Step Scale")
      expect(Math.max(wrong.position, wrong.basis)).toBeGreaterThan(1e-4);
  });
});
