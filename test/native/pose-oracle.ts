/**
 * What a clip means, in float64 and by the textbook: slerp by the angle between the keys, matrices by turning the axes, products
 * by the definition. Slow, and written apart from both forms of src/native.
 */
import { keyCount, type TestClip, type TestTrack, tracksOf } from "./clip-maker.ts";

type Row = readonly number[];

/** Local matrices, joint × 16, row-major. */
export function oracleLocal(clip: TestClip, timeS: number): number[][] {
  return clip.joints.map((joint) => {
    const [t, r, s] = tracksOf(joint).map((track) => valueAt(clip, track, timeS));
    if (!t || !r || !s) throw new Error("three tracks");
    const axes = [turn(r, [1, 0, 0]), turn(r, [0, 1, 0]), turn(r, [0, 0, 1])];
    const element = (row: number, column: number): number =>
      (axes[column]?.[row] ?? 0) * (s[column] ?? 0);
    return [0, 1, 2]
      .flatMap((row) => [element(row, 0), element(row, 1), element(row, 2), t[row] ?? 0])
      .concat(0, 0, 0, 1);
  });
}

export function oracleGlobal(local: readonly Row[], parents: readonly number[]): number[][] {
  const global: number[][] = [];
  for (const [joint, matrix] of local.entries()) {
    const parent = global[parents[joint] ?? -1];
    global.push(parent ? product(parent, matrix) : [...matrix]);
  }
  return global;
}

function product(a: Row, b: Row): number[] {
  return Array.from({ length: 16 }, (_, index) => {
    const row = index >> 2;
    const column = index & 3;
    return [0, 1, 2, 3].reduce(
      (sum, k) => sum + (a[row * 4 + k] ?? 0) * (b[k * 4 + column] ?? 0),
      0,
    );
  });
}

function cross(a: Row, b: Row): number[] {
  const [ax = 0, ay = 0, az = 0] = a;
  const [bx = 0, by = 0, bz = 0] = b;
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

/** v + 2w(u × v) + 2u × (u × v) for the unit quaternion (u, w). */
function turn(q: Row, v: Row): number[] {
  const norm = Math.hypot(...q);
  const [x = 0, y = 0, z = 0, w = 0] = q.map((c) => c / norm);
  const uv = cross([x, y, z], v);
  const uuv = cross([x, y, z], uv);
  return v.map((c, i) => c + 2 * w * (uv[i] ?? 0) + 2 * (uuv[i] ?? 0));
}

/** Keys around a time: their indices, the fraction, and the distance in seconds. */
function keysAt(clip: TestClip, track: TestTrack, timeS: number): [number, number, number, number] {
  const count = keyCount(track);
  const wrapping = track.wraps === true && timeS > clip.endS && timeS < clip.startS + clip.wrapS;
  const heldS = wrapping ? timeS : Math.max(clip.startS, Math.min(clip.endS, timeS));
  const startS = track.startS ?? 0;
  const stepS = track.stepS ?? 1;
  const times = track.timesS ?? Array.from({ length: count }, (_, key) => startS + key * stepS);
  const first = times[0] ?? 0;
  const last = times[count - 1] ?? 0;
  if (heldS <= first) return [0, 0, 0, 0];
  if (heldS >= last) {
    const past = (heldS - last) / stepS;
    if (track.wraps !== true) return [count - 1, count - 1, 0, 0];
    return past < 1 ? [count - 1, 0, past, stepS] : [0, 0, 0, 0];
  }
  const after = times.findIndex((time) => time > heldS);
  const spanS = (times[after] ?? 0) - (times[after - 1] ?? 0);
  return [after - 1, after, (heldS - (times[after - 1] ?? 0)) / spanS, spanS];
}

function valueAt(clip: TestClip, track: TestTrack, timeS: number): number[] {
  const at = (index: number): Row => track.values[index] ?? [];
  if (track.kind === "constant") return [...at(0)];
  const [from, to, t, spanS] = keysAt(clip, track, timeS);
  if (track.kind === "step") return [...at(from)];
  if (track.kind === "cubic")
    return hermite(at(from * 3 + 1), at(from * 3 + 2), at(to * 3), at(to * 3 + 1), t, spanS);
  const a = at(from);
  const b = at(to);
  if (a.length === 4) return slerp(a, b, t);
  return a.map((v, i) => v * (1 - t) + (b[i] ?? 0) * t);
}

function hermite(p0: Row, m0: Row, m1: Row, p1: Row, t: number, spanS: number): number[] {
  return p0.map((p, i) => {
    const a = (2 * t ** 3 - 3 * t ** 2 + 1) * p + spanS * (t ** 3 - 2 * t ** 2 + t) * (m0[i] ?? 0);
    return a + (-2 * t ** 3 + 3 * t ** 2) * (p1[i] ?? 0) + spanS * (t ** 3 - t ** 2) * (m1[i] ?? 0);
  });
}

/** By the angle: θ = atan2(|a × b| in four dimensions, a · b), which is exact for close and for distant keys alike. */
function slerp(a: Row, b: Row, t: number): number[] {
  const unitA = a.map((v) => v / Math.hypot(...a));
  const unitB = b.map((v) => v / Math.hypot(...b));
  const dot = unitA.reduce((sum, v, i) => sum + v * (unitB[i] ?? 0), 0);
  const near = unitB.map((v) => (dot < 0 ? -v : v));
  const difference = Math.hypot(...unitA.map((v, i) => v - (near[i] ?? 0)));
  const sum = Math.hypot(...unitA.map((v, i) => v + (near[i] ?? 0)));
  const theta = 2 * Math.atan2(difference, sum);
  if (theta < 1e-9) return unitA;
  const wa = Math.sin((1 - t) * theta) / Math.sin(theta);
  const wb = Math.sin(t * theta) / Math.sin(theta);
  return unitA.map((v, i) => wa * v + wb * (near[i] ?? 0));
}
