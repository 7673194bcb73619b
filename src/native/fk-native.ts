/** Sampling and forward kinematics in C: thin calls into libsoma, straight into the caller's memory. */
import { type Pointer, ptr } from "bun:ffi";
import { DTYPE_BYTES, type Dtype, type Order } from "../protocol/layouts.ts";
import { SOMA_STATUS } from "./bindings.ts";
import { CLIP_HEADER, CLIP_HEADER_BYTES } from "./clip-layout.ts";
import {
  type FkKernels,
  MATRIX_BYTES,
  type PoseClip,
  requireClip,
  requireRoom,
  requireTime,
} from "./fk-kernels.ts";
import { checkStatus, type NativeLibrary } from "./library.ts";

/** soma_dtype, soma_order. */
const DTYPE_CODE: Readonly<Record<Dtype, number>> = { f32: 0, f64: 1, f16: 2 };
const ORDER_CODE: Readonly<Record<Order, number>> = { row: 0, column: 1 };

/**
 * Address of the view that was asked for last: asking the runtime each time takes a tenth of a small pose's sampling. Memory of a view does
 * not move; of a detached one `requireRoom`, called before, already finds no bytes. Keeps that one view alive.
 */
class LastAddress {
  #view: DataView | undefined;
  #address = 0;

  of(view: DataView, byteOffset: number): Pointer {
    if (view !== this.#view) {
      this.#address = ptr(view);
      this.#view = view;
    }
    return (this.#address + byteOffset) as Pointer;
  }
}

class NativeClip implements PoseClip {
  readonly jointCount: number;
  readonly startS: number;
  readonly endS: number;
  readonly wrapS: number;
  readonly parents: Int32Array;
  readonly #sample: NativeLibrary["soma_clip_sample"];
  readonly #address: Pointer;
  readonly #out = new LastAddress();
  readonly #poseBytes: number;

  constructor(library: NativeLibrary, block: ArrayBufferLike, address: Pointer) {
    const header = new DataView(block);
    this.jointCount = header.getUint32(CLIP_HEADER.jointCount, true);
    this.startS = header.getFloat64(CLIP_HEADER.startS, true);
    this.endS = header.getFloat64(CLIP_HEADER.endS, true);
    this.wrapS = header.getFloat64(CLIP_HEADER.wrapS, true);
    // The view keeps the block, and so the address, alive.
    this.parents = new Int32Array(
      block,
      header.getUint32(CLIP_HEADER.parentsOffset, true),
      this.jointCount,
    );
    this.#sample = library.soma_clip_sample;
    this.#address = address;
    this.#poseBytes = this.jointCount * MATRIX_BYTES;
  }

  sample(out: DataView, byteOffset: number, timeS: number): void {
    requireRoom(out, byteOffset, this.#poseBytes, 4);
    requireTime(timeS);
    checkStatus(
      "soma_clip_sample",
      this.#sample(this.#out.of(out, byteOffset), this.#address, timeS),
    );
  }
}

export function nativeFk(library: NativeLibrary): FkKernels {
  const globals = new LastAddress();
  const locals = new LastAddress();
  return {
    form: "native",

    openClip(block) {
      if (block.byteLength < CLIP_HEADER_BYTES) requireClip(SOMA_STATUS.SOMA_BAD_CLIP);
      const address = ptr(block);
      requireClip(library.soma_clip_validate(address, block.byteLength));
      return new NativeClip(library, block, address);
    },

    globalMatrices(globalOut, local, parents) {
      const bytes = parents.length * MATRIX_BYTES;
      requireRoom(globalOut, 0, bytes, 4);
      requireRoom(local, 0, bytes, 4);
      const status = library.soma_fk_global(
        globals.of(globalOut, 0),
        locals.of(local, 0),
        parents,
        parents.length,
      );
      if (status === SOMA_STATUS.SOMA_BAD_PARENT) requireClip(status);
      checkStatus("soma_fk_global", status);
    },

    convertPose(out, pose, boneCount, dtype, order) {
      requireRoom(out, 0, boneCount * 16 * DTYPE_BYTES[dtype], DTYPE_BYTES[dtype]);
      requireRoom(pose, 0, boneCount * MATRIX_BYTES, 4);
      const status = library.soma_pose_convert(
        ptr(out),
        ptr(pose),
        boneCount,
        DTYPE_CODE[dtype],
        ORDER_CODE[order],
      );
      checkStatus("soma_pose_convert", status);
    },
  };
}
