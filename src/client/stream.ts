/** A session's live pose stream: the newest frame, figures about the connection, and commands to the session. */
import { type Dtype, type PoseForm, readFrameHeader } from "../protocol/layouts.ts";
import { type ServerAddress, streamUrl } from "./addresses.ts";
import { type Frame, type PoseArray, readFrame } from "./frame.ts";
import { LossCounter } from "./loss-counter.ts";
import { PoseBuffer } from "./pose-buffer.ts";
import { RateMeter } from "./rate-meter.ts";
import { Requests } from "./requests.ts";
import { ServerClock } from "./server-clock.ts";
import { SocketLink, type StreamStatus } from "./socket-link.ts";
import { SomaError } from "./soma-error.ts";
import type { CommandAnswer, LoopMode, Skeleton } from "./wire.ts";

export interface StreamStats {
  readonly framesReceived: number;
  /** Frames made while connected that did not arrive, by gaps in their numbers. */
  readonly framesLost: number;
  readonly bytesReceived: number;
  /** Frames that arrived in the last second. */
  readonly rateHz: number;
  /** Time from the newest frame's capture to its arrival, on the server's clock; undefined until that is known. */
  readonly ageMs: number | undefined;
  /** Shortest recent round trip; half of it bounds the error of `ageMs`. */
  readonly rttMs: number | undefined;
  readonly reconnects: number;
}

export interface StreamOptions<D extends Dtype> {
  readonly server: ServerAddress;
  readonly session: string;
  readonly form: PoseForm & { readonly dtype: D };
  /** Come back after a loss; true where absent. */
  readonly reconnect?: boolean | undefined;
  /** Also wait for a session that does not exist, or no longer. */
  readonly waitForSession?: boolean | undefined;
  /** Delay of `sample()` behind the newest frame, milliseconds; two frame periods where absent. */
  readonly delayMs?: number | undefined;
  readonly onStatus?: ((status: StreamStatus) => void) | undefined;
}

/** Longer than the server's own bound on a command. */
const ANSWER_TIMEOUT_MS = 5_000;
const PING_EVERY_MS = 5_000;
/** The first pings follow quickly, so that the clock is known within a second. */
const FIRST_PINGS_MS = [0, 150, 400, 1_000];
/** Nothing heard for so long, pings included: the connection is dead though nobody said so. */
const SILENCE_MS = 12_000;

export class Stream<D extends Dtype = "f32"> implements AsyncIterable<Frame<D>> {
  readonly session: string;
  readonly form: PoseForm & { readonly dtype: D };
  readonly #options: StreamOptions<D>;
  readonly #link: SocketLink;
  readonly #requests = new Requests(ANSWER_TIMEOUT_MS);
  readonly #clock = new ServerClock();
  readonly #losses = new LossCounter();
  readonly #rate = new RateMeter();
  readonly #buffer: PoseBuffer<D>;
  readonly #frameListeners = new Set<(frame: Frame<D>) => void>();
  readonly #statusListeners = new Set<(status: StreamStatus) => void>();
  readonly #skeletonListeners = new Set<(skeleton: Skeleton) => void>();
  #skeleton: Skeleton | undefined;
  #frame: Frame<D> | undefined;
  /** The newest frame that came before its skeleton was known. */
  #early: ArrayBuffer | undefined;
  #skeletonCurrent = false;
  #epoch: number | undefined;
  #pingTimers: ReturnType<typeof setTimeout>[] = [];
  #heardMs = 0;
  #bytes = 0;
  #opens = 0;

  /** Dials at once; use `connect()`, which waits for the session's answer. */
  constructor(options: StreamOptions<D>) {
    this.#options = options;
    this.session = options.session;
    this.form = options.form;
    this.#buffer = new PoseBuffer({ order: options.form.order, delayMs: options.delayMs });
    if (options.onStatus) this.#statusListeners.add(options.onStatus);
    this.#link = new SocketLink({
      url: streamUrl(options.server, options.session, options.form),
      server: options.server,
      retries: (error) => this.#retries(error),
      onOpen: () => this.#greet(),
      onText: (message) => this.#text(message),
      onBinary: (bytes) => this.#binary(bytes),
      onStatus: (status) => this.#statusChanged(status),
    });
    this.#link.dial();
  }

  // ---- the pose

  /** The skeleton behind the matrices. Throws before the session has answered, which `connect()` waits for. */
  get skeleton(): Skeleton {
    if (!this.#skeleton)
      throw new SomaError("FRAME_UNAVAILABLE", "the session has not answered yet");
    return this.#skeleton;
  }

  /** The newest frame with its number, times and flags; undefined before the first. */
  get frame(): Frame<D> | undefined {
    return this.#frame;
  }

  /** The newest pose: 16 numbers per bone. The same array until a newer frame arrives; nothing is allocated. */
  latest(): PoseArray<D> | undefined {
    return this.#frame?.pose;
  }

  /**
   * The pose at `nowMs` less a delay of about two frames, blended between the frames around that moment: smooth on any
   * display. The array is overwritten by the next call.
   */
  sample(nowMs: number = performance.now()): PoseArray<D> | undefined {
    return this.#buffer.sample(nowMs);
  }

  // ---- listening

  /** Calls `listener` with every frame as it arrives. Answers how to stop that. */
  onFrame(listener: (frame: Frame<D>) => void): () => void {
    return subscribe(this.#frameListeners, listener);
  }

  onStatus(listener: (status: StreamStatus) => void): () => void {
    return subscribe(this.#statusListeners, listener);
  }

  /** Calls `listener` when the session came back with another skeleton: rebuild what was made from the old one. */
  onSkeleton(listener: (skeleton: Skeleton) => void): () => void {
    return subscribe(this.#skeletonListeners, listener);
  }

  /**
   * `for await (const frame of stream)`: the newest frame each time; those that arrive while the loop is busy are skipped.
   * Ends with close(), throws when the stream is given up.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Frame<D>, void, void> {
    let seen: Frame<D> | undefined;
    while (true) {
      const { state, reason } = this.status;
      if (state === "closed") {
        if (reason && reason.code !== "STREAM_CLOSED") throw reason;
        return;
      }
      const frame = this.#frame;
      if (frame && frame !== seen) {
        seen = frame;
        yield frame;
      } else {
        await this.#change();
      }
    }
  }

  /** Resolves at the next frame or change of status. */
  #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stops = [this.onFrame(() => resolve()), this.onStatus(() => resolve())];
    return promise.finally(() => {
      for (const stop of stops) stop();
    });
  }

  // ---- figures

  get status(): StreamStatus {
    return this.#link.status;
  }

  get stats(): StreamStats {
    return {
      framesReceived: this.#losses.received,
      framesLost: this.#losses.lost,
      bytesReceived: this.#bytes,
      rateHz: this.#rate.perSecond(performance.now()),
      ageMs: this.#ageMs(),
      rttMs: this.#clock.rttMs,
      reconnects: Math.max(0, this.#opens - 1),
    };
  }

  /** The server's Unix time in microseconds, by this stream's pings; undefined before the first answer. */
  serverTimeUs(nowMs: number = performance.now()): number | undefined {
    return this.#clock.unixUs(nowMs);
  }

  #ageMs(): number | undefined {
    const frame = this.#frame;
    if (!frame) return undefined;
    const arrivedUs = this.#clock.unixUs(frame.receivedMs);
    return arrivedUs === undefined ? undefined : (arrivedUs - frame.captureUs) / 1000;
  }

  // ---- commands: resolve with the server's answer, reject with a SomaError

  play(): Promise<CommandAnswer> {
    return this.command("play");
  }

  pause(): Promise<CommandAnswer> {
    return this.command("pause");
  }

  /** 1 is real time, negative plays backwards; ±16. */
  speed(speed: number): Promise<CommandAnswer> {
    return this.command("speed", { speed });
  }

  /** To a time in seconds as the clip counts them, a frame from its first, or a fraction of its length. */
  seek(to: { time: number } | { frame: number } | { fraction: number }): Promise<CommandAnswer> {
    return this.command("seek", to);
  }

  /** How playback ends, and the part of the clip it keeps to, in seconds. */
  loop(loop: { mode: LoopMode; start?: number; end?: number }): Promise<CommandAnswer> {
    return this.command("loop", loop);
  }

  /** Frames per second of the stream, 1 to 2000. */
  fps(fps: number): Promise<CommandAnswer> {
    return this.command("fps", { fps });
  }

  /** Any command of the session's engine, also one that only its plug-in knows. */
  async command(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<CommandAnswer> {
    return (await this.#ask(name, args)) as CommandAnswer;
  }

  async #ask(type: string, fields: object = {}): Promise<unknown> {
    const { state, reason } = this.status;
    if (state === "closed" && reason) throw reason;
    return await this.#requests.ask(type, fields, (text) => this.#link.send(text));
  }

  /** Ends the stream; the session goes on. */
  close(): void {
    this.#link.close(new SomaError("STREAM_CLOSED", "the stream was closed by this client"));
  }

  // ---- the connection

  #retries(error: SomaError): boolean {
    if (this.#options.reconnect === false) return false;
    // A deleted session and a stopping server close alike; the next try tells which it was.
    if (error.code === "SESSION_ENDED") return true;
    if (error.code === "SESSION_NOT_FOUND") return this.#options.waitForSession ?? false;
    return error.retry;
  }

  #greet(): void {
    this.#heardMs = performance.now();
    this.#losses.rejoin();
    this.#clock.reset();
    this.#buffer.clear();
    this.#fetchSkeleton();
    const pings = FIRST_PINGS_MS.map((delayMs) => setTimeout(() => this.#ping(), delayMs));
    this.#pingTimers = [...pings, setInterval(() => this.#ping(), PING_EVERY_MS)];
  }

  #fetchSkeleton(): void {
    this.#skeletonCurrent = false;
    this.#ask("skeleton").then(
      (skeleton) => this.#skeletonArrived(skeleton as Skeleton),
      (error: SomaError) => this.#link.abandon(error),
    );
  }

  #skeletonArrived(skeleton: Skeleton): void {
    const known = this.#skeleton;
    const changed =
      known !== undefined && known.bone_names.join("\n") !== skeleton.bone_names.join("\n");
    this.#skeleton = skeleton;
    this.#skeletonCurrent = true;
    if (this.status.state !== "open") {
      this.#opens++;
      this.#link.opened();
    }
    if (changed) for (const listener of [...this.#skeletonListeners]) listener(skeleton);
    const early = this.#early;
    this.#early = undefined;
    if (early) this.#binary(early);
  }

  #ping(): void {
    const sentMs = performance.now();
    if (sentMs - this.#heardMs > SILENCE_MS) {
      const seconds = Math.round((sentMs - this.#heardMs) / 1000);
      this.#link.abandon(new SomaError("CONNECTION_LOST", `nothing was heard for ${seconds} s`));
      return;
    }
    this.#ask("ping").then(
      (pong) => {
        const serverUs = (pong as { server_time_us?: unknown }).server_time_us;
        if (typeof serverUs === "number") this.#clock.add(sentMs, performance.now(), serverUs);
      },
      // A lost ping is what the silence bound is for.
      () => undefined,
    );
  }

  #text(message: unknown): void {
    this.#heardMs = performance.now();
    this.#requests.settle(message);
  }

  #binary(bytes: ArrayBuffer): void {
    const receivedMs = performance.now();
    this.#heardMs = receivedMs;
    const epoch = readFrameHeader(new DataView(bytes))?.epoch;
    if (this.#skeletonCurrent && epoch !== this.#epoch && this.#epoch !== undefined)
      this.#fetchSkeleton();
    this.#epoch = epoch;
    if (!this.#skeletonCurrent) {
      this.#early = bytes;
      return;
    }
    const boneCount = this.skeleton.bone_names.length;
    const frame = readFrame(bytes, { dtype: this.form.dtype, boneCount, receivedMs });
    if (!frame || !this.#losses.accept(frame.sequence)) return;
    this.#bytes += bytes.byteLength;
    this.#rate.add(receivedMs);
    this.#frame = frame;
    this.#buffer.push(frame);
    for (const listener of [...this.#frameListeners]) listener(frame);
  }

  #statusChanged(status: StreamStatus): void {
    if (status.state === "waiting" || status.state === "closed") {
      for (const timer of this.#pingTimers) clearTimeout(timer);
      this.#pingTimers = [];
      this.#early = undefined;
      this.#epoch = undefined;
      this.#requests.failAll(
        status.reason ?? new SomaError("CONNECTION_LOST", "the connection broke"),
      );
    }
    for (const listener of [...this.#statusListeners]) listener(status);
  }
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
