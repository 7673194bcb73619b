/**
 * The one binding table of libsoma, and the numbers of ffi/include/soma.h that TypeScript needs. A house test compares it with the
 * header's prototypes and the library's exported symbols in both directions; library.ts compares the sizes when it loads.
 */
import type { FFIFunction } from "bun:ffi";

export const SOMA_BINDINGS = {
  soma_abi: { args: ["ptr", "u32"], returns: "i32" },
  soma_simd_level: { args: [], returns: "i32" },
  soma_clip_validate: { args: ["ptr", "u64"], returns: "i32" },
  soma_clip_sample: { args: ["ptr", "ptr", "f64"], returns: "i32" },
  soma_fk_global: { args: ["ptr", "ptr", "ptr", "u32"], returns: "i32" },
  soma_pose_convert: { args: ["ptr", "ptr", "u32", "u32", "u32"], returns: "i32" },
  soma_png_header: { args: ["ptr", "ptr", "u64"], returns: "i32" },
  soma_png_strip: { args: ["ptr", "ptr", "u64"], returns: "i32" },
  soma_image_convert: { args: ["ptr", "ptr"], returns: "i32" },
  soma_image_resize: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  soma_image_crop: { args: ["ptr", "ptr", "u32", "u32"], returns: "i32" },
  soma_image_orient: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  soma_image_to_chw: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  soma_image_roi_sums: { args: ["ptr", "ptr", "ptr", "u32", "ptr"], returns: "i32" },
  soma_image_tile_sums: { args: ["ptr", "ptr", "u32", "ptr"], returns: "i32" },
  soma_process_plan_make: { args: ["ptr", "u32", "u32", "u32", "u32", "u32"], returns: "i32" },
} as const satisfies Record<string, FFIFunction>;

/** What `soma_abi` must answer: the version, then the sizes of the structs in bytes. */
export const SOMA_ABI = {
  SOMA_ABI_VERSION: 2,
  soma_clip: 64,
  soma_track: 40,
  soma_lanes: 64,
  soma_lane_group: 56,
  soma_image: 56,
  soma_png_info: 16,
  soma_rect: 16,
  soma_skin: 8,
  soma_sums: 32,
  soma_process_plan: 32,
} as const;

export const SOMA_STATUS = {
  SOMA_OK: 0,
  SOMA_BAD_ARGUMENT: -1,
  SOMA_BAD_CLIP: -2,
  SOMA_BAD_PARENT: -3,
  SOMA_BAD_SIZE: -4,
  SOMA_BAD_IMAGE: -5,
} as const;

/** The name of a status, for messages. */
export function statusName(status: number): string {
  const found = Object.entries(SOMA_STATUS).find(([, value]) => value === status);
  return found ? found[0] : `status ${status}`;
}
