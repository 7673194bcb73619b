/**
 * Frames of the last moments, so that a display can show the pose of any time in between: steady motion on a screen whose
 * refresh is not the stream's rate, and through the jitter of a network, for a delay of about two frames.
 *
 * Time is mapped by the fastest recent transit from capture to arrival, so neither clock needs to be right.
 */
import type { Dtype, Order } from "../protocol/layouts.ts";
import { blendPoses } from "./affine-blend.ts";
import type { Frame, PoseArray } from "./frame.ts";

const KEPT_FRAMES = 32;
/** A transit time is believed for one to two of these; then a slower path may take its place. */
const TRANSIT_WINDOW_MS = 4_000;
const KEPT_PERIODS = 9;
/** Frames further apart than this many periods are not blended: the clip stood still between them. */
const BLEND_PERIODS = 4;

export interface PoseBufferOptions {
  readonly order: Order;
  /** How far behind the newest frame to show, milliseconds; two frame periods where absent. */
  readonly delayMs: number | undefined;
}

export class PoseBuffer<D extends Dtype> {
  readonly #options: PoseBufferOptions;
  readonly #frames: Frame<D>[] = [];
  readonly #periodsMs: number[] = [];
  #periodMs = 0;
  #transitMs = Number.POSITIVE_INFINITY;
  #nextTransitMs = Number.POSITIVE_INFINITY;
  #transitUntilMs = 0;
  #shownMs = Number.NEGATIVE_INFINITY;
  #blended: PoseArray<D> | undefined;

  constructor(options: PoseBufferOptions) {
    this.#options = options;
  }

  /** Adds the newest frame. */
  push(frame: Frame<D>): void {
    const last = this.#frames.at(-1);
    if (last && (frame.captureUs <= last.captureUs || frame.pose.length !== last.pose.length))
      this.clear();
    else if (last) this.#notePeriod(last, frame);
    this.#noteTransit(frame);
    this.#frames.push(frame);
    if (this.#frames.length > KEPT_FRAMES) this.#frames.shift();
  }

  clear(): void {
    this.#frames.length = 0;
    this.#transitMs = Number.POSITIVE_INFINITY;
    this.#nextTransitMs = Number.POSITIVE_INFINITY;
    this.#shownMs = Number.NEGATIVE_INFINITY;
  }

  /** Milliseconds behind the newest frame, as far as the network is steady. */
  get delayMs(): number {
    return this.#options.delayMs ?? 2 * this.#periodMs;
  }

  /**
   * The pose to show at `nowMs` (performance.now()); undefined before the first frame. The array belongs to the buffer and
   * is overwritten by the next call.
   */
  sample(nowMs: number): PoseArray<D> | undefined {
    const frames = this.#frames;
    // Never back in time when a faster transit is learnt.
    const targetMs = Math.max(nowMs - this.#transitMs - this.delayMs, this.#shownMs);
    this.#shownMs = targetMs;
    let at = frames.length - 1;
    while (at > 0 && captureMs(frames[at]) > targetMs) at--;
    const a = frames[at];
    const b = frames[at + 1];
    if (!a || !b || captureMs(a) >= targetMs || this.#isCut(at)) return a?.pose;
    const share = (targetMs - captureMs(a)) / (captureMs(b) - captureMs(a));
    const out = this.#scratch(a.pose);
    blendPoses(out, a.pose, b.pose, share, this.#options.order);
    return out;
  }

  #scratch(like: PoseArray<D>): PoseArray<D> {
    if (this.#blended?.length !== like.length) this.#blended = like.slice() as PoseArray<D>;
    return this.#blended;
  }

  /** Whether the motion breaks between this frame and the next: a seek, the seam of a loop, a turn, a long gap. */
  #isCut(at: number): boolean {
    const [before, a, b] = [this.#frames[at - 1], this.#frames[at], this.#frames[at + 1]];
    if (!a || !b) return true;
    if (b.discontinuity || b.epoch !== a.epoch) return true;
    if (captureMs(b) - captureMs(a) > BLEND_PERIODS * this.#periodMs) return true;
    if (!before || before.paused || a.paused) return false;
    // Clip seconds per wall second: at a seek or a seam they differ wildly from the frame before.
    const rate = (b.mediaTimeS - a.mediaTimeS) / (b.captureUs - a.captureUs);
    const rateBefore = (a.mediaTimeS - before.mediaTimeS) / (a.captureUs - before.captureUs);
    return rate * rateBefore < 0 || Math.abs(rate) > 3 * Math.abs(rateBefore);
  }

  #notePeriod(last: Frame<D>, frame: Frame<D>): void {
    const steps = Math.max(1, (frame.sequence - last.sequence) >>> 0);
    this.#periodsMs.push((frame.captureUs - last.captureUs) / 1000 / steps);
    if (this.#periodsMs.length > KEPT_PERIODS) this.#periodsMs.shift();
    // The median: one pause or one stall says nothing about the rate.
    const sorted = this.#periodsMs.toSorted((a, b) => a - b);
    this.#periodMs = sorted[sorted.length >> 1] ?? 0;
  }

  /** The minimum over a sliding window, kept as the minima of the running and the last window. */
  #noteTransit(frame: Frame<D>): void {
    const transitMs = frame.receivedMs - frame.captureUs / 1000;
    if (frame.receivedMs > this.#transitUntilMs) {
      this.#transitMs = this.#nextTransitMs;
      this.#nextTransitMs = Number.POSITIVE_INFINITY;
      this.#transitUntilMs = frame.receivedMs + TRANSIT_WINDOW_MS;
    }
    this.#nextTransitMs = Math.min(this.#nextTransitMs, transitMs);
    this.#transitMs = Math.min(this.#transitMs, this.#nextTransitMs);
  }
}

function captureMs(frame: Frame | undefined): number {
  return (frame?.captureUs ?? 0) / 1000;
}
