/**
 * The controls at the bottom: they send commands through the SDK and show what the session does, whoever told it to. What a
 * session does is in its frames (position, paused) and, for the rest, in what it says of itself.
 */
import type { Stream } from "../../client/stream.ts";
import type { LoopMode, SessionDetail, SkeletonSource } from "../../client/wire.ts";
import { byId, element, setText } from "../shared/dom.ts";
import { position } from "../shared/format.ts";
import { LatestOnly } from "./latest-only.ts";

const SPEEDS = [-1, 0.1, 0.25, 0.5, 1, 1.5, 2, 4];
const RATES = [10, 24, 30, 60, 90, 120, 240];
const LOOPS: readonly LoopMode[] = ["repeat", "once", "pingpong"];
const PLAY_SHAPE =
  "M8 5.2v13.6a.8.8 0 0 0 1.2.7l10.6-6.8a.8.8 0 0 0 0-1.4L9.2 4.5a.8.8 0 0 0-1.2.7z";
const PAUSE_SHAPE = "M7 5h3.4v14H7zM13.6 5H17v14h-3.4z";
/** What the session says is not taken over for so long after something was changed here. */
const HOLD_MS = 1_500;

export interface PlaybackOptions {
  readonly onFailure: (error: unknown) => void;
}

export class Playback {
  readonly #options: PlaybackOptions;
  readonly #play = byId("play", HTMLButtonElement);
  readonly #shape = byId("play-shape", SVGPathElement);
  readonly #seek = byId("seek", HTMLInputElement);
  readonly #time = byId("time", HTMLElement);
  readonly #speed = byId("speed", HTMLSelectElement);
  readonly #loop = byId("loop", HTMLSelectElement);
  readonly #fps = byId("fps", HTMLSelectElement);
  readonly #seeks = new LatestOnly<number>((timeS) =>
    this.#send((stream) => stream.seek({ time: timeS })),
  );
  #stream: Stream | undefined;
  #source: SkeletonSource | undefined;
  #isPaused = false;
  #isScrubbing = false;
  #heldUntilMs = 0;

  constructor(options: PlaybackOptions) {
    this.#options = options;
    fill(this.#speed, SPEEDS, speedText);
    fill(this.#fps, RATES, rateText);
    this.#speed.value = "1";
    this.#fps.value = "60";
    this.#showPaused(false);
    this.#play.addEventListener("click", () => this.toggle());
    this.#speed.addEventListener("change", () => this.#setSpeed(Number(this.#speed.value)));
    this.#fps.addEventListener("change", () =>
      this.#change((stream) => stream.fps(Number(this.#fps.value))),
    );
    this.#loop.addEventListener("change", () => this.#sendLoop());
    this.#seek.addEventListener("input", () => {
      this.#isScrubbing = true;
      this.#showTime(this.#seek.valueAsNumber);
      this.#seeks.push(this.#seek.valueAsNumber);
    });
    this.#seek.addEventListener("change", () => {
      this.#isScrubbing = false;
    });
  }

  /** Takes the controls to a stream. */
  attach(stream: Stream): void {
    this.#stream = stream;
    const source = stream.skeleton.source;
    this.#source = source;
    byId("controls", HTMLElement).hidden = false;
    this.#seek.disabled = source === undefined;
    if (!source) return;
    const endS = source.start_s + source.duration_s;
    this.#seek.min = String(source.start_s);
    this.#seek.max = String(endS);
    setText(byId("length", HTMLElement), position(endS));
  }

  // ---- what the keyboard does too

  toggle(): void {
    const wanted = !this.#isPaused;
    this.#showPaused(wanted);
    this.#change((stream) => (wanted ? stream.pause() : stream.play()));
  }

  /** By frames of the clip; pauses, since a step is lost in motion. */
  step(frames: number): void {
    if (!this.#isPaused) this.toggle();
    this.jump(frames / (this.#source?.frame_rate_hz ?? 30));
  }

  /** By seconds, from where the clip is now. */
  jump(seconds: number): void {
    this.seekTo((this.#stream?.frame?.mediaTimeS ?? 0) + seconds);
  }

  /** To a time of the clip; before its start means its start, after its end its end. */
  seekTo(timeS: number): void {
    if (!this.#source) return;
    const { start_s: startS, duration_s: durationS } = this.#source;
    this.#seeks.push(Math.min(Math.max(timeS, startS), startS + durationS));
  }

  seekToEnd(): void {
    this.seekTo(Number.POSITIVE_INFINITY);
  }

  /** To the next speed of the list. */
  shiftSpeed(by: 1 | -1): void {
    const now = Number(this.#speed.value);
    const next =
      by > 0 ? SPEEDS.find((speed) => speed > now) : SPEEDS.findLast((speed) => speed < now);
    if (next !== undefined) this.#setSpeed(next);
  }

  nextLoop(): void {
    const at = LOOPS.findIndex((mode) => mode === this.#loop.value);
    this.#loop.value = LOOPS[(at + 1) % LOOPS.length] ?? "repeat";
    this.#sendLoop();
  }

  // ---- what the session does

  /** Called once per drawn picture. */
  showFrame(): void {
    const frame = this.#stream?.frame;
    if (!frame) return;
    if (!this.#isHeld) this.#showPaused(frame.paused);
    if (this.#isScrubbing || document.hidden) return;
    this.#showTime(frame.mediaTimeS);
    this.#seek.value = String(frame.mediaTimeS);
  }

  showDetails({ details }: SessionDetail): void {
    if (this.#isHeld) return;
    const { speed, fps, loop } = details as {
      speed?: unknown;
      fps?: unknown;
      loop?: { mode?: unknown };
    };
    if (typeof speed === "number") choose(this.#speed, speed, speedText);
    if (typeof fps === "number") choose(this.#fps, fps, rateText);
    const mode = LOOPS.find((name) => name === loop?.mode);
    if (mode && document.activeElement !== this.#loop) this.#loop.value = mode;
  }

  get #isHeld(): boolean {
    return performance.now() < this.#heldUntilMs;
  }

  #setSpeed(speed: number): void {
    choose(this.#speed, speed, speedText);
    this.#change((stream) => stream.speed(speed));
  }

  #sendLoop(): void {
    const mode = LOOPS.find((name) => name === this.#loop.value) ?? "repeat";
    this.#change((stream) => stream.loop({ mode }));
  }

  #change(send: (stream: Stream) => Promise<unknown>): void {
    this.#heldUntilMs = performance.now() + HOLD_MS;
    void this.#send(send);
  }

  async #send(send: (stream: Stream) => Promise<unknown>): Promise<void> {
    if (!this.#stream) return;
    try {
      await send(this.#stream);
    } catch (error) {
      this.#heldUntilMs = 0;
      this.#options.onFailure(error);
    }
  }

  #showPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    const shape = isPaused ? PLAY_SHAPE : PAUSE_SHAPE;
    if (this.#shape.getAttribute("d") === shape) return;
    this.#shape.setAttribute("d", shape);
    this.#play.setAttribute("aria-label", isPaused ? "Play" : "Pause");
    this.#play.title = `${isPaused ? "Play" : "Pause"} (Space)`;
  }

  #showTime(timeS: number): void {
    const text = position(timeS);
    setText(this.#time, text);
    this.#seek.setAttribute("aria-valuetext", text);
  }
}

function fill(
  select: HTMLSelectElement,
  values: readonly number[],
  text: (value: number) => string,
): void {
  select.replaceChildren(
    ...values.map((value) => element("option", { value: String(value) }, text(value))),
  );
}

/** Selects `value`, which another client may have set to one that is not in the list. */
function choose(select: HTMLSelectElement, value: number, text: (value: number) => string): void {
  if (document.activeElement === select && select.matches(":open")) return;
  const rounded = Math.round(value * 1000) / 1000;
  const known = Array.from(select.options, (option) => Number(option.value));
  if (!known.includes(rounded)) {
    const after = [...select.options].find((option) => Number(option.value) > rounded) ?? null;
    select.add(element("option", { value: String(rounded) }, text(rounded)), after);
  }
  select.value = String(rounded);
}

function speedText(speed: number): string {
  return `${String(speed).replace("-", "−")} ×`;
}

function rateText(fps: number): string {
  return `${fps} fps`;
}
