/** Positions in a clip, by hand: the modes, ranges, ends and what survives a change. */
import { describe, expect, test } from "bun:test";
import type { Loop } from "../../../src/engines/animation/animator.ts";
import { PLAYHEAD_STATE_FLOATS, Playhead } from "../../../src/engines/animation/playhead.ts";

/** A capture of 4 frames at 1 Hz: the last one blends into the first within the fourth second. */
const CAPTURE = { startS: 0, endS: 3, wrapS: 4 };
const KEYED = { startS: 0.5, endS: 2.5, wrapS: 0 };

function positions(extent: typeof CAPTURE, loop: Loop, steps: readonly number[]): number[] {
  const playhead = new Playhead(extent);
  playhead.setLoop(loop);
  return steps.map((step) => {
    playhead.advance(step);
    return playhead.timeS;
  });
}

describe("playhead", () => {
  const cases: readonly [string, typeof CAPTURE, Loop, number[], number[]][] = [
    [
      "repeat wraps after the blend",
      CAPTURE,
      { mode: "repeat" },
      [1, 2, 0.5, 0.5, 1],
      [1, 3, 3.5, 0, 1],
    ],
    ["repeat backwards", CAPTURE, { mode: "repeat" }, [-1, -2, -2], [3, 1, 3]],
    ["repeat of many lengths in one step", CAPTURE, { mode: "repeat" }, [4_001], [1]],
    ["once holds the last frame", CAPTURE, { mode: "once" }, [2, 2, 9, -1], [2, 3, 3, 2]],
    ["once backwards holds the first", CAPTURE, { mode: "once" }, [-5, 1], [0, 1]],
    [
      "pingpong turns at both ends",
      CAPTURE,
      { mode: "pingpong" },
      [2, 2, 2, 2, 2],
      [2, 2, 0, 2, 2],
    ],
    ["a clip that does not start at 0", KEYED, { mode: "repeat" }, [0, 1.5, 1], [0.5, 2, 1]],
    [
      "a range repeats inside itself",
      CAPTURE,
      { mode: "repeat", start: 1, end: 2 },
      [0, 0.5, 0.75],
      [1, 1.5, 1.25],
    ],
    ["an open range ends with the clip", CAPTURE, { mode: "once", start: 1 }, [9], [3]],
  ];
  for (const [title, extent, loop, steps, wanted] of cases) {
    test(title, () => {
      positions(extent, loop, steps).forEach((position, at) =>
        expect(position).toBeCloseTo(wanted[at] ?? Number.NaN, 9),
      );
    });
  }

  test("a seek to the very end shows the end, and playing on wraps", () => {
    const playhead = new Playhead(KEYED);
    playhead.seek(2.5);
    expect(playhead.timeS).toBe(2.5);
    playhead.advance(0.25);
    expect(playhead.timeS).toBeCloseTo(0.75, 9);
  });

  test("a new range keeps the position it contains, and otherwise goes to its nearest end", () => {
    const playhead = new Playhead(CAPTURE);
    playhead.seek(2.5);
    playhead.setLoop({ mode: "repeat", start: 2, end: 3 });
    expect(playhead.timeS).toBeCloseTo(2.5, 9);
    playhead.setLoop({ mode: "repeat", start: 0, end: 1 });
    expect(playhead.timeS).toBeCloseTo(1, 9);
  });

  test("saved and restored, it goes on exactly where it was", () => {
    for (const loop of [
      { mode: "pingpong", start: 0.25, end: 2.75 },
      { mode: "repeat" },
      { mode: "once", start: 1 },
    ] as const) {
      const original = new Playhead(CAPTURE);
      original.setLoop(loop);
      original.advance(3.21);
      const state = new Float64Array(PLAYHEAD_STATE_FLOATS);
      original.save(state);
      const copy = new Playhead(CAPTURE);
      copy.restore(state);
      for (let step = 0; step < 50; step++) {
        original.advance(0.137);
        copy.advance(0.137);
        expect(copy.timeS).toBe(original.timeS);
      }
      expect(copy.loop).toEqual(loop);
    }
  });

  test("a clip of one moment stays there in every mode", () => {
    for (const mode of ["once", "repeat", "pingpong"] as const) {
      expect(positions({ startS: 2, endS: 2, wrapS: 0 }, { mode }, [1, -3, 0.1])).toEqual([
        2, 2, 2,
      ]);
    }
  });
});
