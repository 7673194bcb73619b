/**
 * The two validators of clip blocks give one answer, to whole clips and to damaged ones. The C one is fuzzed under the address sanitizer
 * besides (test/ffi/clip_test.c, test/fuzz/clip_fuzz.c).
 */

import { ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { SOMA_STATUS } from "../../src/native/bindings.ts";
import { validateClip } from "../../src/native/clip-validate.ts";
import { openClip } from "../../src/native/fk.ts";
import { portableFk } from "../../src/native/fk-portable.ts";
import { native } from "../../src/native/library.ts";
import { describeWith } from "../tools/requirement.ts";
import { captureClip, clipBlock, inLanes, randomClip, randomSource } from "./clip-maker.ts";

const library = native();

function damage(block: SharedArrayBuffer, random: () => number): ArrayBuffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const keep = random() < 0.2 ? below(block.byteLength) : block.byteLength;
  const bytes = new Uint8Array(keep);
  bytes.set(new Uint8Array(block).subarray(0, keep));
  const view = new DataView(bytes.buffer);
  for (let edits = below(4); edits > 0 && keep >= 64; edits--) {
    const word = below(keep >> 2) * 4;
    const double = below(keep >> 3) * 8;
    const how = below(7);
    if (how === 0) bytes[below(keep)] = below(256);
    if (how === 1)
      view.setUint32(word, [0, 1, 64, 0xffff_ffff, 0x8000_0000, keep][below(6)] ?? 0, true);
    if (how === 2)
      view.setFloat32(
        word,
        [Number.NaN, Number.POSITIVE_INFINITY, 0, 1e18, 2e18, -1e6][below(6)] ?? 0,
        true,
      );
    if (how === 3)
      view.setFloat64(double, [Number.NaN, -1, 0, 1e9, 2e9, 5e-324][below(6)] ?? 0, true);
    if (how === 4) bytes.copyWithin(word, below(keep >> 2) * 4, keep);
    if (how === 5) bytes[word] = (bytes[word] ?? 0) ^ (1 << below(8));
    if (how === 6) view.setUint32(word, (view.getUint32(word, true) + 4) >>> 0, true);
  }
  // A length that is right again lets the damage behind it be looked at.
  if (keep >= 24 && random() < 0.7) view.setBigUint64(16, BigInt(keep), true);
  return bytes.buffer;
}

describeWith(
  [{ machine: "the native library", has: library !== undefined }],
  "both validators",
  () => {
    test("agree on 30000 damaged clips, and what they accept can be sampled", () => {
      const random = randomSource(99);
      const seen = new Map<number, number>();
      for (let round = 0; round < 30_000; round++) {
        const block = damage(clipBlock(randomClip(random, 1 + Math.floor(random() * 6))), random);
        if (block.byteLength === 0) continue;
        const status = validateClip(block);
        expect(library?.soma_clip_validate(ptr(block), block.byteLength)).toBe(status);
        seen.set(status, (seen.get(status) ?? 0) + 1);
        if (status !== SOMA_STATUS.SOMA_OK) continue;
        for (const form of [portableFk.openClip(block), openClip(block)]) {
          const pose = new Float32Array(form.jointCount * 16);
          for (const timeS of [form.startS, form.endS, form.endS + form.wrapS / 3]) {
            form.sample(new DataView(pose.buffer), 0, timeS);
            expect(pose.every(Number.isFinite)).toBe(true);
          }
        }
      }
      for (const status of [
        SOMA_STATUS.SOMA_OK,
        SOMA_STATUS.SOMA_BAD_CLIP,
        SOMA_STATUS.SOMA_BAD_PARENT,
      ]) {
        expect(seen.get(status) ?? 0).toBeGreaterThan(200);
      }
    });

    test("agree on every word of a clip with lanes, whatever it is changed to", () => {
      const whole = clipBlock(inLanes(captureClip(11, 3)));
      expect(validateClip(whole)).toBe(SOMA_STATUS.SOMA_OK);
      const view = new DataView(whole);
      const lanes = view.getUint32(56, true);
      const groups = view.getUint32(lanes + 48, true);
      // The header, all tracks, both groups, soma_lanes.
      const parts: [number, number][] = [
        [0, 64],
        [view.getUint32(28, true), 33 * 40],
        [groups, 2 * 56],
        [lanes, 64],
      ];
      const seen = new Map<number, number>();
      for (const [at, bytes] of parts) {
        for (let word = at; word < at + bytes; word += 4) {
          const before = view.getUint32(word, true);
          const values = [0, 1, 2, 3, before + 1, before - 1, before + 4, before - 4, before ^ 2];
          for (const value of [...values, 7, 8, 64, 255, lanes, 0x7fff_ffff, 0xffff_fffc]) {
            view.setUint32(word, value, true);
            const status = validateClip(whole);
            expect(library?.soma_clip_validate(ptr(whole), whole.byteLength)).toBe(status);
            seen.set(status, (seen.get(status) ?? 0) + 1);
          }
          view.setUint32(word, before, true);
        }
      }
      expect(validateClip(whole)).toBe(SOMA_STATUS.SOMA_OK);
      expect(seen.get(SOMA_STATUS.SOMA_BAD_CLIP) ?? 0).toBeGreaterThan(3000);
    });

    test("agree on every truncation of one clip", () => {
      const whole = new Uint8Array(clipBlock(randomClip(randomSource(5), 3)));
      expect(validateClip(whole.buffer)).toBe(SOMA_STATUS.SOMA_OK);
      for (let length = 1; length < whole.length; length++) {
        const block = whole.slice(0, length).buffer;
        if (length >= 24) new DataView(block).setBigUint64(16, BigInt(length), true);
        expect(library?.soma_clip_validate(ptr(block), length)).toBe(validateClip(block));
      }
    });
  },
);

test("a clip that is refused is a fault with the reason", () => {
  const block = clipBlock(randomClip(randomSource(1), 2));
  new DataView(block).setInt32(68, 1, true);
  expect(() => openClip(block)).toThrow("parent does not precede it");
  expect(() => portableFk.openClip(block)).toThrow("parent does not precede it");
  expect(() => openClip(new ArrayBuffer(0))).toThrow("SOMA_BAD_CLIP");
  expect(() => portableFk.openClip(new ArrayBuffer(8))).toThrow("SOMA_BAD_CLIP");
});
