/**
 * The part of clip-validate.ts that knows lanes: whether groups, rest and tracks describe one and the same clip. The values themselves are
 * checked with the tracks they belong to.
 */
import { isInside, isTimingValid } from "./clip-bounds.ts";
import {
  CLIP_HEADER,
  CLIP_LANES,
  CLIP_LANES_BYTES,
  CLIP_TRACK,
  CLIP_TRACK_BYTES,
  LANE_GROUP,
  LANE_GROUP_BYTES,
  LANES,
  SCALE_TRACK,
  TRACK_IN_LANES,
  TRACK_KIND,
  TRACK_WIDTHS,
  TRACK_WRAPS,
  TRANSLATION_TRACK,
} from "./clip-layout.ts";

/** The lanes lie in the block and their times are valid: enough to read the tracks in them. */
export function areLanesPlaced(view: DataView, at: number): boolean {
  if (!isInside(view, at, CLIP_LANES_BYTES, 8)) return false;
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  const joints = view.getUint32(CLIP_HEADER.jointCount, true);
  const groupCount = u32(CLIP_LANES.groupCount);
  const restCount = u32(CLIP_LANES.restCount);
  return (
    u32(CLIP_TRACK.kind) === TRACK_KIND.linear &&
    u32(CLIP_TRACK.keyCount) > 0 &&
    u32(CLIP_TRACK.valuesOffset) === 0 &&
    (u32(CLIP_TRACK.flags) & ~TRACK_WRAPS) === 0 &&
    u32(CLIP_TRACK.reserved) === 0 &&
    u32(CLIP_LANES.reserved) === 0 &&
    u32(CLIP_LANES.keyBytes) % 4 === 0 &&
    isTimingValid(view, at) &&
    groupCount >= 1 &&
    groupCount <= joints &&
    restCount <= joints &&
    isInside(view, u32(CLIP_LANES.groupsOffset), groupCount * LANE_GROUP_BYTES, 4) &&
    (restCount === 0 || isInside(view, u32(CLIP_LANES.restOffset), restCount * 4, 4))
  );
}

/** Groups and rest hold every joint once, and groups and tracks say the same. Relies on valid tracks and `areLanesPlaced`. */
export function areLanesValid(view: DataView, at: number): boolean {
  const joints = view.getUint32(CLIP_HEADER.jointCount, true);
  const groupsOffset = view.getUint32(at + CLIP_LANES.groupsOffset, true);
  const groupCount = view.getUint32(at + CLIP_LANES.groupCount, true);
  const met = new Set<number>();
  const add = (joint: number): boolean => joint < joints && met.size < met.add(joint).size;
  for (let index = 0; index < groupCount; index++) {
    const group = readGroup(view, groupsOffset + index * LANE_GROUP_BYTES);
    if (!isGroupPlaced(view, at, group)) return false;
    for (const [lane, joint] of group.joints.entries()) {
      if (lane > 0 && joint <= (group.joints[lane - 1] ?? joint)) return false;
      if (!add(joint) || !isJointConsistent(view, at, group, lane, joint)) return false;
    }
  }
  const restOffset = view.getUint32(at + CLIP_LANES.restOffset, true);
  const restCount = view.getUint32(at + CLIP_LANES.restCount, true);
  for (let index = 0; index < restCount; index++) {
    const joint = view.getUint32(restOffset + index * 4, true);
    if (!add(joint)) return false;
    if (TRACK_WIDTHS.some((_, property) => isInLanes(view, trackOf(view, joint, property))))
      return false;
  }
  return met.size === joints;
}

interface Group {
  /** Of the lanes in use. */
  readonly joints: readonly number[];
  readonly laneCount: number;
  readonly moving: number;
  readonly apart: number;
  /** Of translation, rotation and scale. */
  readonly offsets: readonly number[];
}

function readGroup(view: DataView, at: number): Group {
  const laneCount = view.getUint32(at + LANE_GROUP.laneCount, true);
  return {
    joints: Array.from({ length: Math.min(laneCount, LANES) }, (_, lane) =>
      view.getUint32(at + LANE_GROUP.joints + lane * 4, true),
    ),
    laneCount,
    moving: view.getUint32(at + LANE_GROUP.moving, true),
    apart: view.getUint32(at + LANE_GROUP.apart, true),
    offsets: TRACK_WIDTHS.map((_, property) =>
      view.getUint32(at + LANE_GROUP.lanesOffset + property * 4, true),
    ),
  };
}

function moves(group: Group, property: number): boolean {
  return ((group.moving >>> property) & 1) !== 0;
}

/** Whole vectors are read, lanes in no use too. */
function isGroupPlaced(view: DataView, at: number, group: Group): boolean {
  if (group.laneCount === 0 || group.laneCount > LANES) return false;
  if (group.moving >= 1 << TRACK_WIDTHS.length || group.apart >= 1 << group.laneCount) return false;
  if (group.apart !== 0 && moves(group, TRANSLATION_TRACK)) return false;
  const lastKey = view.getUint32(at + CLIP_TRACK.keyCount, true) - 1;
  const keyBytes = view.getUint32(at + CLIP_LANES.keyBytes, true);
  return TRACK_WIDTHS.every((width, property) => {
    const offset = group.offsets[property] ?? 0;
    if (property === SCALE_TRACK && offset === 0 && !moves(group, property)) return true;
    const keysBytes = moves(group, property) ? lastKey * keyBytes : 0;
    return isInside(view, offset, keysBytes + width * LANES * 4, 4);
  });
}

/** The tracks of a lane are where the group reads them, or say themselves what the group takes for granted. */
function isJointConsistent(
  view: DataView,
  at: number,
  group: Group,
  lane: number,
  joint: number,
): boolean {
  return TRACK_WIDTHS.every((_, property) => {
    const track = trackOf(view, joint, property);
    const kind = view.getUint32(track + CLIP_TRACK.kind, true);
    const offset = group.offsets[property] ?? 0;
    if (property === TRANSLATION_TRACK && ((group.apart >>> lane) & 1) !== 0)
      return !isInLanes(view, track);
    const valuesOffset = view.getUint32(track + CLIP_TRACK.valuesOffset, true);
    if (property === SCALE_TRACK && offset === 0) {
      const isOne = [0, 4, 8].every((i) => view.getFloat32(valuesOffset + i, true) === 1);
      return !isInLanes(view, track) && kind === TRACK_KIND.constant && isOne;
    }
    if (!isInLanes(view, track) || valuesOffset !== offset + lane * 4) return false;
    if (!moves(group, property)) return kind === TRACK_KIND.constant;
    return kind === TRACK_KIND.linear && hasTimesOf(view, track, at);
  });
}

function trackOf(view: DataView, joint: number, property: number): number {
  const tracksOffset = view.getUint32(CLIP_HEADER.tracksOffset, true);
  return tracksOffset + (joint * TRACK_WIDTHS.length + property) * CLIP_TRACK_BYTES;
}

function isInLanes(view: DataView, track: number): boolean {
  return (view.getUint32(track + CLIP_TRACK.flags, true) & TRACK_IN_LANES) !== 0;
}

function hasTimesOf(view: DataView, a: number, b: number): boolean {
  const isEqual = (field: number): boolean =>
    view.getUint32(a + field, true) === view.getUint32(b + field, true);
  const flags =
    view.getUint32(a + CLIP_TRACK.flags, true) ^ view.getUint32(b + CLIP_TRACK.flags, true);
  return (
    isEqual(CLIP_TRACK.timesOffset) &&
    isEqual(CLIP_TRACK.keyCount) &&
    view.getFloat64(a + CLIP_TRACK.startS, true) === view.getFloat64(b + CLIP_TRACK.startS, true) &&
    view.getFloat64(a + CLIP_TRACK.stepS, true) === view.getFloat64(b + CLIP_TRACK.stepS, true) &&
    (flags & TRACK_WRAPS) === 0
  );
}
