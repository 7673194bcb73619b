/**
 * Image processing in C: thin calls into libsoma (ffi/src/image_*.c). Destinations come first and belong to the caller. Everything
 * here throws NATIVE_UNAVAILABLE where the library is not loaded, and INVALID_ARGUMENT for arguments that do not fit.
 */
import { Fault } from "../core/fault.ts";
import { type SOMA_BINDINGS, SOMA_STATUS, statusName } from "./bindings.ts";
import { requireNative } from "./library.ts";
import { ImageStruct, makePixels, PIXEL_FORMATS, type Pixels, type PixelsShape } from "./pixels.ts";

/** Calls are synchronous, so two structs serve them all. */
const dstStruct = new ImageStruct();
const srcStruct = new ImageStruct();

function check(call: keyof typeof SOMA_BINDINGS, status: number): void {
  if (status >= 0) return;
  const isInput = status === SOMA_STATUS.SOMA_BAD_IMAGE || status === SOMA_STATUS.SOMA_BAD_SIZE;
  throw new Fault(
    isInput ? "INVALID_ARGUMENT" : "NATIVE_FAILED",
    `${call} answered ${statusName(status)}`,
  );
}

// ---- PNG ------------------------------------------------------------------------------------------------

const PNG_INFO_BYTES = 16;

/** Size and format of a PNG with 8 bits a sample: grey, RGB or RGBA, not interlaced. */
export function readPngHeader(png: Uint8Array): PixelsShape {
  const info = new DataView(new ArrayBuffer(PNG_INFO_BYTES));
  const bytes = new Uint8Array(info.buffer);
  requireBytes(png);
  check("soma_png_header", requireNative().soma_png_header(bytes, png, png.byteLength));
  const format = PIXEL_FORMATS[info.getUint32(8, true)] ?? "grey";
  return { format, width: info.getUint32(0, true), height: info.getUint32(4, true) };
}

/** Raw pixels of a PNG that was written at compression level 0. They go into `memory` when it is given. */
export function stripPng(png: Uint8Array, memory?: Uint8Array): Pixels {
  const pixels = makePixels(readPngHeader(png), memory);
  const status = requireNative().soma_png_strip(dstStruct.describe(pixels), png, png.byteLength);
  check("soma_png_strip", status);
  return pixels;
}

function requireBytes(bytes: Uint8Array): void {
  if (bytes.byteLength === 0) throw new Fault("INVALID_ARGUMENT", "the image has no bytes");
}

// ---- pixels to pixels -----------------------------------------------------------------------------------

/** Converts between pixel formats and colour codes; both have one size. See soma_image_convert. */
export function convertPixels(dst: Pixels, src: Pixels): void {
  const library = requireNative();
  const status = library.soma_image_convert(dstStruct.describe(dst), srcStruct.describe(src));
  check("soma_image_convert", status);
}

/** soma_filter. `area` only where neither side grows. */
export const RESIZE_FILTERS = { area: 1, linear: 2, cubic: 3 } as const;
export type ResizeFilter = keyof typeof RESIZE_FILTERS;

/** Resizes to the size of `dst`, of the same format, with OpenCV's conventions. See soma_image_resize. */
export function resizePixels(dst: Pixels, src: Pixels, filter: ResizeFilter): void {
  const code = RESIZE_FILTERS[filter];
  const library = requireNative();
  const status = library.soma_image_resize(dstStruct.describe(dst), srcStruct.describe(src), code);
  check("soma_image_resize", status);
}

export interface PixelPoint {
  readonly x: number;
  readonly y: number;
}

/** Copies the part of `src` that starts at `from` and has the size of `dst`. Even coordinates for i420 and nv12. */
export function cropPixels(dst: Pixels, src: Pixels, from: PixelPoint): void {
  requireU32(from.x, from.y);
  const library = requireNative();
  const status = library.soma_image_crop(
    dstStruct.describe(dst),
    srcStruct.describe(src),
    from.x,
    from.y,
  );
  check("soma_image_crop", status);
}

/** Flips and turns by their EXIF orientation number: what shows a stored image upright. Turns are clockwise. */
export const ORIENTATIONS = {
  upright: 1,
  flipHorizontal: 2,
  rotate180: 3,
  flipVertical: 4,
  transpose: 5,
  rotate90: 6,
  transverse: 7,
  rotate270: 8,
} as const;

/** Flips or turns; from `transpose` on, width and height of `dst` are those of `src` exchanged. */
export function orientPixels(dst: Pixels, src: Pixels, orientation: number): void {
  if (!Object.values<number>(ORIENTATIONS).includes(orientation)) {
    throw new Fault("INVALID_ARGUMENT", `an EXIF orientation is 1 to 8, not ${orientation}`);
  }
  const library = requireNative();
  const status = library.soma_image_orient(
    dstStruct.describe(dst),
    srcStruct.describe(src),
    orientation,
  );
  check("soma_image_orient", status);
}

// ---- pixels to network input ----------------------------------------------------------------------------

/** Per channel, in the range 0 … 1 of the pixels. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** What networks trained on ImageNet expect. */
export const IMAGENET: Normalisation = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/** Writes `channels × height × width` normalised float32; 1 channel for grey, 3 for rgb and rgba. See soma_image_to_chw. */
export function toChw(out: Float32Array, src: Pixels, normalisation: Normalisation): void {
  const channels = src.format === "grey" ? 1 : 3;
  const { mean, deviation } = normalisation;
  if (
    src.format === "i420" ||
    src.format === "nv12" ||
    out.length < channels * src.width * src.height
  ) {
    throw new Fault(
      "INVALID_ARGUMENT",
      `${src.width} × ${src.height} ${src.format} does not fit ${out.length} floats`,
    );
  }
  if (mean.length < channels || deviation.length < channels) {
    throw new Fault("INVALID_ARGUMENT", `${channels} channels need as many means and deviations`);
  }
  const library = requireNative();
  const status = library.soma_image_to_chw(
    out,
    srcStruct.describe(src),
    Float32Array.from(mean),
    Float32Array.from(deviation),
  );
  check("soma_image_to_chw", status);
}

/** soma_process_method, in the order of its numbers: the names that clients send. */
export const PROCESS_METHODS = [
  "upper_bound_resize",
  "upper_bound_crop",
  "lower_bound_resize",
  "lower_bound_crop",
] as const;
export type ProcessMethod = (typeof PROCESS_METHODS)[number];

/** Resize to `bound` (when `boundFilter`), then resize to `final` (when `finalFilter`) or crop `final` at `crop`. */
export interface ProcessPlan {
  readonly bound: { readonly width: number; readonly height: number };
  readonly boundFilter: ResizeFilter | undefined;
  readonly crop: PixelPoint;
  readonly final: { readonly width: number; readonly height: number };
  readonly finalFilter: ResizeFilter | undefined;
}

export interface ProcessRequest {
  readonly width: number;
  readonly height: number;
  readonly resolution: number;
  /** Patch size of the network; default 14. */
  readonly multiple?: number;
  readonly method: ProcessMethod;
}

/** Sizes and filters that turn an image into a network's input. See soma_process_plan_make. */
export function planProcessing(request: ProcessRequest): ProcessPlan {
  const { width, height, resolution, multiple = 14, method } = request;
  requireU32(width, height, resolution, multiple);
  const plan = new Uint32Array(8);
  const status = requireNative().soma_process_plan_make(
    plan,
    width,
    height,
    resolution,
    multiple,
    PROCESS_METHODS.indexOf(method),
  );
  if (status === SOMA_STATUS.SOMA_BAD_ARGUMENT || status === SOMA_STATUS.SOMA_BAD_SIZE) {
    throw new Fault(
      "INVALID_ARGUMENT",
      `${width} × ${height} cannot be brought to ${resolution} by ${method} in multiples of ${multiple}`,
    );
  }
  check("soma_process_plan_make", status);
  const at = (index: number): number => plan[index] ?? 0;
  return {
    bound: { width: at(0), height: at(1) },
    boundFilter: filterOf(at(2)),
    crop: { x: at(3), y: at(4) },
    final: { width: at(5), height: at(6) },
    finalFilter: filterOf(at(7)),
  };
}

function filterOf(code: number): ResizeFilter | undefined {
  switch (code) {
    case RESIZE_FILTERS.area:
      return "area";
    case RESIZE_FILTERS.linear:
      return "linear";
    case RESIZE_FILTERS.cubic:
      return "cubic";
    default:
      return undefined;
  }
}

function requireU32(...values: number[]): void {
  for (const value of values) {
    if (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) continue;
    throw new Fault("INVALID_ARGUMENT", `${value} is not a whole number from 0 to 2³² - 1`);
  }
}
