/**
 * Sampling and forward kinematics in TypeScript, over the same clip blocks as the C form: used where libsoma is not loaded. It
 * computes in float64 and rounds once, by formulas of its own, which makes it the C form's cross-check too.
 */
import { DTYPE_BYTES, type Dtype } from "../protocol/layouts.ts";
import { SOMA_STATUS } from "./bindings.ts";
import {
  CLIP_HEADER,
  CLIP_LANES,
  CLIP_RANGE,
  CLIP_TRACK,
  CLIP_TRACK_BYTES,
  LANES,
  ROTATION_TRACK,
  TRACK_IN_LANES,
  TRACK_KIND,
  TRACK_WIDTHS,
  TRACK_WRAPS,
} from "./clip-layout.ts";
import { validateClip } from "./clip-validate.ts";
import {
  type FkKernels,
  MATRIX_BYTES,
  type PoseClip,
  requireClip,
  requireRoom,
  requireTime,
} from "./fk-kernels.ts";

interface Track {
  readonly kind: number;
  readonly width: number;
  readonly keyCount: number;
  /** Undefined when the keys are uniform. */
  readonly timesS: Float32Array | undefined;
  readonly startS: number;
  readonly stepS: number;
  readonly wraps: boolean;
  readonly values: Float32Array;
  /** Distance in `values` of the numbers of one value, and of two values. */
  readonly stride: number;
  readonly keyStride: number;
}

/** Two keys and the place between them. */
interface Interval {
  from: number;
  to: number;
  /** 0 … 1. */
  blend: number;
  spanS: number;
}

class PortableClip implements PoseClip {
  readonly jointCount: number;
  readonly startS: number;
  readonly endS: number;
  readonly wrapS: number;
  readonly parents: Int32Array;
  readonly #tracks: readonly Track[];
  readonly #keys: Interval = { from: 0, to: 0, blend: 0, spanS: 0 };
  readonly #translation = new Float64Array(3);
  readonly #rotation = new Float64Array(4);
  readonly #scale = new Float64Array(3);

  /** `block` was validated. */
  constructor(block: ArrayBufferLike) {
    const view = new DataView(block);
    this.jointCount = view.getUint32(CLIP_HEADER.jointCount, true);
    this.startS = view.getFloat64(CLIP_HEADER.startS, true);
    this.endS = view.getFloat64(CLIP_HEADER.endS, true);
    this.wrapS = view.getFloat64(CLIP_HEADER.wrapS, true);
    this.parents = new Int32Array(
      block,
      view.getUint32(CLIP_HEADER.parentsOffset, true),
      this.jointCount,
    );
    const tracksOffset = view.getUint32(CLIP_HEADER.tracksOffset, true);
    const count = this.jointCount * TRACK_WIDTHS.length;
    this.#tracks = Array.from({ length: count }, (_, index) =>
      readTrack(
        view,
        tracksOffset + index * CLIP_TRACK_BYTES,
        TRACK_WIDTHS[index % TRACK_WIDTHS.length] ?? 3,
      ),
    );
  }

  sample(out: DataView, byteOffset: number, timeS: number): void {
    requireRoom(out, byteOffset, this.jointCount * MATRIX_BYTES, 4);
    requireTime(timeS);
    const heldS = Math.min(Math.max(timeS, this.startS), this.endS);
    const wrappedS = timeS > this.endS && timeS < this.startS + this.wrapS ? timeS : heldS;
    const values = [this.#translation, this.#rotation, this.#scale] as const;
    let property = 0;
    let at = byteOffset;
    for (const track of this.#tracks) {
      const value = values[property] ?? this.#scale;
      findKeys(this.#keys, track, track.wraps ? wrappedS : heldS);
      if (property === ROTATION_TRACK) sampleRotation(value, track, this.#keys);
      else sampleVector(value, track, this.#keys);
      property++;
      if (property < values.length) continue;
      writeMatrix(out, at, this.#translation, this.#rotation, this.#scale);
      property = 0;
      at += MATRIX_BYTES;
    }
  }
}

function readTrack(view: DataView, at: number, width: number): Track {
  const kind = view.getUint32(at + CLIP_TRACK.kind, true);
  const keyCount = view.getUint32(at + CLIP_TRACK.keyCount, true);
  const timesOffset =
    kind === TRACK_KIND.constant ? 0 : view.getUint32(at + CLIP_TRACK.timesOffset, true);
  const flags = view.getUint32(at + CLIP_TRACK.flags, true);
  const isInLanes = (flags & TRACK_IN_LANES) !== 0;
  const stride = isInLanes ? LANES : 1;
  const keyStride = isInLanes
    ? view.getUint32(view.getUint32(CLIP_HEADER.lanesOffset, true) + CLIP_LANES.keyBytes, true) / 4
    : kind === TRACK_KIND.cubic
      ? 3 * width
      : width;
  const numbers = isInLanes
    ? (keyCount - 1) * keyStride + (width - 1) * stride + 1
    : keyCount * keyStride;
  return {
    kind,
    width,
    keyCount,
    timesS: timesOffset === 0 ? undefined : new Float32Array(view.buffer, timesOffset, keyCount),
    startS: view.getFloat64(at + CLIP_TRACK.startS, true),
    stepS: view.getFloat64(at + CLIP_TRACK.stepS, true),
    wraps: (flags & TRACK_WRAPS) !== 0,
    stride,
    keyStride,
    values: new Float32Array(
      view.buffer,
      view.getUint32(at + CLIP_TRACK.valuesOffset, true),
      numbers,
    ),
  };
}

function setInterval(keys: Interval, from: number, to: number, blend: number, spanS: number): void {
  keys.from = from;
  keys.to = to;
  keys.blend = blend;
  keys.spanS = spanS;
}

function findKeys(keys: Interval, track: Track, timeS: number): void {
  if (track.kind === TRACK_KIND.constant) setInterval(keys, 0, 0, 0, 0);
  else if (track.timesS) findListed(keys, track.timesS, timeS);
  else findUniform(keys, track, timeS);
}

function findUniform(keys: Interval, track: Track, timeS: number): void {
  const place = (timeS - track.startS) / track.stepS;
  const last = track.keyCount - 1;
  if (!(place > 0)) return setInterval(keys, 0, 0, 0, track.stepS);
  if (place < last) {
    const from = Math.floor(place);
    return setInterval(keys, from, from + 1, place - from, track.stepS);
  }
  if (!track.wraps) return setInterval(keys, last, last, 0, track.stepS);
  if (place < last + 1) return setInterval(keys, last, 0, place - last, track.stepS);
  return setInterval(keys, 0, 0, 0, track.stepS);
}

function findListed(keys: Interval, timesS: Float32Array, timeS: number): void {
  let low = 0;
  let high = timesS.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timesS[middle] ?? 0) <= timeS) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return setInterval(keys, 0, 0, 0, 0);
  if (low === timesS.length) return setInterval(keys, low - 1, low - 1, 0, 0);
  const fromS = timesS[low - 1] ?? 0;
  const spanS = (timesS[low] ?? 0) - fromS;
  setInterval(keys, low - 1, low, (timeS - fromS) / spanS, spanS);
}

function sampleVector(out: Float64Array, track: Track, keys: Interval): void {
  if (track.kind === TRACK_KIND.cubic) return sampleCubic(out, track, keys);
  const { values, width, stride } = track;
  let from = keys.from * track.keyStride;
  let to = keys.to * track.keyStride;
  const blend = track.kind === TRACK_KIND.linear ? keys.blend : 0;
  for (let i = 0; i < width; i++, from += stride, to += stride) {
    const start = values[from] ?? 0;
    out[i] = start + ((values[to] ?? 0) - start) * blend;
  }
}

/** glTF 2.0, appendix C.4: cubic Hermite over (in-tangent, value, out-tangent) triples. */
function sampleCubic(out: Float64Array, track: Track, keys: Interval): void {
  const { values, width } = track;
  const from = keys.from * 3 * width;
  const to = keys.to * 3 * width;
  const t = keys.blend;
  const t2 = t * t;
  const t3 = t2 * t;
  const fromWeight = 2 * t3 - 3 * t2 + 1;
  const toWeight = 3 * t2 - 2 * t3;
  const outWeight = keys.spanS * (t3 - 2 * t2 + t);
  const inWeight = keys.spanS * (t3 - t2);
  for (let i = 0; i < width; i++) {
    const start =
      fromWeight * (values[from + width + i] ?? 0) +
      outWeight * (values[from + 2 * width + i] ?? 0);
    out[i] = Math.fround(
      start + toWeight * (values[to + width + i] ?? 0) + inWeight * (values[to + i] ?? 0),
    );
  }
}

function sampleRotation(out: Float64Array, track: Track, keys: Interval): void {
  if (track.kind === TRACK_KIND.cubic) {
    sampleCubic(out, track, keys);
    // A curve that passes through zero has no direction there: the key before it stands in.
    if (lengthOf(out) < CLIP_RANGE.minRotation) readKey(out, track, keys.from * 12 + 4);
    makeUnit(out);
    return;
  }
  readKey(out, track, keys.from * track.keyStride);
  if (track.kind !== TRACK_KIND.linear || keys.blend === 0) return makeUnit(out);
  readKey(NEXT_KEY, track, keys.to * track.keyStride);
  slerp(out, NEXT_KEY, keys.blend);
}

/** Scratch of `sampleRotation`. */
const NEXT_KEY = new Float64Array(4);

function readKey(out: Float64Array, { values, stride }: Track, at: number): void {
  for (let i = 0; i < 4; i++) out[i] = values[at + i * stride] ?? 0;
}

function lengthOf(q: Float64Array): number {
  const x = q[0] ?? 0;
  const y = q[1] ?? 0;
  const z = q[2] ?? 0;
  const w = q[3] ?? 0;
  return Math.sqrt(x * x + y * y + z * z + w * w);
}

function makeUnit(q: Float64Array): void {
  const scale = 1 / lengthOf(q);
  for (let i = 0; i < 4; i++) q[i] = (q[i] ?? 0) * scale;
}

/** Which arc is shorter, rounded to float32 at each step as the C form does, so that both take the same one. */
function isOpposite(a: Float64Array, b: Float64Array): boolean {
  const { fround } = Math;
  const x = fround((a[0] ?? 0) * (b[0] ?? 0));
  const y = fround((a[1] ?? 0) * (b[1] ?? 0));
  const z = fround((a[2] ?? 0) * (b[2] ?? 0));
  const w = fround((a[3] ?? 0) * (b[3] ?? 0));
  return fround(fround(fround(x + y) + z) + w) < 0;
}

/**
 * Slerp of two keys into the first one, by the half chord c = |a - b|/2 = sin(θ/2), which keeps its digits for close keys where the
 * cosine loses them. Below a hundredth of a radian the weights are linear to θ³/16 < 1e-7 of the rotation between the keys.
 */
function slerp(a: Float64Array, b: Float64Array, t: number): void {
  const aScale = 1 / lengthOf(a);
  const bScale = (isOpposite(a, b) ? -1 : 1) / lengthOf(b);
  let square = 0;
  for (let i = 0; i < 4; i++) {
    const difference = (a[i] ?? 0) * aScale - (b[i] ?? 0) * bScale;
    square += difference * difference;
  }
  const angle = 2 * Math.asin(Math.min(1, Math.sqrt(square) / 2));
  const isClose = angle < 0.01;
  const sine = isClose ? 1 : Math.sin(angle);
  const aWeight = (isClose ? 1 - t : Math.sin((1 - t) * angle) / sine) * aScale;
  const bWeight = (isClose ? t : Math.sin(t * angle) / sine) * bScale;
  for (let i = 0; i < 4; i++) a[i] = (a[i] ?? 0) * aWeight + (b[i] ?? 0) * bWeight;
}

function writeMatrix(
  out: DataView,
  at: number,
  t: Float64Array,
  q: Float64Array,
  s: Float64Array,
): void {
  const x = q[0] ?? 0;
  const y = q[1] ?? 0;
  const z = q[2] ?? 0;
  const w = q[3] ?? 1;
  const sx = s[0] ?? 1;
  const sy = s[1] ?? 1;
  const sz = s[2] ?? 1;
  const two = 2 / (x * x + y * y + z * z + w * w);
  const xx = x * x * two;
  const yy = y * y * two;
  const zz = z * z * two;
  const xy = x * y * two;
  const xz = x * z * two;
  const yz = y * z * two;
  const wx = w * x * two;
  const wy = w * y * two;
  const wz = w * z * two;
  writeRow(out, at, (1 - (yy + zz)) * sx, (xy - wz) * sy, (xz + wy) * sz, t[0] ?? 0);
  writeRow(out, at + 16, (xy + wz) * sx, (1 - (xx + zz)) * sy, (yz - wx) * sz, t[1] ?? 0);
  writeRow(out, at + 32, (xz - wy) * sx, (yz + wx) * sy, (1 - (xx + yy)) * sz, t[2] ?? 0);
  writeRow(out, at + 48, 0, 0, 0, 1);
}

function writeRow(out: DataView, at: number, a: number, b: number, c: number, d: number): void {
  out.setFloat32(at, a, true);
  out.setFloat32(at + 4, b, true);
  out.setFloat32(at + 8, c, true);
  out.setFloat32(at + 12, d, true);
}

function multiplyInto(
  out: DataView,
  at: number,
  parent: DataView,
  parentAt: number,
  local: DataView,
): void {
  const l = LOCAL_MATRIX;
  for (let i = 0; i < 16; i++) l[i] = local.getFloat32(at + i * 4, true); // `out` may be the same memory as `local`.
  for (let row = 0; row < 4; row++) {
    const rowAt = parentAt + row * 16;
    const a = parent.getFloat32(rowAt, true);
    const b = parent.getFloat32(rowAt + 4, true);
    const c = parent.getFloat32(rowAt + 8, true);
    const d = parent.getFloat32(rowAt + 12, true);
    for (let column = 0; column < 4; column++) {
      const sum =
        a * (l[column] ?? 0) +
        b * (l[4 + column] ?? 0) +
        c * (l[8 + column] ?? 0) +
        d * (l[12 + column] ?? 0);
      out.setFloat32(at + row * 16 + column * 4, sum, true);
    }
  }
}

/** Scratch of `multiplyInto`. */
const LOCAL_MATRIX = new Float64Array(16);

const WRITE: Readonly<Record<Dtype, (view: DataView, at: number, value: number) => void>> = {
  f32: (view, at, value) => view.setFloat32(at, value, true),
  f64: (view, at, value) => view.setFloat64(at, value, true),
  f16: (view, at, value) => view.setFloat16(at, value, true),
};

export const portableFk: FkKernels = {
  form: "portable",

  openClip(block) {
    requireClip(validateClip(block));
    return new PortableClip(block);
  },

  globalMatrices(globalOut, local, parents) {
    const bytes = parents.length * MATRIX_BYTES;
    requireRoom(globalOut, 0, bytes, 4);
    requireRoom(local, 0, bytes, 4);
    for (let joint = 0; joint < parents.length; joint++) {
      const parent = parents[joint] ?? -1;
      if (parent < -1 || parent >= joint) requireClip(SOMA_STATUS.SOMA_BAD_PARENT);
      const at = joint * MATRIX_BYTES;
      if (parent >= 0) {
        multiplyInto(globalOut, at, globalOut, parent * MATRIX_BYTES, local);
        continue;
      }
      for (let i = 0; i < MATRIX_BYTES; i += 4)
        globalOut.setFloat32(at + i, local.getFloat32(at + i, true), true);
    }
  },

  convertPose(out, pose, boneCount, dtype, order) {
    const elementBytes = DTYPE_BYTES[dtype];
    requireRoom(out, 0, boneCount * 16 * elementBytes, elementBytes);
    requireRoom(pose, 0, boneCount * MATRIX_BYTES, 4);
    const write = WRITE[dtype];
    for (let bone = 0; bone < boneCount; bone++) {
      for (let i = 0; i < 16; i++) {
        const source = order === "column" ? (i % 4) * 4 + (i >> 2) : i;
        const value = pose.getFloat32(bone * MATRIX_BYTES + source * 4, true);
        write(out, (bone * 16 + i) * elementBytes, value);
      }
    }
  },
};
