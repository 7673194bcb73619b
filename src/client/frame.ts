/** One frame as the SDK hands it out, read from the bytes of a message without copying them where the platform allows. */
import {
  type Dtype,
  FRAME_FLAG,
  FRAME_HEADER_BYTES,
  posePayloadBytes,
  readFrameHeader,
} from "../protocol/layouts.ts";

/** Matrices of all bones, 16 numbers each. f16 arrives widened to float32, since few browsers have Float16Array. */
export type PoseArray<D extends Dtype = Dtype> = D extends "f64" ? Float64Array : Float32Array;

export interface Frame<D extends Dtype = Dtype> {
  /** 16 numbers per bone, in the skeleton's order. Valid as long as it is referenced; nothing writes to it later. */
  readonly pose: PoseArray<D>;
  /** Rises by one per produced frame, wraps at 2³². */
  readonly sequence: number;
  /** Unix time on the server's clock, microseconds. */
  readonly captureUs: number;
  /** Position in the clip, seconds. */
  readonly mediaTimeS: number;
  readonly paused: boolean;
  /** The server says that this frame does not follow from the one before. */
  readonly discontinuity: boolean;
  /** Rises when the engine restarted or the layout changed. */
  readonly epoch: number;
  /** When it arrived, on this machine's performance.now() clock. */
  readonly receivedMs: number;
}

export interface FrameContext<D extends Dtype> {
  readonly dtype: D;
  readonly boneCount: number;
  readonly receivedMs: number;
}

/** Reads one message; undefined where it is no pose frame of `boneCount` bones. */
export function readFrame<D extends Dtype>(
  bytes: ArrayBuffer,
  { dtype, boneCount, receivedMs }: FrameContext<D>,
): Frame<D> | undefined {
  const header = readFrameHeader(new DataView(bytes));
  if (!header) return undefined;
  const payloadBytes = posePayloadBytes(boneCount, dtype);
  if (header.payloadBytes !== payloadBytes) return undefined;
  if (bytes.byteLength !== FRAME_HEADER_BYTES + payloadBytes) return undefined;
  return {
    pose: readPose(bytes, dtype, boneCount * 16) as PoseArray<D>,
    sequence: header.sequence,
    captureUs: header.captureUs,
    mediaTimeS: header.mediaTimeS,
    paused: (header.flags & FRAME_FLAG.paused) !== 0,
    discontinuity: (header.flags & FRAME_FLAG.discontinuity) !== 0,
    epoch: header.epoch,
    receivedMs,
  };
}

/** Typed arrays have the machine's byte order; every platform with a browser is little-endian like the stream. */
function readPose(bytes: ArrayBuffer, dtype: Dtype, length: number): Float32Array | Float64Array {
  switch (dtype) {
    case "f32":
      return new Float32Array(bytes, FRAME_HEADER_BYTES, length);
    case "f64":
      return new Float64Array(bytes, FRAME_HEADER_BYTES, length);
    case "f16":
      return widen(new Uint16Array(bytes, FRAME_HEADER_BYTES, length));
  }
}

function widen(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  for (let at = 0; at < halves.length; at++) floats[at] = floatOfHalf(halves[at] ?? 0);
  return floats;
}

/** IEEE 754 binary16 to number. */
export function floatOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
