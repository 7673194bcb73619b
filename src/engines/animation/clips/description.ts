/**
 * What a clip reader hands over: joints, their tracks, and the bounds it had to keep. The readers (bvh.ts, gltf.ts) make
 * it, clip-block.ts turns it into shared memory. Holds data only: no file formats, no bytes.
 */
import { LIMITS } from "../../../protocol/limits.ts";

/** x, y, z. */
export type Vector3 = readonly [number, number, number];
/** Unit quaternion x, y, z, w. */
export type Quaternion = readonly [number, number, number, number];

/** Times of the keys of one track, strictly rising, seconds. */
export type KeyTimes =
  | { readonly kind: "listed"; readonly timesS: Float32Array }
  | {
      readonly kind: "uniform";
      readonly startS: number;
      readonly stepS: number;
      readonly keyCount: number;
      /** The last key blends into the first within one more step. */
      readonly wraps: boolean;
    };

export function countKeys(times: KeyTimes): number {
  return times.kind === "listed" ? times.timesS.length : times.keyCount;
}

/**
 * One animated property of one joint: 3 numbers a key for translation and scale, 4 (x, y, z, w) for rotation; three times
 * that for `cubic` (in-tangent, value, out-tangent). Arrays belong to the description and are not changed afterwards;
 * tracks may share one `timesS` array, and then share its memory in the block too.
 */
export type ClipTrack =
  | { readonly kind: "constant"; readonly value: readonly number[] | Float32Array }
  | {
      readonly kind: "step" | "linear" | "cubic";
      readonly times: KeyTimes;
      readonly values: Float32Array;
    };

export interface ClipJoint {
  /** As the file spells it; names may repeat. */
  readonly name: string;
  /** Index of the parent, smaller than the joint's own; -1 for a root. */
  readonly parent: number;
  readonly restTranslation: Vector3;
  readonly restRotation: Quaternion;
  readonly restScale: Vector3;
  readonly translation: ClipTrack;
  readonly rotation: ClipTrack;
  readonly scale: ClipTrack;
}

/** One take of one file. Joints are breadth-first: all roots, then their children, then theirs, each in file order. */
export interface ClipDescription {
  readonly joints: readonly ClipJoint[];
  /** First and last media time with a key, seconds. */
  readonly startS: number;
  readonly endS: number;
  /** Period of the wrapping tracks, seconds; 0 when no track wraps. */
  readonly wrapS: number;
  /** Seconds of one pass: the period of a clip that repeats seamlessly, else `endS - startS`. */
  readonly durationS: number;
}

export interface TakeInfo {
  /** The file's name for the take, or `take_<index>` where it has none. Names may repeat; the index does not. */
  readonly name: string;
  /** Seconds of one pass; absent when the file's header does not tell and the take was not loaded. */
  readonly durationS?: number;
  /** Keys per second where the whole take has one rate. */
  readonly rateHz?: number;
}

/** What every reader answers. */
export interface ReadClip {
  readonly description: ClipDescription;
  readonly takes: readonly TakeInfo[];
  /** Index in `takes` of the take that was read. */
  readonly takeIndex: number;
  /** What was tolerated, ignored or approximated, in sentences for the person who owns the file. */
  readonly warnings: readonly string[];
}

/** Bounds on what a file may ask for. Exceeding one is CLIP_TOO_LARGE, except depth, which no real skeleton reaches. */
export interface ClipLimits {
  /** The file and every buffer file it names, together. */
  readonly maxSourceBytes: number;
  readonly maxJoints: number;
  /** Keys over all tracks of one take; a key takes 12 to 48 bytes. */
  readonly maxKeys: number;
  /** Joints from a root to its deepest descendant. */
  readonly maxDepth: number;
}

export const DEFAULT_CLIP_LIMITS: ClipLimits = {
  maxSourceBytes: LIMITS.maxClipBytes,
  maxJoints: LIMITS.maxJoints,
  maxKeys: 16 * 1024 * 1024,
  maxDepth: 512,
};
