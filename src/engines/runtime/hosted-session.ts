/**
 * One session inside its worker: drives the engine's ticks, gives it ring cells to write into, applies commands and keeps
 * its saved state fresh. What it reports goes through `Reports`; it never touches another session.
 */
import { monotonicMs } from "../../core/clock.ts";
import { Fault, toFaultRecord } from "../../core/fault.ts";
import { writeLog } from "../../core/log.ts";
import { RingWriter } from "../../core/ring.ts";
import {
  FRAME_HEADER_BYTES,
  FRAME_HEADER_VERSION,
  FRAME_KIND,
  MOMA_HEADER,
  MOMA_HEADER_BYTES,
  MOMA_MAGIC,
  writeFrameHeader,
} from "../../protocol/layouts.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { CloseReason, EngineModule, Host, OpenVariant, Running, Tick } from "../contract.ts";
import type { BeatMember } from "./beats.ts";
import { PHASE, SessionBlock, type WorkerBlock } from "./blocks.ts";
import {
  type FromEngineWorker,
  type Opened,
  type OpenRequest,
  type StreamGrant,
  streamKey,
} from "./messages.ts";

class Stream implements OpenVariant {
  readonly port: string;
  readonly variant: string;
  readonly header: "soma" | "moma";
  readonly #writer: RingWriter;

  constructor(grant: StreamGrant) {
    this.port = grant.port;
    this.variant = grant.variant;
    this.header = grant.header;
    this.#writer = new RingWriter(grant.ring);
  }

  payload(): DataView {
    return this.#writer.begin().payload;
  }

  publish(sequence: number, captureUs: number, running: Running, epoch: number): void {
    const cell = this.#writer.begin();
    if (this.header === "soma") {
      writeFrameHeader(cell.header, {
        version: FRAME_HEADER_VERSION,
        kind: FRAME_KIND.pose,
        flags: running.flags(),
        epoch,
        sequence,
        captureUs,
        payloadBytes: cell.payload.byteLength,
        mediaTimeS: running.mediaTimeS(),
      });
    } else {
      // The 12 bytes end where the payload begins, so that one view covers both.
      const at = FRAME_HEADER_BYTES - MOMA_HEADER_BYTES;
      cell.header.setUint32(at + MOMA_HEADER.magic, MOMA_MAGIC, true);
      cell.header.setUint32(at + MOMA_HEADER.frame, sequence, true);
      cell.header.setUint32(at + MOMA_HEADER.characters, 1, true);
    }
    this.#writer.publish(sequence);
  }
}

export type Report = (message: FromEngineWorker) => void;

export class HostedSession implements BeatMember {
  readonly number: number;
  readonly #running: Running;
  readonly #worker: WorkerBlock;
  readonly #block: SessionBlock;
  readonly #report: Report;
  readonly #epoch: number;
  readonly #streams = new Map<string, Stream>();
  #open: readonly Stream[] = [];
  #sequence: number;
  #savedAtMs = 0;
  #failed = false;
  /** Whether a command was applied since the last frame. */
  #commanded = false;
  /** Settles when every command received so far is applied. */
  #commands: Promise<unknown> = Promise.resolve();
  /** Reused for every tick: engines read it and do not keep it. */
  readonly #tick: { dtS: number; sequence: number } = { dtS: 0, sequence: 0 };

  private constructor(
    number: number,
    running: Running,
    worker: WorkerBlock,
    block: SessionBlock,
    epoch: number,
    report: Report,
  ) {
    this.number = number;
    this.#running = running;
    this.#worker = worker;
    this.#block = block;
    this.#epoch = epoch;
    this.#report = report;
    this.#sequence = block.sequence;
  }

  static async open(
    number: number,
    module: EngineModule,
    request: OpenRequest,
    worker: WorkerBlock,
    report: Report,
  ): Promise<{ session: HostedSession; opened: Opened }> {
    const block = new SessionBlock(request.block);
    const saved = request.resume ? block.saved : undefined;
    const host: Host = {
      random: seededRandom(request.seed),
      log: (level, message, fields) =>
        writeLog(
          fields
            ? { level, scope: "engine", message, fields }
            : { level, scope: "engine", message },
        ),
      resume: saved?.state,
    };
    worker.enter(number, PHASE.open);
    const pending = module.open(request.options, request.assets, host);
    const running = pending instanceof Promise ? await idleWhile(worker, pending) : pending;
    const session = new HostedSession(number, running, worker, block, request.epoch, report);
    block.periodUs = running.periodUs();
    for (const grant of request.streams) session.stream(grant);
    session.#catchUp(saved?.savedAtMs);
    session.#save(monotonicMs());
    worker.leave();
    return { session, opened: { layouts: running.layouts, definition: running.definition } };
  }

  get periodUs(): number {
    return this.#block.periodUs;
  }

  /** Brings a resumed session to where it would be, had its worker lived; frames it could not make count as missed. */
  #catchUp(savedAtMs: number | undefined): void {
    if (savedAtMs === undefined) return;
    const nowMs = monotonicMs();
    const missed = Math.floor(((nowMs - this.#block.lastTickMs) * 1000) / this.periodUs);
    this.#sequence = (this.#sequence + Math.max(0, missed)) >>> 0;
    this.#run(Math.max(0, nowMs - savedAtMs) / 1000, nowMs);
  }

  beat(periods: number, periodMs: number, nowMs: number): void {
    if (this.#failed) return;
    this.#worker.enter(this.number, PHASE.tick);
    this.#run((periods * periodMs) / 1000, nowMs);
    if (!this.#failed && nowMs - this.#savedAtMs >= LIMITS.saveEveryMs) this.#save(nowMs);
  }

  #run(dtS: number, nowMs: number): void {
    const tick: Tick = this.#tick;
    this.#tick.dtS = dtS;
    this.#tick.sequence = (this.#sequence + 1) >>> 0;
    try {
      if (!this.#running.tick(tick, this.#open)) return;
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#commanded = false;
    this.#sequence = tick.sequence;
    this.#block.ticked(tick.sequence, nowMs);
    this.#publish(this.#open, nowMs);
  }

  /** Frames of one beat carry one capture time: that of the beat. */
  #publish(streams: readonly Stream[], nowMs: number): void {
    const captureUs = Math.round(nowMs * 1000);
    for (const stream of streams)
      stream.publish(this.#sequence, captureUs, this.#running, this.#epoch);
  }

  /** Starts writing frames of one more variant, the present moment first, so that a newcomer need not wait. */
  stream(grant: StreamGrant): void {
    const stream = new Stream(grant);
    this.#streams.set(streamKey(grant), stream);
    this.#open = [...this.#streams.values()];
    this.#draw(stream);
  }

  /** Makes the newest frame of a stream show every command received so far. */
  async present(key: string): Promise<void> {
    await this.#commands;
    const stream = this.#streams.get(key);
    if (stream) this.#draw(stream);
  }

  /**
   * Draws the present moment for one stream. After a command it may differ from the last frame: then it is a new frame, with a
   * number of its own, for everyone.
   */
  #draw(stream: Stream): void {
    if (this.#failed) return;
    const nowMs = monotonicMs();
    this.#worker.enter(this.number, PHASE.tick);
    if (this.#commanded) {
      this.#run(0, nowMs);
    } else {
      try {
        this.#running.tick({ dtS: 0, sequence: this.#sequence }, [stream]);
        this.#publish([stream], nowMs);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#worker.leave();
    this.#worker.ring();
  }

  unstream(key: string): void {
    this.#streams.delete(key);
    this.#open = [...this.#streams.values()];
  }

  /**
   * Applies one command; commands never overlap, those behind a waiting one wait too. Throws what is the client's fault;
   * any other error fails the session.
   */
  command(name: string, value: Record<string, unknown>): Promise<unknown> {
    const result = this.#commands.then(() => this.#apply(name, value));
    this.#commands = result.catch(() => undefined);
    return result;
  }

  async #apply(name: string, value: Record<string, unknown>): Promise<unknown> {
    if (this.#failed) throw new Fault("SESSION_FAILED", "the session has failed");
    this.#worker.enter(this.number, PHASE.command);
    try {
      const result = this.#running.command(name, value);
      return result instanceof Promise ? await idleWhile(this.#worker, result) : result;
    } catch (error) {
      if (!(error instanceof Fault)) this.#fail(error);
      throw error;
    } finally {
      if (!this.#failed) {
        this.#commanded = true;
        this.#block.periodUs = this.#running.periodUs();
        this.#save(monotonicMs());
      }
      this.#block.applied = this.#block.applied + 1;
      this.#worker.leave();
    }
  }

  describe(): Record<string, unknown> {
    return this.#running.describe();
  }

  async close(why: CloseReason): Promise<void> {
    this.#worker.enter(this.number, PHASE.close);
    try {
      const pending = this.#running.close(why);
      if (pending instanceof Promise) await idleWhile(this.#worker, pending);
    } catch (error) {
      writeLog({
        level: "warn",
        scope: "engine",
        message: "close failed",
        fields: { error: String(error) },
      });
    }
    this.#worker.leave();
  }

  #save(nowMs: number): void {
    this.#savedAtMs = nowMs;
    try {
      this.#block.save(this.#running.save(), nowMs);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#report({
      type: "failed",
      session: this.number,
      fault: toFaultRecord(error, "ENGINE_CRASHED"),
    });
  }
}

/** Leaves the watchdog's sight while engine code waits, so that waiting is not taken for a stall. */
async function idleWhile<T>(worker: WorkerBlock, pending: Promise<T>): Promise<T> {
  worker.leave();
  return await pending;
}

/** mulberry32 (T. Ettinger, public domain): small, seedable, good enough for motion. */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
