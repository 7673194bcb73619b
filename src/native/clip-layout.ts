/**
 * The clip block in bytes: soma_clip, soma_track, soma_lanes and soma_lane_group of ffi/include/soma.h, with the ranges that soma_clip_validate grants. Depends on
 * nothing. A house test compares the numbers with the header's.
 */

export const CLIP_MAGIC = 0x50494c43;
export const CLIP_VERSION = 2;
export const CLIP_MAX_JOINTS = 4096;

export const CLIP_HEADER_BYTES = 64;
export const CLIP_TRACK_BYTES = 40;

/** Byte offsets in soma_clip. */
export const CLIP_HEADER = {
  magic: 0, //          u32
  version: 4, //        u32
  jointCount: 8, //     u32
  flags: 12, //         u32, 0
  byteLength: 16, //    u64
  parentsOffset: 24, // u32
  tracksOffset: 28, //  u32
  startS: 32, //        f64
  endS: 40, //          f64
  wrapS: 48, //         f64
  lanesOffset: 56, //   u32, 0 when the clip has none
  reserved: 60, //      u32, 0
} as const;

/** Byte offsets in soma_track. */
export const CLIP_TRACK = {
  kind: 0, //         u32
  keyCount: 4, //     u32
  timesOffset: 8, //  u32, 0 when the keys are uniform
  valuesOffset: 12, // u32, of the first value where the track is in lanes
  startS: 16, //      f64
  stepS: 24, //       f64
  flags: 32, //       u32
  reserved: 36, //    u32, 0
} as const;

/** soma_track_kind. */
export const TRACK_KIND = { constant: 0, step: 1, linear: 2, cubic: 3 } as const;
/** SOMA_TRACK_WRAPS. */
export const TRACK_WRAPS = 1;
/** SOMA_TRACK_IN_LANES. */
export const TRACK_IN_LANES = 2;

/** SOMA_LANES: joints of a group, and so the distance of two components of a value in lanes, in numbers. */
export const LANES = 8;
export const CLIP_LANES_BYTES = 64;
export const LANE_GROUP_BYTES = 56;

/** Byte offsets in soma_lanes. */
export const CLIP_LANES = {
  timing: 0, //        soma_track
  keyBytes: 40, //     u32
  groupCount: 44, //   u32
  groupsOffset: 48, // u32
  restCount: 52, //    u32
  restOffset: 56, //   u32
  reserved: 60, //     u32, 0
} as const;

/** Byte offsets in soma_lane_group. */
export const LANE_GROUP = {
  joints: 0, //       u32 × 8
  laneCount: 32, //   u32
  moving: 36, //      u32, a bit a property
  apart: 40, //       u32, a bit a lane
  lanesOffset: 44, // u32 × 3
} as const;

/** Tracks of a joint in their order, and the numbers in one value of each. */
export const TRACK_WIDTHS = [3, 4, 3] as const;
export const TRANSLATION_TRACK = 0;
export const ROTATION_TRACK = 1;
export const SCALE_TRACK = 2;

/** Ranges of a valid clip: times in seconds, values in clip units, lengths of rotation keys. */
export const CLIP_RANGE = {
  maxTimeS: 1e9,
  maxValue: 1e18,
  minRotation: 1e-6,
  maxRotation: 1e6,
  /** SOMA_UNIT_TOLERANCE: how far the square length of a rotation in lanes is from 1. */
  unitTolerance: 3e-7,
} as const;
