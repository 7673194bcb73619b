/**
 * An independent float64 reading of clip blocks for tests: checks a block against the rules written in soma.h, samples it
 * and chains the joints. It shares nothing with the kernels of src/native; of the sources it uses only the block's layout.
 */
import {
  type ClipBlockContent,
  readClipBlock,
} from "../../../../src/engines/animation/clips/clip-block.ts";
import type { ClipTrack } from "../../../../src/engines/animation/clips/description.ts";
import type { FkKernels } from "../../../../src/native/fk-kernels.ts";

/** 16 numbers, row-major: translation at 3, 7, 11. */
export type Matrix = readonly number[];

/** Local matrices of all joints at a time, by the rules of soma_clip_sample. */
export function sampleLocal(block: SharedArrayBuffer, timeS: number): Matrix[] {
  const clip = readClipBlock(block);
  return Array.from({ length: clip.jointCount }, (_, joint) => {
    const [translation, rotation, scale] = [0, 1, 2].map((property) =>
      sampleTrack(track(clip, joint * 3 + property), timeS, property === 1 ? 4 : 3, clip),
    );
    return compose(translation ?? [], rotation ?? [], scale ?? []);
  });
}

/** How the product itself samples a block: global matrices through one form of src/native, row-major. */
export function sampleGlobalWith(
  kernels: FkKernels,
  block: SharedArrayBuffer,
): (timeS: number) => Matrix[] {
  const clip = kernels.openClip(block);
  const pose = new DataView(new ArrayBuffer(clip.jointCount * 64));
  return (timeS) => {
    clip.sample(pose, 0, timeS);
    kernels.globalMatrices(pose, pose, clip.parents);
    return Array.from({ length: clip.jointCount }, (_, joint) => [
      ...new Float32Array(pose.buffer, joint * 64, 16),
    ]);
  };
}

/** Global matrices: the product along the chain of parents. */
export function sampleGlobal(block: SharedArrayBuffer, timeS: number): Matrix[] {
  const { parents } = readClipBlock(block);
  const globals: Matrix[] = [];
  for (const [joint, local] of sampleLocal(block, timeS).entries()) {
    const parent = globals[parents[joint] ?? -1];
    globals.push(parent ? multiply(parent, local) : local);
  }
  return globals;
}

function track(clip: ClipBlockContent, index: number): ClipTrack {
  const found = clip.tracks[index];
  if (!found) throw new Error(`no track ${index}`);
  return found;
}

export function sampleTrack(
  source: ClipTrack,
  timeS: number,
  width: number,
  clip: { readonly startS: number; readonly endS: number; readonly wrapS: number },
): number[] {
  if (source.kind === "constant") return [...source.value];
  const { times, values } = source;
  const keyCount = times.kind === "listed" ? times.timesS.length : times.keyCount;
  const wraps = times.kind === "uniform" && times.wraps;
  const last = wraps ? clip.startS + clip.wrapS : clip.endS;
  const t = Math.min(Math.max(timeS, clip.startS), last);
  const timeOf = (key: number) =>
    times.kind === "listed" ? (times.timesS[key] ?? 0) : times.startS + key * times.stepS;
  let key = 0;
  while (key + 1 < keyCount && timeOf(key + 1) <= t) key++;
  const next = key + 1 < keyCount ? key + 1 : wraps ? 0 : key;
  const step = next === 0 && times.kind === "uniform" ? times.stepS : timeOf(next) - timeOf(key);
  const u = next === key ? 0 : Math.min(Math.max((t - timeOf(key)) / step, 0), 1);
  const cubic = source.kind === "cubic";
  const element = (k: number, part: number) => {
    const at = (cubic ? k * 3 + part : k) * width;
    return [...values.subarray(at, at + width)];
  };
  if (cubic) {
    const [v0, b0, a1, v1] = [element(key, 1), element(key, 2), element(next, 0), element(next, 1)];
    const u2 = u * u;
    const u3 = u2 * u;
    const result = v0.map(
      (v, i) =>
        (2 * u3 - 3 * u2 + 1) * v +
        step * (u3 - 2 * u2 + u) * (b0[i] ?? 0) +
        (3 * u2 - 2 * u3) * (v1[i] ?? 0) +
        step * (u3 - u2) * (a1[i] ?? 0),
    );
    return width === 4 ? normalise(result) : result;
  }
  const a = element(key, 0);
  if (source.kind === "step" || u === 0) return a;
  const b = element(next, 0);
  return width === 4 ? slerp(a, b, u) : a.map((v, i) => v + ((b[i] ?? 0) - v) * u);
}

export function slerp(a: readonly number[], b: readonly number[], u: number): number[] {
  const dot = a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);
  const sign = dot < 0 ? -1 : 1;
  const angle = Math.acos(Math.min(1, Math.abs(dot)));
  const [wa, wb] =
    angle < 1e-6
      ? [1 - u, u]
      : [Math.sin((1 - u) * angle) / Math.sin(angle), Math.sin(u * angle) / Math.sin(angle)];
  return normalise(a.map((v, i) => wa * v + wb * sign * (b[i] ?? 0)));
}

export function normalise(q: readonly number[]): number[] {
  const length = Math.hypot(...q);
  return q.map((v) => v / length);
}

/** T·R·S of a translation, a unit quaternion (x, y, z, w) and a scale. */
export function compose(t: readonly number[], q: readonly number[], s: readonly number[]): Matrix {
  const [x = 0, y = 0, z = 0, w = 1] = normalise(q);
  const [sx = 1, sy = 1, sz = 1] = s;
  const [tx = 0, ty = 0, tz = 0] = t;
  return [
    (1 - 2 * (y * y + z * z)) * sx, 2 * (x * y - w * z) * sy, 2 * (x * z + w * y) * sz, tx,
    2 * (x * y + w * z) * sx, (1 - 2 * (x * x + z * z)) * sy, 2 * (y * z - w * x) * sz, ty,
    2 * (x * z - w * y) * sx, 2 * (y * z + w * x) * sy, (1 - 2 * (x * x + y * y)) * sz, tz,
    0, 0, 0, 1,
  ]; // biome-ignore format: a matrix reads by rows
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  return Array.from({ length: 16 }, (_, i) => {
    const row = i - (i % 4);
    return [0, 1, 2, 3].reduce((sum, k) => sum + (a[row + k] ?? 0) * (b[k * 4 + (i % 4)] ?? 0), 0);
  });
}

/** Throws, saying where, unless the block keeps every rule of soma.h that soma_clip_validate checks. */
export function requireValidBlock(block: SharedArrayBuffer): void {
  const clip = readClipBlock(block);
  const require = (holds: boolean, what: string) => {
    if (!holds) throw new Error(`invalid block: ${what}`);
  };
  require(clip.byteLength === block.byteLength && block.byteLength % 8 === 0, "byte length");
  require(clip.jointCount >= 1 && clip.jointCount <= 4096, "joint count");
  const bounds = [clip.startS, clip.endS, clip.wrapS];
  require(bounds.every((t) => Math.abs(t) <= 1e9) && clip.startS <= clip.endS, "time range");
  require(clip.wrapS === 0 || clip.wrapS >= clip.endS - clip.startS, "period");
  for (const [joint, parent] of clip.parents.entries())
    require(parent >= -1 && parent < joint, `parent of joint ${joint}`);
  const depths: number[] = [];
  for (const parent of clip.parents) depths.push(parent < 0 ? 0 : (depths[parent] ?? 0) + 1);
  require(depths.every(
    (depth, i) => i === 0 || depth >= (depths[i - 1] ?? 0),
  ), "breadth-first order");
  for (const [index, found] of clip.tracks.entries()) {
    const isRotation = index % 3 === 1;
    const values = found.kind === "constant" ? found.value : found.values;
    require([...values].every((v) => Math.abs(v) <= 1e18), `values of track ${index}`);
    const width = isRotation ? 4 : 3;
    const stride = found.kind === "cubic" ? width * 3 : width;
    for (
      let at = found.kind === "cubic" ? width : 0;
      isRotation && at < values.length;
      at += stride
    ) {
      const length = Math.hypot(...[0, 1, 2, 3].map((i) => values[at + i] ?? 0));
      require(length >= 1e-6 && length <= 1e6, `rotation in track ${index}`);
    }
    if (found.kind === "constant") continue;
    if (found.times.kind === "uniform") {
      require(found.times.stepS > 0 && found.times.keyCount > 1, `step of track ${index}`);
      require(!found.times.wraps || clip.wrapS > 0, `wrapping of track ${index}`);
      continue;
    }
    const { timesS } = found.times;
    require(timesS.every(
      (t, i) => Math.abs(t) <= 1e9 && (i === 0 || t > (timesS[i - 1] ?? 0)),
    ), `times of track ${index}`);
  }
}

/** Largest absolute difference of two lists of numbers of the same length. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths differ: ${a.length} and ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    if (!(difference <= largest)) largest = difference; // NaN must not pass as small
  }
  return largest;
}
