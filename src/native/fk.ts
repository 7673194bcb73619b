/**
 * Sampling and forward kinematics for engines: in C where libsoma is loaded, else in TypeScript. The form is chosen at the first call
 * of a thread and agrees with the other to 1e-6 of a matrix's largest element.
 */
import type { Dtype, Order } from "../protocol/layouts.ts";
import type { FkKernels, PoseClip } from "./fk-kernels.ts";
import { nativeFk } from "./fk-native.ts";
import { portableFk } from "./fk-portable.ts";
import { native } from "./library.ts";

export type { PoseClip } from "./fk-kernels.ts";

let chosen: FkKernels | undefined;

/** The form in use in this thread. */
export function fkKernels(): FkKernels {
  if (chosen) return chosen;
  const library = native();
  chosen = library ? nativeFk(library) : portableFk;
  return chosen;
}

/** See `FkKernels.openClip`. */
export function openClip(block: ArrayBufferLike): PoseClip {
  return fkKernels().openClip(block);
}

/** See `FkKernels.globalMatrices`. */
export function globalMatrices(globalOut: DataView, local: DataView, parents: Int32Array): void {
  fkKernels().globalMatrices(globalOut, local, parents);
}

/** See `FkKernels.convertPose`. */
export function convertPose(
  out: DataView,
  pose: DataView,
  boneCount: number,
  dtype: Dtype,
  order: Order,
): void {
  fkKernels().convertPose(out, pose, boneCount, dtype, order);
}
