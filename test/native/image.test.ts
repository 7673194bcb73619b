/**
 * Image processing through its wrappers: resizing against OpenCV, unpacking against Bun's own encoder, and the faults that keep C inside
 * the caller's memory. The arithmetic of each function is tested in test/ffi/image_test.c and png_test.c.
 */
import { expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import {
  convertPixels,
  cropPixels,
  IMAGENET,
  ORIENTATIONS,
  orientPixels,
  planProcessing,
  readPngHeader,
  resizePixels,
  stripPng,
  toChw,
} from "../../src/native/image.ts";
import {
  RegionSums,
  regionTable,
  skinMask,
  sumRegions,
  sumTiles,
} from "../../src/native/image-sums.ts";
import { native } from "../../src/native/library.ts";
import { makePixels, type PixelFormat, type Pixels } from "../../src/native/pixels.ts";
import golden from "../golden/opencv-resize.json" with { type: "json" };
import { describeWith } from "../tools/requirement.ts";

const FORMATS: Readonly<Record<number, PixelFormat>> = { 1: "grey", 3: "rgb", 4: "rgba" };

/** The picture of test/tools/make-opencv-golden.py. */
function goldenPicture(width: number, height: number, channels: number, seed: number): Pixels {
  const pixels = makePixels({ format: FORMATS[channels] ?? "rgb", width, height });
  let state = seed;
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const isNoise = ((x >> 3) + (y >> 3)) % 2 === 1;
        plane(pixels)[at++] = isNoise ? state >>> 24 : (x * 5 + y * 3 + c * 40) & 255;
      }
    }
  }
  return pixels;
}

function plane(pixels: Pixels, index = 0): Uint8Array {
  const found = pixels.planes[index];
  if (!found) throw new Error(`no plane ${index}`);
  return found;
}

function crc32(bytes: Uint8Array): number {
  return Bun.hash.crc32(bytes);
}

/** A PNG with one IDAT chunk at the given compression level, filter 0. */
function encodePng(pixels: Pixels, level: number): Uint8Array {
  const channels = { grey: 1, rgb: 3, rgba: 4, i420: 0, nv12: 0 }[pixels.format];
  const rowBytes = pixels.width * channels;
  const raw = new Uint8Array((rowBytes + 1) * pixels.height);
  for (let y = 0; y < pixels.height; y++) {
    raw.set(plane(pixels).subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, pixels.width);
  header.setUint32(4, pixels.height);
  header.setUint8(8, 8);
  header.setUint8(9, { 1: 0, 3: 2, 4: 6 }[channels] ?? 0);
  const chunk = (type: string, data: Uint8Array): Uint8Array => {
    const out = new Uint8Array(12 + data.length);
    const view = new DataView(out.buffer);
    view.setUint32(0, data.length);
    out.set(new TextEncoder().encode(type), 4);
    out.set(data, 8);
    view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
    return out;
  };
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("IDAT", deflateSync(raw, { level })),
    chunk("IEND", new Uint8Array()),
  ]);
}

describeWith([{ machine: "the native library", has: native() !== undefined }], "images", () => {
  test("resize as OpenCV does, to one level of 255", () => {
    for (const { filter, channels, source, size, seed, base64 } of golden.cases) {
      const [width = 0, height = 0] = source;
      const [toWidth = 0, toHeight = 0] = size;
      const src = goldenPicture(width, height, channels, seed);
      const dst = makePixels({ format: src.format, width: toWidth, height: toHeight });
      if (filter !== "area" && filter !== "linear" && filter !== "cubic") throw new Error(filter);
      resizePixels(dst, src, filter);
      const expected = Buffer.from(base64, "base64");
      const differences = [...plane(dst)].map((value, i) => Math.abs(value - (expected[i] ?? -99)));
      expect(differences).toHaveLength(expected.length);
      // OpenCV computes linear and cubic weights with 11 bits, drops bits between its two linear passes, and rounds halves
      // of 2 × 2 means up. Measured means: area 0.054, cubic 0.047, linear 0.131.
      expect(Math.max(...differences)).toBeLessThanOrEqual(1);
      expect(differences.reduce((sum, d) => sum + d, 0) / differences.length).toBeLessThan(
        filter === "linear" ? 0.15 : 0.06,
      );
    }
    expect(golden.cases.length).toBeGreaterThanOrEqual(12);
  });

  test("unpack what Bun.Image writes at compression level 0", async () => {
    for (const [width, height] of [
      [1, 1],
      [37, 29],
      [300, 200],
    ] as const) {
      const source = goldenPicture(width, height, 4, 5);
      plane(source).forEach((_, i, bytes) => {
        if (i % 4 === 3) bytes[i] = 255; // opaque: nothing to premultiply
      });
      const stored = await new Bun.Image(encodePng(source, 9)).png({ compressionLevel: 0 }).bytes();
      expect(readPngHeader(stored)).toEqual({ format: "rgba", width, height });
      const pixels = stripPng(stored);
      expect(plane(pixels)).toEqual(plane(source));
      const memory = new Uint8Array(new SharedArrayBuffer(width * height * 4 + 10));
      expect(plane(stripPng(stored, memory)).buffer).toBe(memory.buffer);
      expect([...memory.subarray(0, width * height * 4)]).toEqual([...plane(source)]);
    }
  });

  test("unpack stored blocks of zlib, refuse compressed ones", () => {
    for (const channels of [1, 3, 4]) {
      const source = goldenPicture(200, 150, channels, 3);
      expect(plane(stripPng(encodePng(source, 0)))).toEqual(plane(source));
      expect(() => stripPng(encodePng(source, 9))).toThrow("SOMA_BAD_IMAGE");
    }
    expect(() => readPngHeader(new Uint8Array())).toThrow("no bytes");
    expect(() => readPngHeader(new Uint8Array(100))).toThrow("SOMA_BAD_IMAGE");
    expect(() => stripPng(encodePng(goldenPicture(4, 4, 3, 1), 0), new Uint8Array(47))).toThrow(
      "takes 48 bytes",
    );
  });

  test("convert, crop, turn and normalise by hand", () => {
    const i420 = makePixels({ format: "i420", width: 2, height: 2 });
    plane(i420).set([16, 235, 16, 235]);
    plane(i420, 1).set([128]);
    plane(i420, 2).set([128]);
    const rgb = makePixels({ format: "rgb", width: 2, height: 2 });
    convertPixels(rgb, i420);
    expect([...plane(rgb)]).toEqual([0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255]);
    convertPixels(rgb, { ...i420, colour: "bt601-full" });
    expect([...plane(rgb).subarray(0, 6)]).toEqual([16, 16, 16, 235, 235, 235]);

    const grey = makePixels(
      { format: "grey", width: 3, height: 2 },
      Uint8Array.of(1, 2, 3, 4, 5, 6),
    );
    const turned = makePixels({ format: "grey", width: 2, height: 3 });
    orientPixels(turned, grey, ORIENTATIONS.rotate90);
    expect([...plane(turned)]).toEqual([4, 1, 5, 2, 6, 3]);
    const cropped = makePixels({ format: "grey", width: 2, height: 1 });
    cropPixels(cropped, grey, { x: 1, y: 1 });
    expect([...plane(cropped)]).toEqual([5, 6]);

    const chw = new Float32Array(3 * 4);
    plane(rgb).set([0, 128, 255, 1, 2, 3]);
    toChw(chw, rgb, IMAGENET);
    expect(chw[0]).toBeCloseTo(-0.485 / 0.229, 6);
    expect(chw[4]).toBeCloseTo((128 / 255 - 0.456) / 0.224, 6);
    expect(chw[8]).toBeCloseTo((1 - 0.406) / 0.225, 6);
    expect(chw[9]).toBeCloseTo((3 / 255 - 0.406) / 0.225, 6);
  });

  test("plan the four process_res_methods", () => {
    const request = { width: 1920, height: 1080, resolution: 504 };
    expect(planProcessing({ ...request, method: "upper_bound_resize" })).toEqual({
      bound: { width: 504, height: 284 },
      boundFilter: "area",
      crop: { x: 0, y: 0 },
      final: { width: 504, height: 280 },
      finalFilter: "area",
    });
    expect(planProcessing({ ...request, method: "upper_bound_crop" })).toMatchObject({
      crop: { x: 0, y: 2 },
      final: { width: 504, height: 280 },
      finalFilter: undefined,
    });
    expect(planProcessing({ ...request, method: "lower_bound_resize" }).final).toEqual({
      width: 896,
      height: 504,
    });
    expect(
      planProcessing({ width: 100, height: 80, resolution: 504, method: "lower_bound_crop" }),
    ).toMatchObject({
      bound: { width: 630, height: 504 },
      boundFilter: "cubic",
      final: { width: 630, height: 504 },
    });
    expect(() =>
      planProcessing({ width: 2000, height: 20, resolution: 504, method: "upper_bound_crop" }),
    ).toThrow("cannot be brought");
    expect(() =>
      planProcessing({ ...request, resolution: 1.5, method: "upper_bound_crop" }),
    ).toThrow("not a whole number");
  });

  test("sum tiles and regions, all pixels or skin only", () => {
    const src = makePixels({ format: "nv12", width: 20, height: 10 });
    plane(src).fill(100);
    plane(src, 1).forEach((_, i, bytes) => {
      bytes[i] = i % 2 === 0 ? 100 : 150;
    });
    plane(src).fill(250, 0, 20); // one bright row
    const skin = skinMask({ y: [41, 255], cb: [77, 127], cr: [133, 173], clippedFrom: 250 });
    const sums = new RegionSums(4);
    expect(sumTiles(sums, src, 16, skin)).toBe(2);
    expect([sums.count(0), sums.clipped(0), sums.count(1), sums.clipped(1)]).toEqual([
      160, 16, 40, 4,
    ]);
    expect(sums.mean(0, 1)).toBe(100);
    expect(sums.mean(0, 2)).toBe(150);
    expect(sums.sum(0, 0)).toBe(16 * 250 + 144 * 100);
    const regions = regionTable([
      { x: -5, y: 1, width: 10, height: 2 },
      { x: 19, y: 9, width: 100, height: 100 },
    ]);
    expect(sumRegions(sums, src, regions, null)).toBe(2);
    expect([sums.count(0), sums.sum(0, 0), sums.count(1), sums.sum(1, 0)]).toEqual([
      10, 1000, 1, 100,
    ]);
    plane(src, 1).fill(0);
    sumTiles(sums, src, 16, skin);
    expect([sums.count(0), sums.mean(0, 0)]).toEqual([0, Number.NaN]);
    expect(() => sumTiles(new RegionSums(1), src, 16, null)).toThrow("2 regions need room");
    expect(() => sumTiles(sums, src, 3, null)).toThrow("even number");
    expect(() => skinMask({ y: [0, 256], cb: [0, 0], cr: [0, 0], clippedFrom: 0 })).toThrow(
      "0 to 255",
    );
  });

  test("refuse views that reach beyond their memory", () => {
    const src = makePixels({ format: "rgb", width: 4, height: 4 });
    const dst = makePixels({ format: "rgb", width: 4, height: 4 });
    const short: Pixels = { ...src, planes: [plane(src).subarray(0, 47)] };
    const strided: Pixels = { ...src, stridesBytes: [13] };
    const narrow: Pixels = { ...src, stridesBytes: [11] };
    const missing: Pixels = { ...src, format: "i420" };
    for (const bad of [short, strided, narrow, missing]) {
      expect(() => convertPixels(dst, bad)).toThrow("plane");
      expect(() => convertPixels(bad, src)).toThrow("plane");
    }
    expect(() => convertPixels(dst, { ...src, width: 0 })).toThrow("image side");
    expect(() => convertPixels(dst, { ...src, height: 2.5 })).toThrow("image side");
    expect(() =>
      resizePixels(makePixels({ format: "rgb", width: 5, height: 4 }), src, "area"),
    ).toThrow("SOMA_BAD_SIZE");
    expect(() => cropPixels(dst, src, { x: 1, y: 0 })).toThrow("SOMA_BAD_SIZE");
    expect(() => orientPixels(dst, src, 9)).toThrow("EXIF orientation");
    expect(() => toChw(new Float32Array(47), src, IMAGENET)).toThrow("does not fit");
  });
});
