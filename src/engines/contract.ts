/**
 * What an engine is to the server. An engine has two halves: a spec, known on the main thread, with its options, commands
 * and ports as schemas; and a module, loaded in workers, that turns them into running sessions. Time, memory and randomness are
 * given to an engine; it never reads a clock, does I/O in a tick, or allocates there.
 */
import type * as zod from "zod";
import type { Layout } from "../protocol/layouts.ts";

/** Where sessions of an engine run: many to a pool worker, or each in a worker of its own. */
export type Place = "pool" | "dedicated";

/** Frames of fixed layout that leave an engine; the newest wins. One variant per form a client may ask for. */
export interface FramesPort {
  readonly kind: "frames";
  readonly variants: readonly string[];
  readonly defaultVariant: string;
}

/** One command, as REST body, as WebSocket text and in the OpenAPI document alike. */
export interface CommandSpec {
  readonly summary: string;
  /** The arguments; they reach the engine parsed. */
  readonly schema: zod.ZodType<Record<string, unknown>>;
  readonly example: Record<string, unknown>;
  /** Checks parsed arguments against what is known of the session, and settles them; throws INVALID_ARGUMENT. */
  readonly resolve?: (
    value: Record<string, unknown>,
    definition: unknown,
  ) => Record<string, unknown>;
  /** The answer's fields beside `session_id`, made from the parsed arguments; for commands that do not wait. */
  readonly answer: (value: Record<string, unknown>) => Record<string, unknown>;
}

/** The half of an engine that the main thread knows. Free of engine code, so that listing engines costs nothing. */
export interface EngineSpec<Options = unknown> {
  readonly name: string;
  /** Accepts untrusted options, gives parsed ones. */
  readonly options: zod.ZodType<Options>;
  readonly commands: Readonly<Record<string, CommandSpec>>;
  /** Whether sessions may know commands beside those: they are handed on, and their answers waited for. */
  readonly openCommands: boolean;
  readonly ports: Readonly<Record<string, FramesPort>>;
  /** Settles what the options leave open, on main: which file, where it runs. Throws a Fault for what cannot be. */
  prepare(options: Options): Promise<Prepared<Options>>;
}

export interface Prepared<Options = unknown> {
  readonly options: Options;
  readonly place: Place;
  /** Names the assets to load; sessions with equal keys share them. Absent: nothing is loaded. */
  readonly assetKey?: string;
}

/** The half of an engine that workers load. */
export interface EngineModule<Options = unknown, Assets = unknown> {
  /** Reads what a session needs into shared, immutable memory. Runs in a loader worker; the result is cached by `key`. */
  load?(options: Options): Promise<Loaded<Assets>>;
  /** Describes a file for a listing, without loading all of it. Runs in a loader worker. */
  inspect?(options: Options): Promise<unknown>;
  /** Starts one session. `assets` is what `load` gave; `host` belongs to this session alone. */
  open(options: Options, assets: Assets, host: Host): Promise<Running> | Running;
}

export interface Loaded<Assets> {
  /** Names the content: equal keys are the same assets. */
  readonly key: string;
  /** Bytes of shared memory held while in the cache. */
  readonly bytes: number;
  readonly assets: Assets;
}

/** What a session's engine may ask of the worker it runs in. */
export interface Host {
  /** Seeded per session: the same seed gives the same numbers. */
  random(): number;
  log(
    level: "debug" | "info" | "warn" | "error",
    message: string,
    fields?: Record<string, unknown>,
  ): void;
  /** State given by `save` before the worker died, when the session is being resumed. */
  readonly resume: Uint8Array | undefined;
}

/** One beat of a session's clock. */
export interface Tick {
  /** Nominal time since the previous tick in seconds: one period, more after a stall, 0 to draw the same moment again. */
  readonly dtS: number;
  /** u32 number of the frame that this tick would produce. */
  readonly sequence: number;
}

/** A frame variant that somebody listens to, with the memory for the next frame. */
export interface OpenVariant {
  readonly port: string;
  readonly variant: string;
  /** Payload memory of the frame being made; the same bytes for the whole tick. */
  payload(): DataView;
}

/** A running session. Calls never overlap. */
export interface Running {
  /** Layouts of the out frames by variant; fixed for the session's life. */
  readonly layouts: Readonly<Record<string, Layout>>;
  /** What a client needs to understand the stream, e.g. a skeleton. Plain JSON. */
  readonly definition: unknown;
  /** The wanted tick period in microseconds; read again after each command. */
  periodUs(): number;
  /**
   * Moves on by `t.dtS` and, for each open variant, writes one frame. Synchronous.
   * Returns whether there is a new frame: false leaves the newest one as it is (a paused session).
   */
  tick(t: Tick, open: readonly OpenVariant[]): boolean;
  /** Position for the frame header, seconds. */
  mediaTimeS(): number;
  /** FRAME_FLAG bits for the frame header. */
  flags(): number;
  /** Applies one parsed command between ticks. A returned value (or promise) answers commands that wait. */
  command(name: string, value: Record<string, unknown>): unknown;
  /** The state a person would want to see, as JSON. */
  describe(): Record<string, unknown>;
  /** Enough to resume after the worker died: at most LIMITS.saveBytes. */
  save(): Uint8Array;
  close(why: CloseReason): void | Promise<void>;
}

export type CloseReason = "client" | "idle" | "shutdown" | "failed";
