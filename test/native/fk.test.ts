/**
 * Sampling and forward kinematics: C and TypeScript against a float64 oracle, against each other, and by hand. The tolerance is what
 * soma.h promises: 1e-6 of the larger of 1 and the joint's largest element.
 */
import { describe, expect, test } from "bun:test";
import { fkKernels } from "../../src/native/fk.ts";
import type { FkKernels } from "../../src/native/fk-kernels.ts";
import { nativeFk } from "../../src/native/fk-native.ts";
import { portableFk } from "../../src/native/fk-portable.ts";
import { native } from "../../src/native/library.ts";
import {
  captureClip,
  clipBlock,
  inLanes,
  randomClip,
  randomSource,
  type TestClip,
  type TestJoint,
} from "./clip-maker.ts";
import { oracleGlobal, oracleLocal } from "./pose-oracle.ts";

const library = native();
const forms: readonly FkKernels[] = library ? [nativeFk(library), portableFk] : [portableFk];

const TOLERANCE = 1e-6;

function poseView(joints: number): DataView {
  return new DataView(new SharedArrayBuffer(joints * 64));
}

function floats(view: DataView): Float32Array {
  return new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4);
}

/** Largest difference over all joints, each relative to the larger of 1 and its largest element. */
function worstDifference(actual: Float32Array, expected: readonly (readonly number[])[]): number {
  let worst = 0;
  for (const [joint, matrix] of expected.entries()) {
    const scale = Math.max(1, ...matrix.map(Math.abs));
    for (const [i, value] of matrix.entries()) {
      const difference = Math.abs((actual[joint * 16 + i] ?? Number.NaN) - value) / scale;
      if (!(difference <= worst)) worst = difference;
    }
  }
  return worst;
}

function timesOf(clip: TestClip, random: () => number): number[] {
  const spanS = clip.endS - clip.startS + clip.wrapS;
  const inside = Array.from({ length: 10 }, () => clip.startS + random() * spanS);
  return [
    clip.startS,
    clip.endS,
    clip.endS + clip.wrapS * 0.4,
    clip.startS + clip.wrapS,
    -1e9,
    1e9,
    ...inside,
  ];
}

function parentsOf(clip: TestClip): number[] {
  return clip.joints.map((joint) => joint.parent);
}

test("the native form is compared where the library is loaded", () => {
  expect(forms.map((form) => form.form)).toEqual(library ? ["native", "portable"] : ["portable"]);
  expect(fkKernels().form).toBe(library ? "native" : "portable");
});

for (const form of forms) {
  describe(`${form.form} form`, () => {
    test("samples every kind of track as the float64 oracle does", () => {
      const random = randomSource(7);
      let compared = 0;
      let withLanes = 0;
      for (let round = 0; round < 400; round++) {
        const clip = randomClip(random, 1 + Math.floor(random() * 40));
        const block = clipBlock(clip);
        if (new DataView(block).getUint32(56, true) > 0) withLanes++;
        const opened = form.openClip(block);
        const view = poseView(clip.joints.length);
        for (const timeS of timesOf(clip, random)) {
          opened.sample(view, 0, timeS);
          expect(worstDifference(floats(view), oracleLocal(clip, timeS))).toBeLessThan(TOLERANCE);
          compared++;
        }
      }
      expect(compared).toBe(400 * 16);
      expect(withLanes).toBeGreaterThan(100);
    });

    test("samples a capture of 65 joints, and its wrap, as the oracle does", () => {
      const clip = captureClip(65, 50);
      for (const block of [clipBlock(clip), clipBlock(inLanes(clip))]) {
        const opened = form.openClip(block);
        const view = poseView(65);
        for (let timeS = -0.01; timeS < clip.wrapS + 0.01; timeS += 0.00137) {
          opened.sample(view, 0, timeS);
          expect(worstDifference(floats(view), oracleLocal(clip, timeS))).toBeLessThan(TOLERANCE);
        }
      }
    });

    test("slerp keeps its accuracy from the closest to the most distant keys", () => {
      const axis = [0.36, -0.48, 0.8];
      for (const angle of [
        0,
        1e-12,
        1e-7,
        1e-4,
        1e-3,
        0.0099,
        0.0101,
        0.1,
        1,
        2,
        3,
        Math.PI - 1e-3,
        Math.PI + 1e-3,
        5,
        2 * Math.PI - 1e-4,
      ]) {
        const half = angle / 2;
        const end = [...axis.map((v) => v * Math.sin(half)), Math.cos(half)].map(Math.fround);
        const joint: TestJoint = {
          parent: -1,
          translation: { kind: "constant", values: [[0, 0, 0]] },
          rotation: { kind: "linear", values: [[0, 0, 0, 1], end], stepS: 1, shared: true },
          scale: { kind: "constant", values: [[1, 1, 1]] },
        };
        const alone: TestClip = { startS: 0, endS: 1, wrapS: 0, joints: [joint] };
        for (const clip of [
          alone,
          inLanes({ ...alone, joints: Array<TestJoint>(17).fill(joint) }),
        ]) {
          const opened = form.openClip(clipBlock(clip));
          const view = poseView(clip.joints.length);
          for (let step = 0; step <= 64; step++) {
            opened.sample(view, 0, step / 64);
            expect(worstDifference(floats(view), oracleLocal(clip, step / 64))).toBeLessThan(4e-7);
          }
        }
      }
    });

    test("global matrices are the products along the chains", () => {
      const clip = captureClip(65, 10);
      const view = poseView(65);
      const global = poseView(65);
      const opened = form.openClip(clipBlock(clip));
      for (const timeS of [0, 0.013, 0.05]) {
        opened.sample(view, 0, timeS);
        const expected = oracleGlobal(oracleLocal(clip, timeS), parentsOf(clip));
        form.globalMatrices(global, view, opened.parents);
        // Thirteen levels of products, each within 1e-6.
        expect(worstDifference(floats(global), expected)).toBeLessThan(5 * TOLERANCE);
        form.globalMatrices(view, view, opened.parents);
        expect(floats(view)).toEqual(floats(global));
      }
    });

    test("writes at an offset and nowhere else", () => {
      const clip = captureClip(3, 4);
      const opened = form.openClip(clipBlock(clip));
      const bytes = new Uint8Array(new SharedArrayBuffer(400)).fill(0xa5);
      opened.sample(new DataView(bytes.buffer, 32), 60, 0.01);
      expect(bytes.subarray(0, 92).every((byte) => byte === 0xa5)).toBe(true);
      expect(bytes.subarray(92 + 192).every((byte) => byte === 0xa5)).toBe(true);
      const alone = poseView(3);
      opened.sample(alone, 0, 0.01);
      expect(bytes.slice(92, 92 + 192)).toEqual(new Uint8Array(alone.buffer).slice());
    });

    test("refuses memory that is too small or not aligned, and times that are no numbers", () => {
      const opened = form.openClip(clipBlock(captureClip(2, 2)));
      const view = poseView(2);
      expect(() => opened.sample(view, 4, 0)).toThrow("128 bytes at 4");
      expect(() => opened.sample(view, -4, 0)).toThrow("need room");
      expect(() => opened.sample(new DataView(new ArrayBuffer(200), 1), 0, 0)).toThrow(
        "multiple of 4",
      );
      expect(() => opened.sample(view, 0, Number.NaN)).toThrow("not finite");
      expect(() => opened.sample(view, 0, Number.POSITIVE_INFINITY)).toThrow("not finite");
      expect(() => form.globalMatrices(view, view, Int32Array.of(-1, 1))).toThrow(
        "does not precede",
      );
      expect(() => form.globalMatrices(view, view, Int32Array.of(-1, 0, 1))).toThrow("need room");
      expect(() => form.convertPose(poseView(1), view, 2, "f32", "row")).toThrow("need room");
    });

    test("converts to every dtype and order as the language itself does", () => {
      const pose = poseView(2);
      const random = randomSource(3);
      const values = floats(pose).map((_, i) => (random() - 0.5) * 10 ** ((i % 9) - 4));
      values.set([0, -0, 65504, 65520, -1e9, 6e-8, Number.POSITIVE_INFINITY, 2.98e-8], 4);
      floats(pose).set(values);
      const types = { f32: Float32Array, f64: Float64Array, f16: Float16Array };
      for (const dtype of ["f32", "f64", "f16"] as const) {
        for (const order of ["row", "column"] as const) {
          const out = new types[dtype](32);
          form.convertPose(new DataView(out.buffer), pose, 2, dtype, order);
          const expected = new types[dtype](32);
          for (let i = 0; i < 32; i++) {
            const within = i % 16;
            const source = order === "row" ? within : (within % 4) * 4 + (within >> 2);
            expected[i] = floats(pose)[i - within + source] ?? Number.NaN;
          }
          expect(new Uint8Array(out.buffer)).toEqual(new Uint8Array(expected.buffer));
        }
      }
    });
  });
}
