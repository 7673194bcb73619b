/**
 * The schedule of a pool worker: sessions of one period form a beat and are ticked together on absolute deadlines, so that
 * a worker wakes once per beat whatever the number of sessions, and never drifts. Knows nothing of what a member does.
 */

export interface BeatMember {
  /** Called once per beat; `periods` is 1, or more when the beat came late. */
  beat(periods: number, periodMs: number, nowMs: number): void;
}

interface Beat {
  readonly periodUs: number;
  readonly startMs: number;
  /** Deadlines passed so far: the next one is startMs + (count + 1) · period. */
  count: number;
  readonly members: Set<BeatMember>;
}

export class Beats {
  readonly #beats = new Map<number, Beat>();
  readonly #periodOf = new Map<BeatMember, number>();

  get size(): number {
    return this.#periodOf.size;
  }

  /** Adds a member or moves it to another period. Its first beat comes at the next deadline of that period. */
  set(member: BeatMember, periodUs: number, nowMs: number): void {
    if (this.#periodOf.get(member) === periodUs) return;
    this.delete(member);
    let beat = this.#beats.get(periodUs);
    if (!beat) {
      beat = { periodUs, startMs: nowMs, count: 0, members: new Set() };
      this.#beats.set(periodUs, beat);
    }
    beat.members.add(member);
    this.#periodOf.set(member, periodUs);
  }

  delete(member: BeatMember): void {
    const periodUs = this.#periodOf.get(member);
    if (periodUs === undefined) return;
    this.#periodOf.delete(member);
    const beat = this.#beats.get(periodUs);
    beat?.members.delete(member);
    if (beat?.members.size === 0) this.#beats.delete(periodUs);
  }

  /** The earliest deadline, or undefined when there is nothing to do. */
  nextMs(): number | undefined {
    let next: number | undefined;
    for (const beat of this.#beats.values()) {
      const deadline = deadlineMs(beat);
      if (next === undefined || deadline < next) next = deadline;
    }
    return next;
  }

  /**
   * Runs every beat whose deadline has passed. Deadlines missed altogether are made up by one longer step, not by a
   * burst of frames nobody could show. `onBeat` hears how late each beat was.
   */
  run(nowMs: number, onBeat: (latenessMs: number, periodMs: number) => void): boolean {
    let ran = false;
    for (const beat of this.#beats.values()) {
      const deadline = deadlineMs(beat);
      if (deadline > nowMs) continue;
      const periodMs = beat.periodUs / 1000;
      const count = Math.max(beat.count + 1, Math.floor((nowMs - beat.startMs) / periodMs));
      const periods = count - beat.count;
      beat.count = count;
      onBeat(nowMs - deadline, periodMs);
      for (const member of beat.members) member.beat(periods, periodMs, nowMs);
      ran = true;
    }
    return ran;
  }
}

function deadlineMs(beat: Beat): number {
  return beat.startMs + ((beat.count + 1) * beat.periodUs) / 1000;
}
