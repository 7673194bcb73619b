/**
 * Sums over rectangles and tiles of an image, for the vitals engine: every frame, so results stay in memory that is made once. Thin calls
 * into ffi/src/image_sums.c; throws NATIVE_UNAVAILABLE where the library is not loaded.
 */
import { Fault } from "../core/fault.ts";
import { checkStatus, requireNative } from "./library.ts";
import { ImageStruct, type Pixels } from "./pixels.ts";

const imageStruct = new ImageStruct();

const SUMS_BYTES = 32;
const RECT_BYTES = 16;
const SKIN_BYTES = 8;

/** Results of up to `capacity` regions: soma_sums structs. */
export class RegionSums {
  readonly bytes: Uint8Array;
  readonly capacity: number;
  readonly #view: DataView;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.bytes = new Uint8Array(capacity * SUMS_BYTES);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Pixels that counted. */
  count(region: number): number {
    return this.#view.getUint32(region * SUMS_BYTES, true);
  }

  /** Of these, pixels at or above the skin's `clippedFrom`. */
  clipped(region: number): number {
    return this.#view.getUint32(region * SUMS_BYTES + 4, true);
  }

  /** Y', Cb, Cr of i420 and nv12; R, G, B of rgb and rgba; the value of grey is channel 0. Exact: below 2⁵³. */
  sum(region: number, channel: 0 | 1 | 2): number {
    return Number(this.#view.getBigUint64(region * SUMS_BYTES + 8 + channel * 8, true));
  }

  /** NaN where nothing counted. */
  mean(region: number, channel: 0 | 1 | 2): number {
    return this.sum(region, channel) / this.count(region);
  }
}

/** Which pixels count as skin; inclusive ranges of 8-bit Y'CbCr. RGB is converted to limited BT.601 first. */
export interface SkinRange {
  readonly y: readonly [number, number];
  readonly cb: readonly [number, number];
  readonly cr: readonly [number, number];
  /** Brightness from which a counted pixel is reported as clipped; 0 reports none. */
  readonly clippedFrom: number;
}

/** soma_skin structs are made once per range: `skinMask(range)` where the range is known, then the mask each frame. */
export function skinMask(range: SkinRange): Uint8Array {
  const values = [...range.y, ...range.cb, ...range.cr, range.clippedFrom];
  if (!values.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)) {
    throw new Fault("INVALID_ARGUMENT", "skin ranges are whole numbers from 0 to 255");
  }
  const mask = new Uint8Array(SKIN_BYTES);
  mask.set(values);
  return mask;
}

/** A rectangle in pixels; the part outside the image does not count. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** soma_rect structs of some regions, made where the regions are known. */
export function regionTable(regions: readonly Region[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(regions.length * RECT_BYTES));
  for (const [index, region] of regions.entries()) {
    const at = index * RECT_BYTES;
    view.setInt32(at, region.x, true);
    view.setInt32(at + 4, region.y, true);
    view.setUint32(at + 8, region.width, true);
    view.setUint32(at + 12, region.height, true);
  }
  return new Uint8Array(view.buffer);
}

/** Sums of each region of `regions` (from `regionTable`); `skin` from `skinMask`, null counts every pixel. Returns how many regions. */
export function sumRegions(
  out: RegionSums,
  src: Pixels,
  regions: Uint8Array,
  skin: Uint8Array | null,
): number {
  const count = regions.byteLength / RECT_BYTES;
  requireRegions(out, count);
  requireMask(skin);
  if (count === 0) return 0;
  const status = requireNative().soma_image_roi_sums(
    out.bytes,
    imageStruct.describe(src),
    regions,
    count,
    skin,
  );
  checkStatus("soma_image_roi_sums", status);
  return count;
}

/** Sums of a grid of square tiles, row by row; `tile` is even, 2 to 4096 pixels. Returns how many tiles. */
export function sumTiles(
  out: RegionSums,
  src: Pixels,
  tile: number,
  skin: Uint8Array | null,
): number {
  if (!Number.isInteger(tile) || tile < 2 || tile > 4096 || tile % 2 !== 0) {
    throw new Fault(
      "INVALID_ARGUMENT",
      `a tile is an even number of 2 to 4096 pixels, not ${tile}`,
    );
  }
  const count = Math.ceil(src.width / tile) * Math.ceil(src.height / tile);
  requireRegions(out, count);
  requireMask(skin);
  const status = requireNative().soma_image_tile_sums(
    out.bytes,
    imageStruct.describe(src),
    tile,
    skin,
  );
  checkStatus("soma_image_tile_sums", status);
  return count;
}

function requireRegions(out: RegionSums, count: number): void {
  if (Number.isInteger(count) && count <= out.capacity) return;
  throw new Fault(
    "INVALID_ARGUMENT",
    `${count} regions need room; there is some for ${out.capacity}`,
  );
}

function requireMask(skin: Uint8Array | null): void {
  if (skin === null || skin.byteLength >= SKIN_BYTES) return;
  throw new Fault("INVALID_ARGUMENT", "a skin mask comes from skinMask()");
}
