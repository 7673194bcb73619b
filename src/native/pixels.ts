/**
 * Views of pixels as libsoma takes them: formats, planes, and the soma_image struct in bytes. Checks that a view lies inside its
 * memory, which C cannot see; the rest (strides, codes) C checks itself.
 */
import { ptr } from "bun:ffi";
import { Fault } from "../core/fault.ts";

/** soma_format, in the order of its numbers. */
export const PIXEL_FORMATS = ["grey", "rgb", "rgba", "i420", "nv12"] as const;
export type PixelFormat = (typeof PIXEL_FORMATS)[number];

/** soma_colour, in the order of its numbers: how Y'CbCr relates to R'G'B'. */
export const PIXEL_COLOURS = [
  "bt601-limited",
  "bt601-full",
  "bt709-limited",
  "bt709-full",
] as const;
export type PixelColour = (typeof PIXEL_COLOURS)[number];

/**
 * Pixels in memory of the caller: 8 bits a sample, rows from top to bottom. The planes of each format are those of soma.h: one for
 * grey, rgb and rgba; Y, Cb, Cr for i420; Y, CbCr for nv12, chroma at half width and height rounded up.
 */
export interface Pixels {
  readonly format: PixelFormat;
  /** Only for i420 and nv12; default `bt601-limited`. */
  readonly colour?: PixelColour;
  readonly width: number;
  readonly height: number;
  readonly planes: readonly Uint8Array[];
  /** Distance of rows in bytes, for each plane; default: rows follow one another without a gap. */
  readonly stridesBytes?: readonly number[];
}

interface PlaneShape {
  readonly rowBytes: number;
  readonly rows: number;
}

/** SOMA_MAX_IMAGE_SIDE. */
export const MAX_IMAGE_SIDE = 32_768;

/** Bytes of a row and number of rows of each plane of an image. */
export function planeShapes(
  format: PixelFormat,
  width: number,
  height: number,
): readonly PlaneShape[] {
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  switch (format) {
    case "grey":
      return [{ rowBytes: width, rows: height }];
    case "rgb":
      return [{ rowBytes: width * 3, rows: height }];
    case "rgba":
      return [{ rowBytes: width * 4, rows: height }];
    case "i420":
      return [
        { rowBytes: width, rows: height },
        { rowBytes: halfWidth, rows: halfHeight },
        { rowBytes: halfWidth, rows: halfHeight },
      ];
    case "nv12":
      return [
        { rowBytes: width, rows: height },
        { rowBytes: halfWidth * 2, rows: halfHeight },
      ];
  }
}

export interface PixelsShape {
  readonly format: PixelFormat;
  readonly colour?: PixelColour;
  readonly width: number;
  readonly height: number;
}

/** Pixels over one run of memory, plane after plane without gaps; new memory unless `memory` gives some that is long enough. */
export function makePixels(shape: PixelsShape, memory?: Uint8Array): Pixels {
  requireSides(shape.width, shape.height);
  const shapes = planeShapes(shape.format, shape.width, shape.height);
  const bytes = shapes.reduce((sum, { rowBytes, rows }) => sum + rowBytes * rows, 0);
  const store = memory ?? new Uint8Array(bytes);
  if (store.byteLength < bytes) {
    throw new Fault(
      "INVALID_ARGUMENT",
      `${shape.width} × ${shape.height} ${shape.format} takes ${bytes} bytes, not ${store.byteLength}`,
    );
  }
  let start = 0;
  const planes = shapes.map(({ rowBytes, rows }) => {
    const plane = store.subarray(start, start + rowBytes * rows);
    start += rowBytes * rows;
    return plane;
  });
  return { ...shape, planes };
}

function requireSides(width: number, height: number): void {
  for (const side of [width, height]) {
    if (Number.isInteger(side) && side >= 1 && side <= MAX_IMAGE_SIDE) continue;
    throw new Fault(
      "INVALID_ARGUMENT",
      `an image side is 1 to ${MAX_IMAGE_SIDE} pixels, not ${side}`,
    );
  }
}

/** Byte offsets in soma_image. */
const IMAGE = { planes: 0, strides: 24, width: 36, height: 40, format: 44, colour: 48 } as const;
export const IMAGE_BYTES = 56;

/** The struct of one image, written anew for each call. */
export class ImageStruct {
  readonly bytes = new Uint8Array(IMAGE_BYTES);
  readonly #view = new DataView(this.bytes.buffer);

  /** Fills the struct and returns it. `pixels` must stay reachable until the call is over. Throws INVALID_ARGUMENT. */
  describe(pixels: Pixels): Uint8Array {
    const view = this.#view;
    requireSides(pixels.width, pixels.height);
    const shapes = planeShapes(pixels.format, pixels.width, pixels.height);
    for (const [index, shape] of shapes.entries()) {
      const plane = pixels.planes[index];
      const stride = pixels.stridesBytes?.[index] ?? shape.rowBytes;
      requirePlane(plane, stride, shape, index);
      view.setBigUint64(IMAGE.planes + index * 8, BigInt(ptr(plane)), true);
      view.setUint32(IMAGE.strides + index * 4, stride, true);
    }
    view.setUint32(IMAGE.width, pixels.width, true);
    view.setUint32(IMAGE.height, pixels.height, true);
    view.setUint32(IMAGE.format, PIXEL_FORMATS.indexOf(pixels.format), true);
    view.setUint32(IMAGE.colour, PIXEL_COLOURS.indexOf(pixels.colour ?? "bt601-limited"), true);
    return this.bytes;
  }
}

function requirePlane(
  plane: Uint8Array | undefined,
  strideBytes: number,
  shape: PlaneShape,
  index: number,
): asserts plane is Uint8Array {
  const valid =
    Number.isInteger(strideBytes) && strideBytes >= shape.rowBytes && strideBytes <= 0xffff_ffff;
  const needed = strideBytes * (shape.rows - 1) + shape.rowBytes;
  if (valid && plane !== undefined && plane.byteLength >= needed) return;
  throw new Fault(
    "INVALID_ARGUMENT",
    `plane ${index} has ${plane?.byteLength ?? 0} bytes; ${shape.rows} rows of ${shape.rowBytes} at a stride of ${strideBytes} take ${needed}`,
  );
}
