/**
 * The clip block in bytes: soma_clip and soma_track of ffi/include/soma.h, with the ranges that soma_clip_validate grants. Depends on
 * nothing. A house test compares the numbers with the header's.
 */

export const CLIP_MAGIC = 0x50494c43;
export const CLIP_VERSION = 1;
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
  reserved: 56, //      u64, 0
} as const;

/** Byte offsets in soma_track. */
export const CLIP_TRACK = {
  kind: 0, //         u32
  keyCount: 4, //     u32
  timesOffset: 8, //  u32, 0 when the keys are uniform
  valuesOffset: 12, // u32
  startS: 16, //      f64
  stepS: 24, //       f64
  flags: 32, //       u32
  reserved: 36, //    u32, 0
} as const;

/** soma_track_kind. */
export const TRACK_KIND = { constant: 0, step: 1, linear: 2, cubic: 3 } as const;
/** SOMA_TRACK_WRAPS. */
export const TRACK_WRAPS = 1;

/** Tracks of a joint in their order, and the numbers in one value of each. */
export const TRACK_WIDTHS = [3, 4, 3] as const;
export const ROTATION_TRACK = 1;

/** Ranges of a valid clip: times in seconds, values in clip units, lengths of rotation keys. */
export const CLIP_RANGE = {
  maxTimeS: 1e9,
  maxValue: 1e18,
  minRotation: 1e-6,
  maxRotation: 1e6,
} as const;
