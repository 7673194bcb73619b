/**
 * The clip as one immutable block of shared memory, in the layout of `soma_clip` (ffi/include/soma.h): written once here,
 * sampled by every session through src/native/fk.ts. Knows bytes only; the readers know the file formats.
 */
import { Fault } from "../../../core/fault.ts";
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
  TRACK_IN_LANES,
  TRACK_KIND,
  TRACK_WIDTHS,
  TRACK_WRAPS,
} from "../../../native/clip-layout.ts";
import {
  type LaneLayout,
  type LanePlace,
  layLanes,
  placeTracks,
  planLanes,
  writeLane,
  writeLanes,
} from "./clip-lanes.ts";
import {
  type ClipDescription,
  type ClipLimits,
  type ClipTrack,
  countKeys,
  type KeyTimes,
} from "./description.ts";

/** Properties of a joint in the order of the block's tracks. */
const PROPERTIES = ["translation", "rotation", "scale"] as const;

const MAX_BLOCK_BYTES = 0xffff_ffff; // offsets in the block are u32

interface PlannedTrack {
  readonly track: ClipTrack;
  /** Where its values are, unless in lanes. */
  readonly valuesOffset: number;
  readonly lane: LanePlace | undefined;
}

interface Plan {
  readonly parentsOffset: number;
  readonly tracksOffset: number;
  readonly tracks: readonly PlannedTrack[];
  readonly times: ReadonlyMap<Float32Array, number>;
  readonly lanes: LaneLayout | undefined;
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
  for (const [index, { track, lane, valuesOffset }] of plan.tracks.entries()) {
    const at = plan.tracksOffset + index * CLIP_TRACK_BYTES;
    const values = track.kind === "constant" ? track.value : track.values;
    refuseUnboundedValues(values, clip, index);
    if (lane && plan.lanes) {
      writeLane(block, plan.lanes, lane, track, index % PROPERTIES.length);
      view.setUint32(at + CLIP_TRACK.valuesOffset, lane.valuesOffset, true);
      writeTiming(view, at, lane.moves ? "linear" : "constant", plan.lanes.plan.times, plan);
      const flags = view.getUint32(at + CLIP_TRACK.flags, true);
      view.setUint32(at + CLIP_TRACK.flags, flags | TRACK_IN_LANES, true);
    } else {
      new Float32Array(block, valuesOffset, values.length).set(values);
      view.setUint32(at + CLIP_TRACK.valuesOffset, valuesOffset, true);
      writeTiming(view, at, track.kind, track.kind === "constant" ? undefined : track.times, plan);
    }
  }
  if (plan.lanes) {
    view.setUint32(CLIP_HEADER.lanesOffset, plan.lanes.offset, true);
    writeTiming(view, plan.lanes.offset + CLIP_LANES.timing, "linear", plan.lanes.plan.times, plan);
    writeLanes(view, plan.lanes);
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
  const tracks = shareTimes(
    clip.joints.flatMap((joint) =>
      PROPERTIES.map((property, i) => single(joint[property], TRACK_WIDTHS[i] ?? 3)),
    ),
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
  refuseTooManyKeys(tracks, limits);
  const perJoint = clip.joints.map((_, joint) =>
    tracks.slice(joint * PROPERTIES.length, (joint + 1) * PROPERTIES.length),
  );
  const plan = planLanes(perJoint);
  const lanes = plan && layLanes(plan, end);
  if (lanes) end = lanes.end;
  const places = lanes ? placeTracks(lanes, jointCount) : [];
  const planned = tracks.map((track, index) => {
    const lane = places[index];
    const valuesOffset = end;
    if (!lane) end += (track.kind === "constant" ? track.value : track.values).length * 4;
    return { track, lane, valuesOffset };
  });
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
    lanes,
    byteLength: Math.ceil(end / 8) * 8,
  };
}

function refuseTooManyKeys(tracks: readonly ClipTrack[], { maxKeys }: ClipLimits): void {
  const keys = tracks.reduce(
    (sum, track) => sum + (track.kind === "constant" ? 0 : countKeys(track.times)),
    0,
  );
  if (keys <= maxKeys) return;
  throw new Fault("CLIP_TOO_LARGE", `the clip has ${keys} keys; at most ${maxKeys} are allowed`);
}

/**
 * A track of one key is a constant, whatever its interpolation; of a cubic key only the value counts. So is a linear track whose keys
 * are all the same, as exporters write them for every bone.
 */
function single(track: ClipTrack, width: number): ClipTrack {
  if (track.kind === "constant") return track;
  const { values } = track;
  const isStill =
    track.kind === "linear" && values.every((value, index) => value === values[index % width]);
  if (countKeys(track.times) > 1 && !isStill) return track;
  const from = track.kind === "cubic" ? width : 0;
  return { kind: "constant", value: values.subarray(from, from + width) };
}

/** Lists of times with the same content become one: some exporters write one for every track. */
function shareTimes(tracks: readonly ClipTrack[]): ClipTrack[] {
  const byContent = new Map<number | bigint, Float32Array>();
  const shared = new Map<Float32Array, Float32Array>();
  return tracks.map((track) => {
    if (track.kind === "constant" || track.times.kind === "uniform") return track;
    const { timesS } = track.times;
    let first = shared.get(timesS);
    if (!first) {
      const bytes = bytesOf(timesS);
      const hash = Bun.hash(bytes);
      const known = byContent.get(hash);
      first = known && bytesOf(known).equals(bytes) ? known : timesS;
      byContent.set(hash, first);
      shared.set(timesS, first);
    }
    return { ...track, times: { kind: "listed", timesS: first } };
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** All of a soma_track but its values. */
function writeTiming(
  view: DataView,
  at: number,
  kind: ClipTrack["kind"],
  times: KeyTimes | undefined,
  plan: Plan,
): void {
  view.setUint32(at + CLIP_TRACK.kind, TRACK_KIND[kind], true);
  if (kind === "constant" || times === undefined) {
    view.setUint32(at + CLIP_TRACK.keyCount, 1, true);
    return;
  }
  view.setUint32(at + CLIP_TRACK.keyCount, countKeys(times), true);
  if (times.kind === "listed") {
    view.setUint32(at + CLIP_TRACK.timesOffset, plan.times.get(times.timesS) ?? 0, true);
    return;
  }
  view.setFloat64(at + CLIP_TRACK.startS, times.startS, true);
  view.setFloat64(at + CLIP_TRACK.stepS, times.stepS, true);
  view.setUint32(at + CLIP_TRACK.flags, times.wraps ? TRACK_WRAPS : 0, true);
}

function refuseUnboundedValues(
  values: readonly number[] | Float32Array,
  clip: ClipDescription,
  trackIndex: number,
): void {
  if (values.every((value) => Math.abs(Math.fround(value)) <= CLIP_RANGE.maxValue)) return;
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

/** A block taken apart again, for tests and for people who debug. Arrays are views of the block, or copies of what is in lanes. */
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
  const flags = view.getUint32(at + CLIP_TRACK.flags, true);
  const valuesOffset = view.getUint32(at + CLIP_TRACK.valuesOffset, true);
  const values =
    (flags & TRACK_IN_LANES) === 0
      ? new Float32Array(view.buffer, valuesOffset, length)
      : readLane(view, valuesOffset, keyCount, width);
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
    wraps: (flags & TRACK_WRAPS) !== 0,
  };
  return { kind, times, values };
}

function readLane(view: DataView, at: number, keyCount: number, width: number): Float32Array {
  const lanesOffset = view.getUint32(CLIP_HEADER.lanesOffset, true);
  const keyBytes = view.getUint32(lanesOffset + CLIP_LANES.keyBytes, true);
  return Float32Array.from({ length: keyCount * width }, (_, index) => {
    const component = index % width;
    const key = (index - component) / width;
    return view.getFloat32(at + key * keyBytes + component * LANES * 4, true);
  });
}
