/**
 * Where playback is in a clip: position, loop mode and range. Pure arithmetic; time comes in as steps, so the same steps give the
 * same positions.
 */
import { LOOP_MODES, type Loop } from "./animator.ts";

export interface Extent {
  readonly startS: number;
  readonly endS: number;
  /** Period of the whole clip when its last frame blends into the first; 0 when it does not. */
  readonly wrapS: number;
}

const STATE_FLOATS = 4;

export class Playhead {
  readonly #extent: Extent;
  #loop: Loop = { mode: "repeat" };
  #fromS: number;
  /** Length of one pass: the range, or the wrap period of an unlimited repeat. */
  #passS: number;
  /** Distance from the start of the range, in [0, pass] or, for ping-pong, [0, 2·pass). */
  #phaseS = 0;

  constructor(extent: Extent) {
    this.#extent = extent;
    this.#fromS = extent.startS;
    this.#passS = passOf(extent, this.#loop);
  }

  get loop(): Loop {
    return this.#loop;
  }

  get timeS(): number {
    const phaseS = this.#phaseS > this.#passS ? 2 * this.#passS - this.#phaseS : this.#phaseS;
    return this.#fromS + phaseS;
  }

  advance(byS: number): void {
    this.#phaseS = this.#wrap(this.#phaseS + byS);
  }

  /** Goes to `timeS`, held inside the range. */
  seek(timeS: number): void {
    this.#phaseS = this.#wrap(Math.min(Math.max(timeS - this.#fromS, 0), this.#passS), true);
  }

  /** Changes mode and range; the position is kept where the new range allows. */
  setLoop(loop: Loop): void {
    const timeS = this.timeS;
    this.#loop = loop;
    this.#fromS = loop.start ?? this.#extent.startS;
    this.#passS = passOf(this.#extent, loop);
    this.seek(timeS);
  }

  #wrap(phaseS: number, exact = false): number {
    const passS = this.#passS;
    if (passS <= 0) return 0;
    switch (this.#loop.mode) {
      case "once":
        return Math.min(Math.max(phaseS, 0), passS);
      case "repeat":
        // A seek to the very end shows the end; playing on from there wraps.
        return exact && phaseS === passS ? phaseS : floorMod(phaseS, passS);
      case "pingpong":
        return floorMod(phaseS, 2 * passS);
    }
  }

  /** Four float64: mode, range start, range end (NaN where open), phase. */
  save(into: Float64Array): void {
    into[0] = LOOP_MODES.indexOf(this.#loop.mode);
    into[1] = this.#loop.start ?? Number.NaN;
    into[2] = this.#loop.end ?? Number.NaN;
    into[3] = this.#phaseS;
  }

  restore(from: Float64Array): void {
    const [mode = 1, start = Number.NaN, end = Number.NaN, phaseS = 0] = from;
    this.setLoop({
      mode: LOOP_MODES[mode] ?? "repeat",
      ...(Number.isNaN(start) ? {} : { start }),
      ...(Number.isNaN(end) ? {} : { end }),
    });
    this.#phaseS = phaseS;
  }
}

export const PLAYHEAD_STATE_FLOATS = STATE_FLOATS;

function passOf(extent: Extent, loop: Loop): number {
  const whole = loop.start === undefined && loop.end === undefined;
  if (whole && loop.mode === "repeat" && extent.wrapS > 0) return extent.wrapS;
  return (loop.end ?? extent.endS) - (loop.start ?? extent.startS);
}

function floorMod(value: number, by: number): number {
  const rest = value % by;
  return rest < 0 ? rest + by : rest;
}
