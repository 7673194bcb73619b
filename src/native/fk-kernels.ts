/**
 * What sampling and forward kinematics offer, whichever form computes them (fk-native.ts in C, fk-portable.ts in TypeScript), and
 * the argument checks that both share. Memory is the caller's; nothing is allocated per call.
 */
import { Fault } from "../core/fault.ts";
import type { Dtype, Order } from "../protocol/layouts.ts";
import { SOMA_STATUS, statusName } from "./bindings.ts";

export interface FkKernels {
  readonly form: "native" | "portable";

  /**
   * Checks a clip block (layout: soma.h) and opens it for sampling. The block is kept and must not change any more.
   * Throws CLIP_INVALID.
   */
  openClip(block: ArrayBufferLike): PoseClip;

  /**
   * Global matrices from local ones, row-major float32: `global[i] = global[parent[i]] · local[i]`. Parents precede their
   * children, roots have parent -1. `globalOut` may be the same memory as `local`. Throws CLIP_INVALID for a bad parent.
   */
  globalMatrices(globalOut: DataView, local: DataView, parents: Int32Array): void;

  /**
   * Writes `boneCount` row-major float32 matrices in another element type and memory order. `out` is other memory than `pose`.
   * float16 rounds to nearest even; what it cannot hold becomes infinity.
   */
  convertPose(out: DataView, pose: DataView, boneCount: number, dtype: Dtype, order: Order): void;
}

/** A clip ready to be sampled by any number of sessions of this thread. */
export interface PoseClip {
  readonly jointCount: number;
  readonly startS: number;
  readonly endS: number;
  /** Period of a clip that wraps, seconds; 0 when it does not. */
  readonly wrapS: number;
  /** View of the block: joint_count parents, -1 for a root. */
  readonly parents: Int32Array;

  /**
   * Writes the local matrices T·R·S at `timeS`, `jointCount × 16` row-major float32, at `byteOffset` of `out` (a multiple of 4 in
   * memory). Outside the clip the nearest end is held; a wrapping clip blends into its start until `startS + wrapS`.
   */
  sample(out: DataView, byteOffset: number, timeS: number): void;
}

/** Bytes of a row-major float32 matrix. */
export const MATRIX_BYTES = 64;

export function requireRoom(
  view: DataView,
  byteOffset: number,
  bytes: number,
  align: number,
): void {
  if (
    byteOffset >= 0 &&
    byteOffset + bytes <= view.byteLength &&
    (view.byteOffset + byteOffset) % align === 0
  )
    return;
  throw new Fault(
    "INVALID_ARGUMENT",
    `${bytes} bytes at ${byteOffset} need room in a view of ${view.byteLength} bytes and a multiple of ${align} in memory`,
  );
}

export function requireTime(timeS: number): void {
  if (!Number.isFinite(timeS)) throw new Fault("INVALID_ARGUMENT", `time ${timeS} is not finite`);
}

export function requireClip(status: number): void {
  if (status === SOMA_STATUS.SOMA_OK) return;
  const why =
    status === SOMA_STATUS.SOMA_BAD_PARENT
      ? "a joint's parent does not precede it"
      : "its block is not consistent";
  throw new Fault("CLIP_INVALID", `the clip cannot be sampled: ${why} (${statusName(status)})`);
}
