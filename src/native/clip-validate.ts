/**
 * soma_clip_validate in TypeScript, check for check: what one form refuses the other refuses with the same status. Reads the block
 * only inside its bounds.
 */
import { SOMA_STATUS } from "./bindings.ts";
import { isInside, isTime, isTimingValid } from "./clip-bounds.ts";
import {
  CLIP_HEADER,
  CLIP_HEADER_BYTES,
  CLIP_LANES,
  CLIP_MAGIC,
  CLIP_MAX_JOINTS,
  CLIP_RANGE,
  CLIP_TRACK,
  CLIP_TRACK_BYTES,
  CLIP_VERSION,
  LANES,
  ROTATION_TRACK,
  TRACK_IN_LANES,
  TRACK_KIND,
  TRACK_WIDTHS,
  TRACK_WRAPS,
} from "./clip-layout.ts";
import { areLanesPlaced, areLanesValid } from "./clip-validate-lanes.ts";

const TRACKS_PER_JOINT = TRACK_WIDTHS.length;

/** SOMA_OK, SOMA_BAD_CLIP or SOMA_BAD_PARENT. */
export function validateClip(block: ArrayBufferLike): number {
  if (block.byteLength < CLIP_HEADER_BYTES) return SOMA_STATUS.SOMA_BAD_CLIP;
  const view = new DataView(block);
  if (!isHeaderValid(view)) return SOMA_STATUS.SOMA_BAD_CLIP;
  const joints = view.getUint32(CLIP_HEADER.jointCount, true);
  const parentsOffset = view.getUint32(CLIP_HEADER.parentsOffset, true);
  const tracksOffset = view.getUint32(CLIP_HEADER.tracksOffset, true);
  const trackCount = joints * TRACKS_PER_JOINT;
  if (
    !isInside(view, parentsOffset, joints * 4, 4) ||
    !isInside(view, tracksOffset, trackCount * CLIP_TRACK_BYTES, 8)
  ) {
    return SOMA_STATUS.SOMA_BAD_CLIP;
  }
  for (let joint = 0; joint < joints; joint++) {
    const parent = view.getInt32(parentsOffset + joint * 4, true);
    if (parent < -1 || parent >= joint) return SOMA_STATUS.SOMA_BAD_PARENT;
  }
  const lanesOffset = view.getUint32(CLIP_HEADER.lanesOffset, true);
  if (lanesOffset !== 0 && !areLanesPlaced(view, lanesOffset)) return SOMA_STATUS.SOMA_BAD_CLIP;
  for (let index = 0; index < trackCount; index++) {
    if (!isTrackValid(view, tracksOffset + index * CLIP_TRACK_BYTES, index % TRACKS_PER_JOINT)) {
      return SOMA_STATUS.SOMA_BAD_CLIP;
    }
  }
  if (lanesOffset !== 0 && !areLanesValid(view, lanesOffset)) return SOMA_STATUS.SOMA_BAD_CLIP;
  return SOMA_STATUS.SOMA_OK;
}

function isHeaderValid(view: DataView): boolean {
  const joints = view.getUint32(CLIP_HEADER.jointCount, true);
  const startS = view.getFloat64(CLIP_HEADER.startS, true);
  const endS = view.getFloat64(CLIP_HEADER.endS, true);
  const wrapS = view.getFloat64(CLIP_HEADER.wrapS, true);
  return (
    view.getUint32(CLIP_HEADER.magic, true) === CLIP_MAGIC &&
    view.getUint32(CLIP_HEADER.version, true) === CLIP_VERSION &&
    view.getUint32(CLIP_HEADER.flags, true) === 0 &&
    view.getUint32(CLIP_HEADER.reserved, true) === 0 &&
    view.getBigUint64(CLIP_HEADER.byteLength, true) === BigInt(view.byteLength) &&
    joints >= 1 &&
    joints <= CLIP_MAX_JOINTS &&
    isTime(startS) &&
    isTime(endS) &&
    startS <= endS &&
    isTime(wrapS) &&
    (wrapS === 0 || (wrapS > 0 && wrapS >= endS - startS))
  );
}

function isTrackValid(view: DataView, at: number, property: number): boolean {
  const kind = view.getUint32(at + CLIP_TRACK.kind, true);
  const keyCount = view.getUint32(at + CLIP_TRACK.keyCount, true);
  const flags = view.getUint32(at + CLIP_TRACK.flags, true);
  if (kind > TRACK_KIND.cubic || keyCount === 0) return false;
  if ((flags & ~(TRACK_WRAPS | TRACK_IN_LANES)) !== 0) return false;
  if (view.getUint32(at + CLIP_TRACK.reserved, true) !== 0) return false;
  const width = TRACK_WIDTHS[property] ?? 3;
  if ((flags & TRACK_IN_LANES) !== 0)
    return isTimingValid(view, at) && isLaneValid(view, at, property, width);
  const numbersPerKey = kind === TRACK_KIND.cubic ? 3 * width : width;
  const valuesOffset = view.getUint32(at + CLIP_TRACK.valuesOffset, true);
  if (!isInside(view, valuesOffset, keyCount * numbersPerKey * 4, 4)) return false;
  if (!isTimingValid(view, at)) return false;
  const values = new Float32Array(view.buffer, valuesOffset, keyCount * numbersPerKey);
  if (!values.every((value) => Math.abs(value) <= CLIP_RANGE.maxValue)) return false;
  if (property !== ROTATION_TRACK) return true;
  const first = kind === TRACK_KIND.cubic ? width : 0;
  for (let i = first; i < values.length; i += numbersPerKey)
    if (!isRotation(values, i)) return false;
  return true;
}

function isLaneValid(view: DataView, at: number, property: number, width: number): boolean {
  const lanesOffset = view.getUint32(CLIP_HEADER.lanesOffset, true);
  const kind = view.getUint32(at + CLIP_TRACK.kind, true);
  if (lanesOffset === 0 || kind === TRACK_KIND.step || kind === TRACK_KIND.cubic) return false;
  const keyCount = view.getUint32(at + CLIP_TRACK.keyCount, true);
  const valuesOffset = view.getUint32(at + CLIP_TRACK.valuesOffset, true);
  const keyStride = view.getUint32(lanesOffset + CLIP_LANES.keyBytes, true) / 4;
  const numbers = (keyCount - 1) * keyStride + (width - 1) * LANES + 1;
  if (!isInside(view, valuesOffset, numbers * 4, 4)) return false;
  const values = new Float32Array(view.buffer, valuesOffset, numbers);
  for (let key = 0, from = 0; key < keyCount; key++, from += keyStride) {
    let square = 0;
    for (let i = 0; i < width; i++) {
      const value = values[from + i * LANES] ?? Number.NaN;
      if (!(Math.abs(value) <= CLIP_RANGE.maxValue)) return false;
      square += value * value;
    }
    if (property === ROTATION_TRACK && !(Math.abs(square - 1) <= CLIP_RANGE.unitTolerance))
      return false;
  }
  return true;
}

function isRotation(values: Float32Array, at: number): boolean {
  const { minRotation, maxRotation } = CLIP_RANGE;
  const x = values[at] ?? 0;
  const y = values[at + 1] ?? 0;
  const z = values[at + 2] ?? 0;
  const w = values[at + 3] ?? 0;
  const square = x * x + y * y + z * z + w * w;
  return square >= minRotation * minRotation && square <= maxRotation * maxRotation;
}
