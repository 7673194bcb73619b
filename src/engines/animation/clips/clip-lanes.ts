/**
 * Which tracks of a clip go into lanes, and their bytes: soma_lanes and soma_lane_group of ffi/include/soma.h. Lanes are what makes sampling
 * fast; they are worth it where many joints share their key times. Owns that choice; clip-block.ts writes all else of the block.
 */
import {
  CLIP_LANES,
  CLIP_LANES_BYTES,
  CLIP_RANGE,
  LANE_GROUP,
  LANE_GROUP_BYTES,
  LANES,
  ROTATION_TRACK,
  SCALE_TRACK,
  TRACK_WIDTHS,
  TRANSLATION_TRACK,
} from "../../../native/clip-layout.ts";
import { type ClipTrack, countKeys, type KeyTimes } from "./description.ts";

/** Fewer moving rotations than one group holds are not worth the section. */
const MIN_MOVING_ROTATIONS = LANES;
/** Fewer moving vectors than this of a group's eight leave so many lanes empty that they are better sampled apart. */
const MIN_MOVING_VECTORS = 5;
/** Part of the keys' bytes that empty lanes may add. */
const MAX_WASTE = 0.2;

/** Up to eight joints, rising. `moving` and `apart` as in soma_lane_group. */
interface LaneGroup {
  readonly joints: readonly number[];
  readonly moving: number;
  readonly apart: number;
  /** Otherwise every scale is 1, and stays outside. */
  readonly hasScales: boolean;
}

interface LanePlan {
  readonly times: KeyTimes;
  readonly groups: readonly LaneGroup[];
  /** Joints that are sampled track by track. */
  readonly rest: readonly number[];
}

/** The tracks of one joint. */
type JointTracks = readonly ClipTrack[];

/** Chooses the groups; undefined when the clip is better off without. `joints` has translation, rotation and scale of each joint. */
export function planLanes(joints: readonly JointTracks[]): LanePlan | undefined {
  const times = commonTimes(joints);
  if (times === undefined) return undefined;
  const isMoving = (joint: number, property: number): boolean => {
    const track = joints[joint]?.[property];
    return track?.kind === "linear" && areSameTimes(track.times, times);
  };
  const fits = (joint: number, property: number): boolean =>
    joints[joint]?.[property]?.kind === "constant" || isMoving(joint, property);
  const indices = [...joints.keys()];
  const movesInLanes = [TRANSLATION_TRACK, SCALE_TRACK].map(
    (property) => indices.filter((joint) => isMoving(joint, property)).length >= MIN_MOVING_VECTORS,
  );
  const [translationsMove = false, scalesMove = false] = movesInLanes;
  /** Joints that move alike come together, and otherwise in their order, so that eight in a row need no scattering. */
  const rank = (joint: number): number =>
    (isMoving(joint, SCALE_TRACK) ? 4 : 0) +
    (isMoving(joint, ROTATION_TRACK) ? 2 : 0) +
    (translationsMove && isMoving(joint, TRANSLATION_TRACK) ? 1 : 0);
  const candidates = indices
    .filter((joint) => fits(joint, ROTATION_TRACK) && fits(joint, SCALE_TRACK))
    .filter((joint) => scalesMove || !isMoving(joint, SCALE_TRACK))
    .sort((a, b) => rank(b) - rank(a) || a - b);
  const groups: LaneGroup[] = [];
  for (let first = 0; first < candidates.length; first += LANES) {
    const members = candidates.slice(first, first + LANES).sort((a, b) => a - b);
    groups.push(makeGroup(members, joints, isMoving, fits));
  }
  const kept = withinBudget(groups, isMoving);
  const inGroups = new Set(kept.flatMap((group) => group.joints));
  const movingRotations = [...inGroups].filter((joint) => isMoving(joint, ROTATION_TRACK)).length;
  if (movingRotations < MIN_MOVING_ROTATIONS) return undefined;
  return { times, groups: kept, rest: indices.filter((joint) => !inGroups.has(joint)) };
}

type JointTest = (joint: number, property: number) => boolean;

function makeGroup(
  members: readonly number[],
  joints: readonly JointTracks[],
  isMoving: JointTest,
  fits: JointTest,
): LaneGroup {
  const movers = members.filter((joint) => isMoving(joint, TRANSLATION_TRACK)).length;
  const translationsMove =
    movers >= MIN_MOVING_VECTORS && members.every((joint) => fits(joint, TRANSLATION_TRACK));
  const bit = (property: number, isSet: boolean): number => (isSet ? 1 << property : 0);
  const anyMoves = (property: number): boolean =>
    members.some((joint) => isMoving(joint, property));
  const isApart = (joint: number): boolean =>
    !translationsMove && joints[joint]?.[TRANSLATION_TRACK]?.kind !== "constant";
  return {
    joints: members,
    moving:
      bit(TRANSLATION_TRACK, translationsMove) |
      bit(ROTATION_TRACK, anyMoves(ROTATION_TRACK)) |
      bit(SCALE_TRACK, anyMoves(SCALE_TRACK)),
    apart: members.reduce((bits, joint, lane) => bits | bit(lane, isApart(joint)), 0),
    hasScales: members.some((joint) => !isOne(joints[joint]?.[SCALE_TRACK])),
  };
}

function isOne(track: ClipTrack | undefined): boolean {
  return track?.kind === "constant" && track.value.every((value) => value === 1);
}

/** Leaves out the emptiest groups until the empty lanes are few enough. */
function withinBudget(groups: readonly LaneGroup[], isMoving: JointTest): readonly LaneGroup[] {
  const sizes = groups.map((group) => {
    const used = TRACK_WIDTHS.map((width, property) =>
      group.moving & (1 << property)
        ? width * 4 * group.joints.filter((joint) => isMoving(joint, property)).length
        : 0,
    ).reduce((sum, bytes) => sum + bytes, 0);
    return { group, used, waste: keyBytesOf(group) - used };
  });
  const budget = MAX_WASTE * sizes.reduce((sum, { used }) => sum + used, 0);
  let waste = 0;
  const kept = new Set<LaneGroup>();
  for (const size of sizes.toSorted((a, b) => a.waste - b.waste)) {
    if (waste + size.waste > budget) break;
    waste += size.waste;
    kept.add(size.group);
  }
  return groups.filter((group) => kept.has(group));
}

function keyBytesOf(group: LaneGroup): number {
  return TRACK_WIDTHS.reduce<number>(
    (bytes, width, property) => bytes + (group.moving & (1 << property) ? width * LANES * 4 : 0),
    0,
  );
}

/** The times that most moving rotations have. */
function commonTimes(joints: readonly JointTracks[]): KeyTimes | undefined {
  const found: { readonly times: KeyTimes; count: number }[] = [];
  for (const tracks of joints) {
    const track = tracks[ROTATION_TRACK];
    if (track?.kind !== "linear") continue;
    const known = found.find(({ times }) => areSameTimes(times, track.times));
    if (known) known.count++;
    else found.push({ times: track.times, count: 1 });
  }
  return found.sort((a, b) => b.count - a.count)[0]?.times;
}

function areSameTimes(a: KeyTimes, b: KeyTimes): boolean {
  if (a.kind === "listed") return b.kind === "listed" && a.timesS === b.timesS;
  return (
    b.kind === "uniform" &&
    a.startS === b.startS &&
    a.stepS === b.stepS &&
    a.keyCount === b.keyCount &&
    a.wraps === b.wraps
  );
}

/** Where everything of a plan is in the block, in bytes. */
export interface LaneLayout {
  readonly plan: LanePlan;
  readonly offset: number;
  readonly groupsOffset: number;
  readonly restOffset: number;
  readonly keyBytes: number;
  /** Per group: first lanes of translation, rotation and scale. */
  readonly lanesOffsets: readonly (readonly number[])[];
  readonly end: number;
}

/** A vector of eight lanes, and with it every first one of them, never lies across two cache lines. */
const CACHE_LINE_BYTES = 64;

export function layLanes(plan: LanePlan, begin: number): LaneLayout {
  const align = (bytes: number): number => Math.ceil(bytes / CACHE_LINE_BYTES) * CACHE_LINE_BYTES;
  const offset = align(begin);
  const groupsOffset = offset + CLIP_LANES_BYTES;
  const restOffset = groupsOffset + plan.groups.length * LANE_GROUP_BYTES;
  const keyBytes = plan.groups.reduce((sum, group) => sum + keyBytesOf(group), 0);
  const lanesOffsets = plan.groups.map(() => [0, 0, 0]);
  let end = align(restOffset + plan.rest.length * 4);
  const place = (isPlaced: (group: LaneGroup, property: number) => boolean): void => {
    for (const [index, group] of plan.groups.entries()) {
      for (const [property, width] of TRACK_WIDTHS.entries()) {
        const offsets = lanesOffsets[index];
        if (!isPlaced(group, property) || !offsets) continue;
        offsets[property] = end;
        end += width * LANES * 4;
      }
    }
  };
  const isMoving = (group: LaneGroup, property: number): boolean =>
    (group.moving & (1 << property)) !== 0;
  place(
    (group, property) =>
      !isMoving(group, property) && (property !== SCALE_TRACK || group.hasScales),
  );
  end = align(end);
  place(isMoving);
  end += keyBytes * (countKeys(plan.times) - 1);
  return { plan, offset, groupsOffset, restOffset, keyBytes, lanesOffsets, end };
}

/** Place of a track in lanes: its first value, and whether it has keys there. Undefined when it is elsewhere. */
export interface LanePlace {
  readonly valuesOffset: number;
  readonly moves: boolean;
}

/** Places of all tracks, three per joint. */
export function placeTracks(layout: LaneLayout, jointCount: number): (LanePlace | undefined)[] {
  const places = Array.from<LanePlace | undefined>({ length: jointCount * TRACK_WIDTHS.length });
  for (const [index, group] of layout.plan.groups.entries()) {
    for (const [lane, joint] of group.joints.entries()) {
      for (const property of TRACK_WIDTHS.keys()) {
        const offset = layout.lanesOffsets[index]?.[property] ?? 0;
        const isApart = property === TRANSLATION_TRACK && (group.apart & (1 << lane)) !== 0;
        if (offset === 0 || isApart) continue;
        const moves = (group.moving & (1 << property)) !== 0;
        places[joint * TRACK_WIDTHS.length + property] = { valuesOffset: offset + lane * 4, moves };
      }
    }
  }
  return places;
}

/** Writes soma_lanes (but for its timing), groups and rest. */
export function writeLanes(view: DataView, layout: LaneLayout): void {
  const { plan, offset } = layout;
  view.setUint32(offset + CLIP_LANES.keyBytes, layout.keyBytes, true);
  view.setUint32(offset + CLIP_LANES.groupCount, plan.groups.length, true);
  view.setUint32(offset + CLIP_LANES.groupsOffset, layout.groupsOffset, true);
  view.setUint32(offset + CLIP_LANES.restCount, plan.rest.length, true);
  view.setUint32(offset + CLIP_LANES.restOffset, layout.restOffset, true);
  for (const [index, joint] of plan.rest.entries())
    view.setUint32(layout.restOffset + index * 4, joint, true);
  for (const [index, group] of plan.groups.entries()) {
    const at = layout.groupsOffset + index * LANE_GROUP_BYTES;
    for (const [lane, joint] of group.joints.entries())
      view.setUint32(at + LANE_GROUP.joints + lane * 4, joint, true);
    view.setUint32(at + LANE_GROUP.laneCount, group.joints.length, true);
    view.setUint32(at + LANE_GROUP.moving, group.moving, true);
    view.setUint32(at + LANE_GROUP.apart, group.apart, true);
    for (const [property, lanes] of (layout.lanesOffsets[index] ?? []).entries())
      view.setUint32(at + LANE_GROUP.lanesOffset + property * 4, lanes, true);
  }
}

/**
 * Writes the values of one track into its lane. A constant among moving ones is repeated at every key, and rotations become unit if
 * they are not: only their direction counts.
 */
export function writeLane(
  block: ArrayBufferLike,
  layout: LaneLayout,
  place: LanePlace,
  track: ClipTrack,
  property: number,
): void {
  const width = TRACK_WIDTHS[property] ?? 3;
  const values = track.kind === "constant" ? track.value : track.values;
  const keyCount = place.moves ? countKeys(layout.plan.times) : 1;
  const stored = new Float32Array(block);
  const key = [0, 0, 0, 0];
  for (let index = 0; index < keyCount; index++) {
    const from = track.kind === "constant" ? 0 : index * width;
    const at = (place.valuesOffset + index * layout.keyBytes) / 4;
    for (let i = 0; i < width; i++) key[i] = Math.fround(values[from + i] ?? 0);
    if (property === ROTATION_TRACK) makeUnit(key);
    for (let i = 0; i < width; i++) stored[at + i * LANES] = key[i] ?? 0;
  }
}

function makeUnit(q: number[]): void {
  const square = q.reduce((sum, value) => sum + value * value, 0);
  if (Math.abs(square - 1) <= CLIP_RANGE.unitTolerance) return;
  const length = Math.sqrt(square);
  if (length < CLIP_RANGE.minRotation) return; // Has no direction; the validator refuses it.
  for (let i = 0; i < 4; i++) q[i] = (q[i] ?? 0) / length;
}
