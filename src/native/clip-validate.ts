/**
 * soma_clip_validate in TypeScript, check for check: what one form refuses the other refuses with the same status. Reads the block
 * only inside its bounds.
 */
import { SOMA_STATUS } from "./bindings.ts";
import {
  CLIP_HEADER,
  CLIP_HEADER_BYTES,
  CLIP_MAGIC,
  CLIP_MAX_JOINTS,
  CLIP_RANGE,
  CLIP_TRACK,
  CLIP_TRACK_BYTES,
  CLIP_VERSION,
  ROTATION_TRACK,
  TRACK_KIND,
  TRACK_WIDTHS,
  TRACK_WRAPS,
} from "./clip-layout.ts";

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
  for (let index = 0; index < trackCount; index++) {
    if (!isTrackValid(view, tracksOffset + index * CLIP_TRACK_BYTES, index % TRACKS_PER_JOINT)) {
      return SOMA_STATUS.SOMA_BAD_CLIP;
    }
  }
  return SOMA_STATUS.SOMA_OK;
}

function isTime(seconds: number): boolean {
  return Math.abs(seconds) <= CLIP_RANGE.maxTimeS;
}

function isInside(view: DataView, offset: number, bytes: number, align: number): boolean {
  return offset % align === 0 && offset >= CLIP_HEADER_BYTES && offset + bytes <= view.byteLength;
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
    view.getBigUint64(CLIP_HEADER.reserved, true) === 0n &&
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
  if ((flags & ~TRACK_WRAPS) !== 0 || view.getUint32(at + CLIP_TRACK.reserved, true) !== 0)
    return false;
  const width = TRACK_WIDTHS[property] ?? 3;
  const numbersPerKey = kind === TRACK_KIND.cubic ? 3 * width : width;
  const valuesOffset = view.getUint32(at + CLIP_TRACK.valuesOffset, true);
  if (!isInside(view, valuesOffset, keyCount * numbersPerKey * 4, 4)) return false;
  if (!isTimingValid(view, at, kind, keyCount, flags)) return false;
  const values = new Float32Array(view.buffer, valuesOffset, keyCount * numbersPerKey);
  if (!values.every((value) => Math.abs(value) <= CLIP_RANGE.maxValue)) return false;
  if (property !== ROTATION_TRACK) return true;
  const first = kind === TRACK_KIND.cubic ? width : 0;
  for (let i = first; i < values.length; i += numbersPerKey)
    if (!isRotation(values, i)) return false;
  return true;
}

function isTimingValid(
  view: DataView,
  at: number,
  kind: number,
  keyCount: number,
  flags: number,
): boolean {
  if (kind === TRACK_KIND.constant) return keyCount === 1 && flags === 0;
  const timesOffset = view.getUint32(at + CLIP_TRACK.timesOffset, true);
  if (timesOffset === 0) {
    const stepS = view.getFloat64(at + CLIP_TRACK.stepS, true);
    if (flags !== 0 && !(view.getFloat64(CLIP_HEADER.wrapS, true) > 0)) return false;
    return isTime(view.getFloat64(at + CLIP_TRACK.startS, true)) && isTime(stepS) && stepS > 0;
  }
  if (flags !== 0 || !isInside(view, timesOffset, keyCount * 4, 4)) return false;
  const times = new Float32Array(view.buffer, timesOffset, keyCount);
  return times.every(
    (time, index) => isTime(time) && (index === 0 || time > (times[index - 1] ?? time)),
  );
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
