/** The checks of clip-validate.ts that tracks and lanes share: places inside the block, and times. */
import {
  CLIP_HEADER,
  CLIP_HEADER_BYTES,
  CLIP_RANGE,
  CLIP_TRACK,
  TRACK_KIND,
  TRACK_WRAPS,
} from "./clip-layout.ts";

export function isTime(seconds: number): boolean {
  return Math.abs(seconds) <= CLIP_RANGE.maxTimeS;
}

export function isInside(view: DataView, offset: number, bytes: number, align: number): boolean {
  return offset % align === 0 && offset >= CLIP_HEADER_BYTES && offset + bytes <= view.byteLength;
}

/** Of a soma_track, in the list or as the timing of all lanes. */
export function isTimingValid(view: DataView, at: number): boolean {
  const keyCount = view.getUint32(at + CLIP_TRACK.keyCount, true);
  const wraps = (view.getUint32(at + CLIP_TRACK.flags, true) & TRACK_WRAPS) !== 0;
  if (view.getUint32(at + CLIP_TRACK.kind, true) === TRACK_KIND.constant)
    return keyCount === 1 && !wraps;
  const timesOffset = view.getUint32(at + CLIP_TRACK.timesOffset, true);
  if (timesOffset === 0) {
    const stepS = view.getFloat64(at + CLIP_TRACK.stepS, true);
    if (wraps && !(view.getFloat64(CLIP_HEADER.wrapS, true) > 0)) return false;
    return isTime(view.getFloat64(at + CLIP_TRACK.startS, true)) && isTime(stepS) && stepS > 0;
  }
  if (wraps || !isInside(view, timesOffset, keyCount * 4, 4)) return false;
  const times = new Float32Array(view.buffer, timesOffset, keyCount);
  return times.every(
    (time, index) => isTime(time) && (index === 0 || time > (times[index - 1] ?? time)),
  );
}
