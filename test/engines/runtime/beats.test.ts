/** The schedule of a worker, on a clock the test moves by hand. */
import { describe, expect, test } from "bun:test";
import { type BeatMember, Beats } from "../../../src/engines/runtime/beats.ts";

class Counter implements BeatMember {
  readonly calls: { periods: number; nowMs: number }[] = [];

  beat(periods: number, _periodMs: number, nowMs: number): void {
    this.calls.push({ periods, nowMs });
  }

  get periods(): number {
    return this.calls.reduce((sum, call) => sum + call.periods, 0);
  }
}

/** Runs until `endMs`, waking `latenessMs` after each deadline. */
function run(beats: Beats, endMs: number, latenessMs = 0): { lateMs: number[] } {
  const lateMs: number[] = [];
  for (;;) {
    const next = beats.nextMs();
    if (next === undefined || next > endMs) return { lateMs };
    beats.run(next + latenessMs, (late) => lateMs.push(late));
  }
}

describe("beats", () => {
  test("one hour at 60 Hz is 216,000 beats: deadlines are absolute, rounding does not add up", () => {
    const beats = new Beats();
    const member = new Counter();
    beats.set(member, 1_000_000 / 60, 0);
    run(beats, 3_600_000.001);
    expect(member.calls.length).toBe(216_000);
    expect(member.calls.at(-1)?.nowMs).toBeCloseTo(3_600_000, 3);
  });

  test("always late by a millisecond: still no drift, and the lateness is reported", () => {
    const beats = new Beats();
    const member = new Counter();
    beats.set(member, 10_000, 0);
    const { lateMs } = run(beats, 60_000.5, 1);
    expect(member.calls.length).toBe(6_000);
    expect(Math.max(...lateMs)).toBeCloseTo(1, 6);
  });

  test("members of one period are run together, in one wake-up", () => {
    const beats = new Beats();
    const members = Array.from({ length: 50 }, () => new Counter());
    members.forEach((member, at) => beats.set(member, 20_000, at * 0.1));
    let wakes = 0;
    for (let next = beats.nextMs(); next !== undefined && next <= 1_000; next = beats.nextMs()) {
      beats.run(next, () => undefined);
      wakes++;
    }
    expect(wakes).toBe(50);
    for (const member of members) expect(member.calls.length).toBe(50);
  });

  test("a stall is made up by one longer step, not by a burst", () => {
    const beats = new Beats();
    const member = new Counter();
    beats.set(member, 10_000, 0);
    beats.run(10, () => undefined);
    beats.run(57, () => undefined);
    expect(member.calls).toEqual([
      { periods: 1, nowMs: 10 },
      { periods: 4, nowMs: 57 },
    ]);
    expect(beats.nextMs()).toBe(60);
  });

  test("another period takes effect at its first deadline; the old beat is gone", () => {
    const beats = new Beats();
    const member = new Counter();
    beats.set(member, 1_000_000, 0);
    beats.set(member, 1_000, 500);
    expect(beats.nextMs()).toBe(501);
    run(beats, 510);
    expect(member.calls.length).toBe(10);
    beats.delete(member);
    expect(beats.nextMs()).toBeUndefined();
    expect(beats.size).toBe(0);
  });

  test("a member that leaves during a beat is not run again", () => {
    const beats = new Beats();
    const last = new Counter();
    beats.set({ beat: () => beats.delete(last) }, 10_000, 0);
    beats.set(last, 10_000, 0);
    beats.run(10, () => undefined);
    expect(last.calls.length).toBe(0);
  });
});
