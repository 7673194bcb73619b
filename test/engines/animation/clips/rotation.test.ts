/** Goal: matrices come apart into T·R·S and together again, for any turn, stretch, mirror and collapse. */
import { expect, test } from "bun:test";
import {
  decomposeMatrix,
  normaliseQuaternion,
  turnAboutAxis,
} from "../../../../src/engines/animation/clips/rotation.ts";
import { compose, largestDifference } from "./evaluate.ts";

function transpose(m: readonly number[]): number[] {
  return m.map((_, i) => m[(i % 4) * 4 + Math.floor(i / 4)] ?? 0);
}

/** Scattered but repeatable numbers in [-1, 1]. */
function scattered(seed: number): number {
  const x = Math.sin(seed * 127.1 + 311.7) * 43758.5453;
  return (x - Math.floor(x)) * 2 - 1;
}

test("2,000 random T·R·S matrices, mirrors and very unequal scales among them, come back to 1e-12", () => {
  for (let seed = 0; seed < 2_000; seed++) {
    const [t, q, s] = [3, 4, 3].map((n, k) =>
      Array.from({ length: n }, (_, i) => scattered(seed * 13 + k * 4 + i)),
    );
    const scale = (s ?? []).map((v, i) => v * 10 ** ((seed + i) % 4));
    const matrix = compose(t ?? [], q ?? [], scale);
    const found = decomposeMatrix(transpose(matrix));
    expect(found.error).toBeLessThan(1e-12);
    const size = Math.max(...matrix.map(Math.abs));
    expect(
      largestDifference(compose(found.translation, found.rotation, found.scale), matrix),
    ).toBeLessThan(1e-12 * size);
  }
});

test.each([
  ["half turns", compose([0, 0, 0], [1, 0, 0, 0], [1, 1, 1])],
  [
    "half turns about a diagonal",
    compose([0, 0, 0], [0, Math.SQRT1_2, Math.SQRT1_2, 0], [1, 2, 3]),
  ],
  ["a mirror", compose([1, 2, 3], [0, 0, 0, 1], [-1, 1, 1])],
  ["one axis collapsed", compose([0, 0, 0], [0.5, 0.5, 0.5, 0.5], [2, 0, 3])],
  ["two axes collapsed", compose([0, 0, 0], [0.5, -0.5, 0.5, 0.5], [0, 0, 3])],
  ["everything collapsed", compose([4, 5, 6], [0, 0, 0, 1], [0, 0, 0])],
])("%s", (_, matrix) => {
  const found = decomposeMatrix(transpose(matrix));
  expect(found.error).toBeLessThan(4e-15);
  expect(
    largestDifference(compose(found.translation, found.rotation, found.scale), matrix),
  ).toBeLessThan(4e-15);
});

test("a shear has no such form: the error is the largest element that is off, relative to the largest", () => {
  const sheared = [1, 0, 0, 0, 0.25, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const found = decomposeMatrix(sheared);
  const back = transpose(compose(found.translation, found.rotation, found.scale));
  expect(found.error).toBeCloseTo(largestDifference(back, sheared), 12);
  expect(found.error).toBeGreaterThan(0.2);
});

test("turns about moving axes multiply from the right", () => {
  const q = new Float64Array([0, 0, 0, 1]);
  turnAboutAxis(q, 2, 90);
  turnAboutAxis(q, 0, 90);
  // Rz(90°)·Rx(90°) carries x to y, y to z and z to x: the third part of a turn about (1, 1, 1).
  expect(largestDifference(q, [0.5, 0.5, 0.5, 0.5])).toBeLessThan(1e-15);
  turnAboutAxis(q, 1, -180);
  expect(
    largestDifference(compose([0, 0, 0], [...q], [1, 1, 1]).slice(0, 3), [0, 0, -1]),
  ).toBeLessThan(1e-15);
});

test("only quaternions of usable length are normalised", () => {
  expect(normaliseQuaternion([0, 3, 0, 4])).toEqual([0, 0.6, 0, 0.8]);
  for (const q of [
    [0, 0, 0, 0],
    [1e-9, 0, 0, 0],
    [1e9, 0, 0, 0],
    [Number.NaN, 0, 0, 1],
  ]) {
    expect(normaliseQuaternion(q)).toBeUndefined();
  }
});
