/**
 * Goal: the block has the bytes that ffi/include/soma.h describes. Its fields are read by a DataView at
 * literal places, so that a mistake shared by writer and reader is found.
 */
import { describe, expect, test } from "bun:test";
import {
  buildClipBlock,
  readClipBlock,
} from "../../../../src/engines/animation/clips/clip-block.ts";
import {
  type ClipDescription,
  type ClipJoint,
  DEFAULT_CLIP_LIMITS,
} from "../../../../src/engines/animation/clips/description.ts";
import { requireValidBlock } from "./evaluate.ts";

const shared = new Float32Array([0, 1, 4]);

const joint: ClipJoint = {
  name: "a",
  parent: -1,
  restTranslation: [0, 0, 0],
  restRotation: [0, 0, 0, 1],
  restScale: [1, 1, 1],
  translation: {
    kind: "linear",
    times: { kind: "listed", timesS: shared },
    values: new Float32Array([1, 2, 3, 4, 5, 6, 7, 8, 9]),
  },
  rotation: {
    kind: "linear",
    times: { kind: "uniform", startS: 0.5, stepS: 0.25, keyCount: 2, wraps: true },
    values: new Float32Array([0, 0, 0, 1, 0, 0, 1, 0]),
  },
  scale: { kind: "constant", value: [1, 2, 4] },
};

const clip: ClipDescription = {
  joints: [
    joint,
    {
      ...joint,
      name: "b",
      parent: 0,
      translation: {
        kind: "step",
        times: { kind: "listed", timesS: shared },
        values: new Float32Array(9).fill(7),
      },
      rotation: { kind: "constant", value: [0, 0, 0, 1] },
      scale: {
        kind: "cubic",
        times: { kind: "listed", timesS: shared },
        values: new Float32Array(27).fill(3),
      },
    },
    { ...joint, name: "c", parent: 0 },
  ],
  startS: 0,
  endS: 4,
  wrapS: 5,
  durationS: 5,
};

describe("the builder", () => {
  const block = buildClipBlock(clip, DEFAULT_CLIP_LIMITS);
  const view = new DataView(block);

  test("writes every field where the header says", () => {
    requireValidBlock(block);
    expect(Buffer.from(block, 0, 4).toString()).toBe("CLIP");
    expect([4, 8, 12].map((at) => view.getUint32(at, true))).toEqual([2, 3, 0]);
    expect(view.getBigUint64(16, true)).toBe(BigInt(block.byteLength));
    expect([32, 40, 48].map((at) => view.getFloat64(at, true))).toEqual([0, 4, 5]);
    expect(view.getBigUint64(56, true)).toBe(0n);
    const parents = view.getUint32(24, true);
    expect([0, 1, 2].map((i) => view.getInt32(parents + i * 4, true))).toEqual([-1, 0, 0]);
    const rotation = view.getUint32(28, true) + 40;
    expect([0, 4, 8, 32, 36].map((at) => view.getUint32(rotation + at, true))).toEqual([
      2, 2, 0, 1, 0,
    ]);
    expect([16, 24].map((at) => view.getFloat64(rotation + at, true))).toEqual([0.5, 0.25]);
    const values = view.getUint32(rotation + 12, true);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((i) => view.getFloat32(values + i * 4, true))).toEqual([
      0, 0, 0, 1, 0, 0, 1, 0,
    ]);
  });

  test("stores shared key times once", () => {
    const tracks = view.getUint32(28, true);
    const timesOffsets = [0, 3, 5, 6].map((track) => view.getUint32(tracks + track * 40 + 8, true));
    expect(new Set(timesOffsets).size).toBe(1);
    expect([...new Float32Array(block, timesOffsets[0] ?? 0, 3)]).toEqual([0, 1, 4]);
  });

  test("is read back as it was described", () => {
    const content = readClipBlock(block);
    expect(content).toMatchObject({
      jointCount: 3,
      startS: 0,
      endS: 4,
      wrapS: 5,
      byteLength: block.byteLength,
    });
    expect(content.tracks.slice(0, 2)).toEqual([joint.translation, joint.rotation]);
    expect(content.tracks[2]).toEqual({ kind: "constant", value: new Float32Array([1, 2, 4]) });
    expect(content.tracks.slice(3, 6).map(({ kind }) => kind)).toEqual([
      "step",
      "constant",
      "cubic",
    ]);
  });

  test("makes a constant of a lone key, taking the value between the tangents of a cubic one", () => {
    const times = { kind: "listed", timesS: new Float32Array([2]) } as const;
    const lone: ClipJoint = {
      ...joint,
      translation: { kind: "step", times, values: new Float32Array([1, 2, 3]) },
      scale: { kind: "cubic", times, values: new Float32Array([9, 9, 9, 4, 5, 6, 9, 9, 9]) },
    };
    const { tracks } = readClipBlock(
      buildClipBlock({ ...clip, joints: [lone] }, DEFAULT_CLIP_LIMITS),
    );
    expect(tracks[0]).toEqual({ kind: "constant", value: new Float32Array([1, 2, 3]) });
    expect(tracks[2]).toEqual({ kind: "constant", value: new Float32Array([4, 5, 6]) });
  });

  test("refuses what the format cannot hold, and what exceeds the limits", () => {
    const build =
      (changed: Partial<ClipDescription>, limits = {}) =>
      () =>
        buildClipBlock({ ...clip, ...changed }, { ...DEFAULT_CLIP_LIMITS, ...limits });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e30]) {
      const joints = [{ ...joint, scale: { kind: "constant", value: [1, value, 1] } } as const];
      expect(build({ joints })).toThrow("the scale of 'a' has a value beyond");
    }
    expect(build({ endS: 1e10 })).toThrow("ends of time");
    expect(build({}, { maxJoints: 2 })).toThrow("3 joints; at most 2");
    expect(build({}, { maxKeys: 15 })).toThrow("keys; at most 15");
    expect(build({}, { maxKeys: 16 })).not.toThrow();
  });
});
