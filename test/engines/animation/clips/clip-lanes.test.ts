/**
 * Goal: the builder puts tracks into lanes where that pays, and the clip stays what it was. Method: described clips of many shapes; each block
 * is validated by both validators, read back, and sampled by both forms against the float64 sampler of evaluate.ts, which follows the
 * tracks and knows nothing of groups. The bound on memory is that of a block without lanes, counted by hand.
 */
import { describe, expect, test } from "bun:test";
import {
  buildClipBlock,
  readClipBlock,
} from "../../../../src/engines/animation/clips/clip-block.ts";
import {
  type ClipDescription,
  type ClipJoint,
  type ClipTrack,
  DEFAULT_CLIP_LIMITS,
  type KeyTimes,
} from "../../../../src/engines/animation/clips/description.ts";
import { nativeFk } from "../../../../src/native/fk-native.ts";
import { portableFk } from "../../../../src/native/fk-portable.ts";
import { native } from "../../../../src/native/library.ts";
import { largestDifference, requireValidBlock, sampleLocal } from "./evaluate.ts";

const library = native();
const forms = library ? [nativeFk(library), portableFk] : [portableFk];

const KEYS = 40;
const uniform: KeyTimes = {
  kind: "uniform",
  startS: 0,
  stepS: 0.125,
  keyCount: KEYS,
  wraps: true,
};
const listed = {
  kind: "listed",
  timesS: Float32Array.from({ length: KEYS }, (_, key) => key / 8 + (key % 3) / 100),
} as const;

function turning(joint: number, times: KeyTimes = uniform, length = 1): ClipTrack {
  const values = Float32Array.from({ length: KEYS * 4 }, (_, index) => {
    const half = Math.sin(joint + (index >> 2) / 7);
    const q = [0.6 * Math.sin(half), 0, -0.8 * Math.sin(half), Math.cos(half)];
    return (q[index % 4] ?? 0) * length;
  });
  return { kind: "linear", times, values };
}

function moving(joint: number, times: KeyTimes = uniform): ClipTrack {
  const values = Float32Array.from({ length: KEYS * 3 }, (_, i) => 1 + Math.cos(joint + i) / 2);
  return { kind: "linear", times, values };
}

function still(...value: number[]): ClipTrack {
  return { kind: "constant", value };
}

function describeClip(
  count: number,
  tracks: (joint: number) => Partial<Pick<ClipJoint, "translation" | "rotation" | "scale">>,
): ClipDescription {
  const joints = Array.from(
    { length: count },
    (_, joint): ClipJoint => ({
      name: `joint ${joint}`,
      parent: joint - 1,
      restTranslation: [0, 0, 0],
      restRotation: [0, 0, 0, 1],
      restScale: [1, 1, 1],
      translation: still(joint, 2, 3),
      rotation: turning(joint),
      scale: still(1, 1, 1),
      ...tracks(joint),
    }),
  );
  return { joints, startS: 0, endS: (KEYS - 1) / 8, wrapS: KEYS / 8, durationS: KEYS / 8 };
}

interface LaneFacts {
  readonly groups: readonly {
    readonly joints: readonly number[];
    readonly moving: number;
    readonly apart: number;
  }[];
  readonly rest: readonly number[];
}

/** What soma_lanes of a block says, read at literal places; undefined when there is none. */
function lanesOf(block: SharedArrayBuffer): LaneFacts | undefined {
  const view = new DataView(block);
  const u32 = (at: number): number => view.getUint32(at, true);
  const lanes = u32(56);
  if (lanes === 0) return undefined;
  return {
    groups: Array.from({ length: u32(lanes + 44) }, (_, index) => {
      const at = u32(lanes + 48) + index * 56;
      const joints = Array.from({ length: u32(at + 32) }, (__, lane) => u32(at + lane * 4));
      return { joints, moving: u32(at + 36), apart: u32(at + 40) };
    }),
    rest: Array.from({ length: u32(lanes + 52) }, (_, index) => u32(u32(lanes + 56) + index * 4)),
  };
}

/** Builds, and checks all that holds of every block. */
function build(clip: ClipDescription): { block: SharedArrayBuffer; lanes: LaneFacts | undefined } {
  const block = buildClipBlock(clip, DEFAULT_CLIP_LIMITS);
  requireValidBlock(block);
  // Beyond the wrap evaluate.ts has no rule; test/native looks there.
  const times = [-1, 0, 0.06, 1.7, clip.endS, clip.endS + 0.1];
  const opened = forms.map((form) => form.openClip(block));
  const pose = new Float32Array(clip.joints.length * 16);
  for (const timeS of times) {
    const expected = sampleLocal(block, timeS).flat();
    for (const form of opened) {
      form.sample(new DataView(pose.buffer), 0, timeS);
      expect(largestDifference(pose, expected)).toBeLessThan(
        1e-6 * Math.max(1, ...expected.map(Math.abs)),
      );
    }
  }
  return { block, lanes: lanesOf(block) };
}

/** Bytes of the block that has every track by itself. */
function bytesWithoutLanes(clip: ClipDescription): number {
  const times = new Set<Float32Array>();
  let bytes = 64 + clip.joints.length * (4 + 3 * 40);
  for (const joint of clip.joints) {
    for (const track of [joint.translation, joint.rotation, joint.scale]) {
      bytes += (track.kind === "constant" ? track.value : track.values).length * 4;
      if (track.kind !== "constant" && track.times.kind === "listed") times.add(track.times.timesS);
    }
  }
  for (const timesS of times) bytes += timesS.byteLength;
  return bytes;
}

const range = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);

describe("lanes", () => {
  test("of a capture: all rotations, in their order; the root's translation apart", () => {
    const clip = describeClip(65, (joint) => (joint === 0 ? { translation: moving(0) } : {}));
    const { block, lanes } = build(clip);
    expect(lanes?.rest).toEqual([]);
    expect(lanes?.groups.map(({ joints }) => joints)).toEqual([
      ...range(0, 8).map((group) => range(group * 8, 8)),
      [64],
    ]);
    expect(lanes?.groups.map(({ moving: bits }) => bits)).toEqual(Array<number>(9).fill(2));
    expect(lanes?.groups.map(({ apart }) => apart)).toEqual([1, ...Array<number>(8).fill(0)]);
    expect(block.byteLength).toBeLessThan(1.3 * bytesWithoutLanes(clip));
  });

  test("are read back as the tracks that were described", () => {
    const clip = describeClip(12, (joint) => (joint === 3 ? { translation: moving(3) } : {}));
    const { tracks } = readClipBlock(build(clip).block);
    for (const [joint, described] of clip.joints.entries()) {
      expect(tracks[joint * 3 + 1]).toEqual(described.rotation);
      const { translation } = described;
      if (translation.kind !== "constant") expect(tracks[joint * 3]).toEqual(translation);
      else
        expect(tracks[joint * 3]).toEqual({
          kind: "constant",
          value: Float32Array.from(translation.value),
        });
    }
  });

  test("hold translations and scales that many joints move, and listed times", () => {
    const clip = describeClip(24, (joint) => ({
      rotation: turning(joint, listed),
      translation: moving(joint, listed),
      ...(joint < 16 ? { scale: moving(joint + 5, listed) } : {}),
    }));
    const { block, lanes } = build(clip);
    expect(lanes?.groups.map(({ moving: bits }) => bits)).toEqual([7, 7, 3]);
    expect(block.byteLength).toBeLessThan(1.3 * bytesWithoutLanes(clip));
  });

  test("take times for the same that only their content makes the same, and store them once", () => {
    const own = (): KeyTimes => ({ kind: "listed", timesS: Float32Array.from(listed.timesS) });
    const own16 = describeClip(16, (joint) => ({ rotation: turning(joint, own()) }));
    const shared16 = describeClip(16, (joint) => ({ rotation: turning(joint, listed) }));
    const { block, lanes } = build(own16);
    expect(lanes?.rest).toEqual([]);
    expect(new Uint8Array(block)).toEqual(new Uint8Array(build(shared16).block));
  });

  test("leave out joints with other times or other kinds of tracks", () => {
    const clip = describeClip(27, (joint) => {
      if (joint === 4) return { rotation: turning(joint, listed) };
      if (joint === 9)
        return {
          scale: {
            ...moving(joint),
            kind: "cubic",
            values: new Float32Array(KEYS * 9),
          } as ClipTrack,
        };
      if (joint === 13) return { scale: moving(joint) };
      return joint === 15 ? { translation: moving(joint, listed) } : {};
    });
    const { lanes } = build(clip);
    expect(lanes?.rest).toEqual([4, 9, 13]);
    expect(lanes?.groups.flatMap(({ joints }) => joints).sort((a, b) => a - b)).toEqual(
      range(0, 27).filter((joint) => ![4, 9, 13].includes(joint)),
    );
  });

  test("gather joints that move, and those that do not", () => {
    const clip = describeClip(32, (joint) =>
      joint % 2 ? { rotation: still(0, 0.6, 0, 0.8) } : {},
    );
    const { block, lanes } = build(clip);
    expect(lanes?.groups.map(({ moving: bits }) => bits)).toEqual([2, 2, 0, 0]);
    expect(lanes?.groups[0]?.joints).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
    expect(block.byteLength).toBeLessThan(1.3 * bytesWithoutLanes(clip));
  });

  test("are not filled with air: a group that is mostly empty is left out", () => {
    const clip = describeClip(30, (joint) => (joint >= 10 ? { rotation: still(0, 0, 0, 1) } : {}));
    const { block, lanes } = build(clip);
    // Two rotations over would take the room of eight.
    expect(lanes?.rest).toEqual(range(8, 8));
    expect(block.byteLength).toBeLessThan(1.3 * bytesWithoutLanes(clip));
  });

  test("are absent where few joints turn", () => {
    expect(build(describeClip(7, () => ({}))).lanes).toBeUndefined();
    expect(build(describeClip(9, () => ({ rotation: still(0, 0, 0, 1) }))).lanes).toBeUndefined();
  });

  test("make rotations unit, and leave those alone that are", () => {
    const clip = describeClip(8, (joint) => ({
      rotation: joint < 4 ? turning(joint, uniform, 3.5) : turning(joint),
      scale: still(1, 2, 0.5),
    }));
    const { tracks } = readClipBlock(build(clip).block);
    for (const joint of range(0, 8)) {
      const [lane, unit] = [tracks[joint * 3 + 1], turning(joint)];
      if (lane?.kind !== "linear" || unit.kind !== "linear") throw new Error("a linear track");
      expect(largestDifference(lane.values, unit.values)).toBeLessThan(joint < 4 ? 1.2e-7 : 1e-30);
    }
  });

  test("never take a third more memory, whatever moves", () => {
    for (const count of [8, 9, 11, 15, 22, 31, 64, 65, 71]) {
      for (let pattern = 1; pattern < 40; pattern++) {
        const clip = describeClip(count, (joint) => ({
          rotation: (joint * pattern) % 5 < 3 ? turning(joint) : still(0, 0, 0, 1),
          translation: (joint + pattern) % 7 < 3 ? moving(joint) : still(1, 2, 3),
          scale: (joint * 3 + pattern) % 11 === 0 ? moving(joint) : still(1, 1, 1),
        }));
        const { byteLength } = buildClipBlock(clip, DEFAULT_CLIP_LIMITS);
        expect(byteLength).toBeLessThan(1.3 * bytesWithoutLanes(clip));
      }
    }
  });
});

test("a linear track whose keys are all the same is a constant", () => {
  const same: ClipTrack = {
    kind: "linear",
    times: uniform,
    values: new Float32Array(KEYS * 3).fill(2),
  };
  const { tracks } = readClipBlock(build(describeClip(1, () => ({ translation: same }))).block);
  expect(tracks[0]).toEqual({ kind: "constant", value: Float32Array.of(2, 2, 2) });
});
