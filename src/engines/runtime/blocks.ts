/**
 * Memory that main and a worker share besides frames: one block per worker (bell, watchdog words, tick statistics) and one
 * per session (clock position, applied commands, saved state). The worker writes, main reads; `WorkerBlock.ring` is the bell.
 */
import { LIMITS } from "../../protocol/limits.ts";

/** Upper bounds of the tick-lateness histogram, milliseconds; one more bucket holds what is above. */
export const LATENESS_BUCKETS_MS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 50, 100] as const;

/** What a worker is busy with; main's watchdog allows each its own time. */
export const PHASE = { idle: 0, tick: 1, command: 2, open: 3, close: 4 } as const;
export type Phase = (typeof PHASE)[keyof typeof PHASE];

const WORKER = { bell: 0, alarm: 1, work: 2, progress: 3, ticks: 4, late: 5, buckets: 6 } as const;
/** The phase takes the low bits of the work word, the session's number the rest. */
const PHASE_BITS = 3;
const BUCKET_COUNT = LATENESS_BUCKETS_MS.length + 1;
const WORKER_FLOATS_OFFSET = Math.ceil((WORKER.buckets + BUCKET_COUNT) / 2) * 8;

export interface TickStatistics {
  /** Beats: points in time at which a group of sessions was ticked together. */
  readonly ticks: number;
  /** Beats that came a whole period or more after their deadline. */
  readonly late: number;
  readonly buckets: readonly number[];
  readonly latenessSumMs: number;
  readonly latenessMaxMs: number;
}

export class WorkerBlock {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  /** Sum and maximum of lateness, milliseconds. */
  readonly #floats: Float64Array;

  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(WORKER_FLOATS_OFFSET + 2 * 8);
    this.#words = new Int32Array(this.buffer);
    this.#floats = new Float64Array(this.buffer, WORKER_FLOATS_OFFSET, 2);
  }

  // ---- the bell: the worker rings it once per tick, main waits on it

  ring(): void {
    Atomics.add(this.#words, WORKER.bell, 1);
    Atomics.notify(this.#words, WORKER.bell);
  }

  get rings(): number {
    return Atomics.load(this.#words, WORKER.bell);
  }

  /** Resolves when the bell has been rung since it read `rings`. */
  async heard(rings: number): Promise<void> {
    const wait = Atomics.waitAsync(this.#words, WORKER.bell, rings);
    if (wait.async) await wait.value;
  }

  // ---- the worker's own alarm: a sleep that a message can end early

  async sleep(ms: number): Promise<void> {
    const wait = Atomics.waitAsync(this.#words, WORKER.alarm, 0, ms);
    if (wait.async) await wait.value;
  }

  wake(): void {
    Atomics.notify(this.#words, WORKER.alarm);
  }

  // ---- the watchdog's view

  /** Says what begins. What was before has ended: there is no need to `leave` in between. */
  enter(session: number, phase: Phase): void {
    Atomics.store(this.#words, WORKER.work, (session << PHASE_BITS) | phase);
    Atomics.add(this.#words, WORKER.progress, 1);
  }

  leave(): void {
    Atomics.store(this.#words, WORKER.work, PHASE.idle);
  }

  get activity(): { readonly session: number; readonly phase: number; readonly progress: number } {
    const work = Atomics.load(this.#words, WORKER.work);
    return {
      session: work >>> PHASE_BITS,
      phase: work & ((1 << PHASE_BITS) - 1),
      progress: Atomics.load(this.#words, WORKER.progress),
    };
  }

  // ---- statistics

  countTick(latenessMs: number, periodMs: number): void {
    const words = this.#words;
    const floats = this.#floats;
    let bucket = LATENESS_BUCKETS_MS.findIndex((bound) => latenessMs <= bound);
    if (bucket < 0) bucket = BUCKET_COUNT - 1;
    words[WORKER.ticks] = (words[WORKER.ticks] ?? 0) + 1;
    words[WORKER.buckets + bucket] = (words[WORKER.buckets + bucket] ?? 0) + 1;
    if (latenessMs >= periodMs) words[WORKER.late] = (words[WORKER.late] ?? 0) + 1;
    floats[0] = (floats[0] ?? 0) + latenessMs;
    if (latenessMs > (floats[1] ?? 0)) floats[1] = latenessMs;
  }

  get statistics(): TickStatistics {
    const words = this.#words;
    return {
      ticks: (words[WORKER.ticks] ?? 0) >>> 0,
      late: (words[WORKER.late] ?? 0) >>> 0,
      buckets: Array.from(
        words.subarray(WORKER.buckets, WORKER.buckets + BUCKET_COUNT),
        (n) => n >>> 0,
      ),
      latenessSumMs: this.#floats[0] ?? 0,
      latenessMaxMs: this.#floats[1] ?? 0,
    };
  }
}

const SESSION = { sequence: 0, applied: 1, savedSlot: 2, savedBytes: 3 } as const;
const SESSION_FLOATS_OFFSET = 32;
const SESSION_SAVE_OFFSET = 64;

export interface SavedState {
  readonly state: Uint8Array;
  /** Monotonic time that the state belongs to. */
  readonly savedAtMs: number;
}

/** The shared block of one session. */
export class SessionBlock {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  /** Saved-at time of each save slot, the time of the last tick (monotonic milliseconds), then the period (µs). */
  readonly #times: Float64Array;

  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(SESSION_SAVE_OFFSET + 2 * LIMITS.saveBytes);
    this.#words = new Int32Array(this.buffer);
    this.#times = new Float64Array(this.buffer, SESSION_FLOATS_OFFSET, 4);
    if (!buffer) this.#words[SESSION.savedSlot] = -1;
  }

  get sequence(): number {
    return Atomics.load(this.#words, SESSION.sequence) >>> 0;
  }

  get periodUs(): number {
    return this.#times[3] ?? 0;
  }

  set periodUs(value: number) {
    this.#times[3] = value;
  }

  /** Commands applied so far, of those that main sent. */
  get applied(): number {
    return Atomics.load(this.#words, SESSION.applied) >>> 0;
  }

  set applied(value: number) {
    Atomics.store(this.#words, SESSION.applied, value | 0);
  }

  get lastTickMs(): number {
    return this.#times[2] ?? 0;
  }

  ticked(sequence: number, nowMs: number): void {
    Atomics.store(this.#words, SESSION.sequence, sequence | 0);
    this.#times[2] = nowMs;
  }

  /** Keeps a copy of `state` (at most LIMITS.saveBytes), leaving the former one valid until the new one is whole. */
  save(state: Uint8Array, nowMs: number): void {
    const slot = Atomics.load(this.#words, SESSION.savedSlot) === 0 ? 1 : 0;
    const bytes = Math.min(state.byteLength, LIMITS.saveBytes);
    new Uint8Array(this.buffer, SESSION_SAVE_OFFSET + slot * LIMITS.saveBytes, bytes).set(
      state.subarray(0, bytes),
    );
    this.#times[slot] = nowMs;
    this.#words[SESSION.savedBytes + slot] = bytes;
    Atomics.store(this.#words, SESSION.savedSlot, slot);
  }

  /** Takes over where another block's session was; used when its worker may still write to that block. */
  adopt(other: SessionBlock): void {
    new Uint8Array(this.buffer).set(new Uint8Array(other.buffer));
  }

  get saved(): SavedState | undefined {
    const slot = Atomics.load(this.#words, SESSION.savedSlot);
    if (slot < 0) return undefined;
    const bytes = this.#words[SESSION.savedBytes + slot] ?? 0;
    const at = SESSION_SAVE_OFFSET + slot * LIMITS.saveBytes;
    return {
      state: new Uint8Array(this.buffer, at, bytes).slice(),
      savedAtMs: this.#times[slot] ?? 0,
    };
  }
}
