/**
 * The clip as one immutable block of shared memory, in the layout of `soma_clip` (ffi/include/soma.h): written once here,
 * sampled by every session through src/native/fk.ts. Knows bytes only; the readers know the file formats.
 */
import { Fault } from "../../../core/fault.ts";
import {
  CLIP_HEADER,
  CLIP_HEADER_BYTES,
  CLIP_MAGIC,
  CLIP_MAX_JOINTS,
  CLIP_RANGE,
  CLIP_TRACK,
  CLIP_TRACK_BYTES,
  CLIP_VERSION,
  TRACK_KIND,
  TRACK_WIDTHS,
  TRACK_WRAPS,
} from "../../../native/clip-layout.ts";
import type { ClipDescription, ClipLimits, ClipTrack, KeyTimes } from "./description.ts";

/** Properties of a joint in the order of the block's tracks. */
const PROPERTIES = ["translation", "rotation", "scale"] as const;

const MAX_BLOCK_BYTES = 0xffff_ffff; // offsets in the block are u32

interface PlannedTrack {
  readonly track: ClipTrack;
  readonly keyCount: number;
  readonly timesOffset: number;
  readonly valuesOffset: number;
}

interface Plan {
  readonly parentsOffset: number;
  readonly tracksOffset: number;
  readonly tracks: readonly PlannedTrack[];
  readonly times: ReadonlyMap<Float32Array, number>;
  readonly byteLength: number;
}

/**
 * Builds the block of a clip. Its joints must be breadth-first (a parent before its children).
 * Throws CLIP_TOO_LARGE beyond `limits.maxJoints`, `limits.maxKeys` or 4 GiB, and CLIP_INVALID where a time
 * or a value is outside the ranges of the format, naming the joint.
 */
export function buildClipBlock(clip: ClipDescription, limits: ClipLimits): SharedArrayBuffer {
  refuseUnboundedTimes(clip);
  const plan = planBlock(clip, limits);
  const block = new SharedArrayBuffer(plan.byteLength);
  const view = new DataView(block);
  view.setUint32(CLIP_HEADER.magic, CLIP_MAGIC, true);
  view.setUint32(CLIP_HEADER.version, CLIP_VERSION, true);
  view.setUint32(CLIP_HEADER.jointCount, clip.joints.length, true);
  view.setBigUint64(CLIP_HEADER.byteLength, BigInt(plan.byteLength), true);
  view.setUint32(CLIP_HEADER.parentsOffset, plan.parentsOffset, true);
  view.setUint32(CLIP_HEADER.tracksOffset, plan.tracksOffset, true);
  view.setFloat64(CLIP_HEADER.startS, clip.startS, true);
  view.setFloat64(CLIP_HEADER.endS, clip.endS, true);
  view.setFloat64(CLIP_HEADER.wrapS, clip.wrapS, true);

  new Int32Array(block, plan.parentsOffset, clip.joints.length).set(
    clip.joints.map((joint) => joint.parent),
  );
  for (const [timesS, offset] of plan.times)
    new Float32Array(block, offset, timesS.length).set(timesS);
  for (const [index, planned] of plan.tracks.entries()) {
    writeTrack(view, plan.tracksOffset + index * CLIP_TRACK_BYTES, planned);
    const { track } = planned;
    const values = track.kind === "constant" ? track.value : track.values;
    const stored = new Float32Array(block, planned.valuesOffset, values.length);
    stored.set(values);
    refuseUnboundedValues(stored, clip, index);
  }
  return block;
}

function planBlock(clip: ClipDescription, limits: ClipLimits): Plan {
  const jointCount = clip.joints.length;
  const maxJoints = Math.min(limits.maxJoints, CLIP_MAX_JOINTS);
  if (jointCount > maxJoints) {
    throw new Fault(
      "CLIP_TOO_LARGE",
      `the clip has ${jointCount} joints; at most ${maxJoints} are allowed`,
    );
  }
  const parentsOffset = CLIP_HEADER_BYTES;
  const tracksOffset = parentsOffset + Math.ceil(jointCount / 2) * 8;
  let end = tracksOffset + jointCount * PROPERTIES.length * CLIP_TRACK_BYTES;
  const tracks = clip.joints.flatMap((joint) =>
    PROPERTIES.map((property, i) => single(joint[property], TRACK_WIDTHS[i] ?? 3)),
  );

  const times = new Map<Float32Array, number>();
  for (const track of tracks) {
    if (
      track.kind === "constant" ||
      track.times.kind === "uniform" ||
      times.has(track.times.timesS)
    )
      continue;
    times.set(track.times.timesS, end);
    end += track.times.timesS.byteLength;
  }
  let keys = 0;
  const planned = tracks.map((track) => {
    const keyCount = track.kind === "constant" ? 1 : countKeys(track.times);
    const listed =
      track.kind !== "constant" && track.times.kind === "listed" ? track.times.timesS : undefined;
    const place = {
      track,
      keyCount,
      timesOffset: listed ? (times.get(listed) ?? 0) : 0,
      valuesOffset: end,
    };
    end += (track.kind === "constant" ? track.value : track.values).length * 4;
    if (track.kind !== "constant") keys += keyCount;
    return place;
  });
  if (keys > limits.maxKeys) {
    throw new Fault(
      "CLIP_TOO_LARGE",
      `the clip has ${keys} keys; at most ${limits.maxKeys} are allowed`,
    );
  }
  if (end > MAX_BLOCK_BYTES) {
    throw new Fault(
      "CLIP_TOO_LARGE",
      `the clip takes ${end} bytes in memory; a block holds ${MAX_BLOCK_BYTES}`,
    );
  }
  return {
    parentsOffset,
    tracksOffset,
    tracks: planned,
    times,
    byteLength: Math.ceil(end / 8) * 8,
  };
}

/** A track of one key is a constant, whatever its interpolation; of a cubic key only the value counts. */
function single(track: ClipTrack, width: number): ClipTrack {
  if (track.kind === "constant" || countKeys(track.times) > 1) return track;
  const from = track.kind === "cubic" ? width : 0;
  return { kind: "constant", value: track.values.subarray(from, from + width) };
}

function countKeys(times: KeyTimes): number {
  return times.kind === "listed" ? times.timesS.length : times.keyCount;
}

function writeTrack(view: DataView, at: number, planned: PlannedTrack): void {
  const { track } = planned;
  view.setUint32(at + CLIP_TRACK.kind, TRACK_KIND[track.kind], true);
  view.setUint32(at + CLIP_TRACK.keyCount, planned.keyCount, true);
  view.setUint32(at + CLIP_TRACK.timesOffset, planned.timesOffset, true);
  view.setUint32(at + CLIP_TRACK.valuesOffset, planned.valuesOffset, true);
  if (track.kind === "constant" || track.times.kind === "listed") return;
  view.setFloat64(at + CLIP_TRACK.startS, track.times.startS, true);
  view.setFloat64(at + CLIP_TRACK.stepS, track.times.stepS, true);
  view.setUint32(at + CLIP_TRACK.flags, track.times.wraps ? TRACK_WRAPS : 0, true);
}

function refuseUnboundedValues(
  stored: Float32Array,
  clip: ClipDescription,
  trackIndex: number,
): void {
  if (stored.every((value) => Math.abs(value) <= CLIP_RANGE.maxValue)) return;
  const joint = clip.joints[Math.floor(trackIndex / PROPERTIES.length)]?.name ?? "";
  const property = PROPERTIES[trackIndex % PROPERTIES.length] ?? "";
  const message = `the ${property} of '${joint}' has a value beyond ±${CLIP_RANGE.maxValue}`;
  throw new Fault("CLIP_INVALID", message, { joint, property });
}

function refuseUnboundedTimes({ startS, endS, wrapS }: ClipDescription): void {
  if ([startS, endS, wrapS].every((time) => Math.abs(time) <= CLIP_RANGE.maxTimeS)) return;
  throw new Fault(
    "CLIP_INVALID",
    `the clip runs from ${startS} s to ${endS} s; ±${CLIP_RANGE.maxTimeS} s are the ends of time`,
  );
}

/** A block taken apart again, for tests and for people who debug. Arrays are views of the block. */
export interface ClipBlockContent {
  readonly jointCount: number;
  readonly byteLength: number;
  readonly startS: number;
  readonly endS: number;
  readonly wrapS: number;
  readonly parents: Int32Array;
  /** Three per joint: translation, rotation, scale of joint 0, then of joint 1, … */
  readonly tracks: readonly ClipTrack[];
}

/** Reads a block that `buildClipBlock` made. It is not a validator of foreign bytes: `soma_clip_validate` is. */
export function readClipBlock(block: SharedArrayBuffer): ClipBlockContent {
  const view = new DataView(block);
  if (view.getUint32(CLIP_HEADER.magic, true) !== CLIP_MAGIC) {
    throw new Fault("CLIP_INVALID", "the block does not begin with the magic of a clip");
  }
  const jointCount = view.getUint32(CLIP_HEADER.jointCount, true);
  const tracksOffset = view.getUint32(CLIP_HEADER.tracksOffset, true);
  const tracks = Array.from({ length: jointCount * PROPERTIES.length }, (_, index) =>
    readTrack(
      view,
      tracksOffset + index * CLIP_TRACK_BYTES,
      TRACK_WIDTHS[index % PROPERTIES.length] ?? 3,
    ),
  );
  return {
    jointCount,
    byteLength: Number(view.getBigUint64(CLIP_HEADER.byteLength, true)),
    startS: view.getFloat64(CLIP_HEADER.startS, true),
    endS: view.getFloat64(CLIP_HEADER.endS, true),
    wrapS: view.getFloat64(CLIP_HEADER.wrapS, true),
    parents: new Int32Array(block, view.getUint32(CLIP_HEADER.parentsOffset, true), jointCount),
    tracks,
  };
}

function readTrack(view: DataView, at: number, width: number): ClipTrack {
  const code = view.getUint32(at + CLIP_TRACK.kind, true);
  const kind = (["constant", "step", "linear", "cubic"] as const)[code];
  if (kind === undefined)
    throw new Fault("CLIP_INVALID", `the block has a track of unknown kind ${code}`);
  const keyCount = view.getUint32(at + CLIP_TRACK.keyCount, true);
  const length = keyCount * width * (kind === "cubic" ? 3 : 1);
  const values = new Float32Array(
    view.buffer,
    view.getUint32(at + CLIP_TRACK.valuesOffset, true),
    length,
  );
  if (kind === "constant") return { kind, value: values };
  const timesOffset = view.getUint32(at + CLIP_TRACK.timesOffset, true);
  if (timesOffset > 0) {
    return {
      kind,
      times: { kind: "listed", timesS: new Float32Array(view.buffer, timesOffset, keyCount) },
      values,
    };
  }
  const times: KeyTimes = {
    kind: "uniform",
    startS: view.getFloat64(at + CLIP_TRACK.startS, true),
    stepS: view.getFloat64(at + CLIP_TRACK.stepS, true),
    keyCount,
    wraps: (view.getUint32(at + CLIP_TRACK.flags, true) & TRACK_WRAPS) !== 0,
  };
  return { kind, times, values };
}
