/**
 * One session as main sees it: its state, its clients and streams, and its way to the worker that runs it. It moves to another
 * worker when its own dies through somebody else's fault. It knows nothing of HTTP or WebSockets.
 */
import { monotonicMs, wallMs } from "../core/clock.ts";
import { Fault, type FaultRecord, toFaultRecord } from "../core/fault.ts";
import type { CloseReason, EngineSpec, Place } from "../engines/contract.ts";
import { SessionBlock } from "../engines/runtime/blocks.ts";
import { type Opened, type OpenRequest, streamKey } from "../engines/runtime/messages.ts";
import { ERRORS } from "../protocol/errors.ts";
import type { HeaderForm, Layout } from "../protocol/layouts.ts";
import { LIMITS } from "../protocol/limits.ts";
import { CommandBudget } from "./command-budget.ts";
import { type FrameSink, type FrameTotals, Stream, StreamClient } from "./stream.ts";
import type { WorkerHost } from "./worker-host.ts";

export type SessionState = "opening" | "running" | "failed" | "ended";

export interface SessionPlan {
  readonly id: string;
  readonly number: number;
  readonly spec: EngineSpec;
  readonly place: Place;
  readonly options: unknown;
  readonly assets: unknown;
  readonly seed: number;
}

/** A client's hold on a stream. */
export interface Subscription {
  readonly client: StreamClient;
  /** To be called when the client's socket can take data again. */
  drained(): void;
  end(): void;
}

export interface StreamRequest {
  readonly port: string;
  readonly variant: string;
  readonly header: HeaderForm;
}

interface PendingCommand {
  /** How many commands will have been applied when this one has. */
  index: number;
  readonly name: string;
  readonly value: Record<string, unknown>;
}

/** A stream without clients is kept open this long for whoever polls frames over HTTP. */
const POLL_LINGER_MS = 1_000;

let lastClient = 0;

export class Session {
  readonly id: string;
  readonly number: number;
  readonly spec: EngineSpec;
  readonly place: Place;
  readonly createdMs = wallMs();
  readonly clients = new Set<StreamClient>();
  /** What all its clients were sent and lost, those that left included. */
  readonly totals: FrameTotals = { frames: 0, bytes: 0, lost: 0 };
  readonly #plan: SessionPlan;
  readonly #budget = new CommandBudget();
  readonly #streams = new Map<string, Stream>();
  readonly #lingering = new Map<string, Timer>();
  #block = new SessionBlock();
  #state: SessionState = "opening";
  #fault: FaultRecord | undefined;
  #host: WorkerHost | undefined;
  #opened: Opened | undefined;
  #epoch = 1;
  #commandsSent = 0;
  readonly #unapplied: PendingCommand[] = [];
  #resumedAtMs: number[] = [];
  #activeMs = monotonicMs();

  constructor(plan: SessionPlan) {
    this.#plan = plan;
    this.id = plan.id;
    this.number = plan.number;
    this.spec = plan.spec;
    this.place = plan.place;
  }

  get state(): SessionState {
    return this.#state;
  }

  get fault(): FaultRecord | undefined {
    return this.#fault;
  }

  get host(): WorkerHost | undefined {
    return this.#host;
  }

  get sequence(): number {
    return this.#block.sequence;
  }

  get periodUs(): number {
    return this.#block.periodUs;
  }

  get resumes(): number {
    return this.#epoch - 1;
  }

  /** When a client last joined, left or commanded; monotonic. A session with clients is never idle. */
  get idleSinceMs(): number | undefined {
    return this.clients.size > 0 ? undefined : this.#activeMs;
  }

  get definition(): unknown {
    return this.#ready().definition;
  }

  get layouts(): Readonly<Record<string, Layout>> {
    return this.#ready().layouts;
  }

  /** Starts the engine in `host`; on failure the session never was. */
  async start(host: WorkerHost): Promise<void> {
    this.#host = host;
    this.#opened = await host.open(this.number, this.#request(false));
    if (this.#state === "opening") this.#state = "running";
  }

  /**
   * Goes on in another worker after its own died. Commands that were sent and not applied are sent again, in order; frames
   * that could not be made count as lost for every client.
   */
  async resume(host: WorkerHost): Promise<void> {
    const nowMs = monotonicMs();
    this.#resumedAtMs = [...this.#resumedAtMs.filter((atMs) => nowMs - atMs < 60_000), nowMs];
    if (this.#resumedAtMs.length > 3) {
      throw new Fault("ENGINE_EXITED", "its worker died more than three times in a minute");
    }
    this.#host = host;
    this.#epoch++;
    const old = this.#block;
    this.#block = new SessionBlock();
    this.#block.adopt(old);
    for (const stream of this.#streams.values()) stream.renew();
    const opened = host.open(this.number, this.#request(true));
    this.#sendUnapplied(host);
    await opened;
  }

  /** Sends again what the dead worker did not apply. What somebody waited for is not among it: they were told it failed. */
  #sendUnapplied(host: WorkerHost): void {
    this.#trimApplied();
    this.#commandsSent = this.#block.applied;
    for (const pending of this.#unapplied) {
      pending.index = ++this.#commandsSent;
      const { name, value } = pending;
      host.post({ type: "command", session: this.number, name, value });
    }
  }

  #request(resume: boolean): OpenRequest {
    return {
      engine: this.spec.name,
      options: this.#plan.options,
      assets: this.#plan.assets,
      block: this.#block.buffer,
      seed: this.#plan.seed,
      epoch: this.#epoch,
      resume,
      streams: Array.from(this.#streams.values(), (stream) => stream.grant),
    };
  }

  // ---- commands

  /** Sends a parsed command on its way; it is applied between ticks, in order. */
  command(name: string, value: Record<string, unknown>): void {
    const host = this.#admit();
    this.#commandsSent++;
    this.#unapplied.push({ index: this.#commandsSent, name, value });
    host.post({ type: "command", session: this.number, name, value });
  }

  /** Sends a command and waits for what the engine answers. */
  async ask(name: string, value: Record<string, unknown>): Promise<unknown> {
    const host = this.#admit();
    this.#commandsSent++;
    return await host.command(this.number, name, value);
  }

  async describe(): Promise<Record<string, unknown>> {
    return this.#state === "running" && this.#host ? await this.#host.describe(this.number) : {};
  }

  #admit(): WorkerHost {
    this.#ready();
    const host = this.#host;
    if (!host) throw new Fault("SESSION_ENDED", `session "${this.id}" has ended`);
    this.#activeMs = monotonicMs();
    this.#trimApplied();
    const waiting = this.#commandsSent - this.#block.applied;
    if (waiting >= LIMITS.inboxCommands) {
      throw new Fault(
        "COMMAND_RATE",
        `${waiting} commands wait already; the limit is ${LIMITS.inboxCommands}`,
      );
    }
    this.#budget.spend(this.#activeMs);
    return host;
  }

  #trimApplied(): void {
    const applied = this.#block.applied;
    while (this.#unapplied[0] && this.#unapplied[0].index <= applied) this.#unapplied.shift();
  }

  // ---- streams

  subscribe(request: StreamRequest, sink: FrameSink): Subscription {
    if (this.clients.size >= LIMITS.maxClientsPerSession) {
      throw new Fault(
        "CLIENT_LIMIT",
        `session "${this.id}" has ${this.clients.size} clients, its limit`,
      );
    }
    const stream = this.#stream(request);
    const client = new StreamClient(++lastClient, request.header, sink);
    this.clients.add(client);
    stream.add(client);
    return {
      client,
      drained: () => stream.drained(client),
      end: () => {
        if (!this.clients.delete(client)) return;
        this.#activeMs = monotonicMs();
        stream.clients.delete(client);
        this.#releaseIfUnused(stream);
      },
    };
  }

  /** Sends new frames to the clients of every stream. */
  pump(): void {
    for (const stream of this.#streams.values()) stream.pump();
  }

  get streaming(): boolean {
    return this.#streams.size > 0;
  }

  /** The newest frame in the wanted form; it shows every command answered before. */
  async newestFrame(request: StreamRequest): Promise<{ frame: Uint8Array; sequence: number }> {
    const stream = this.#stream(request);
    this.#activeMs = monotonicMs();
    const key = streamKey(stream.grant);
    clearTimeout(this.#lingering.get(key));
    const linger = setTimeout(() => {
      this.#lingering.delete(key);
      this.#releaseIfUnused(stream);
    }, POLL_LINGER_MS);
    this.#lingering.set(key, linger);
    await this.#host?.present(this.number, key);
    const newest = stream.newest(request.header);
    if (!newest) throw new Fault("FRAME_UNAVAILABLE", "the engine gave no frame yet");
    return newest;
  }

  #stream(request: StreamRequest): Stream {
    const { layouts } = this.#ready();
    const layout = Object.hasOwn(layouts, request.variant) ? layouts[request.variant] : undefined;
    if (!layout) {
      throw new Fault("NOT_ACCEPTABLE", `there is no variant "${request.variant}"`, {
        variants: Object.keys(layouts),
      });
    }
    const shape = {
      port: request.port,
      variant: request.variant,
      ringHeader: request.header === "moma" ? ("moma" as const) : ("soma" as const),
      payloadBytes: layout.frameBytes,
    };
    const key = streamKey({ port: shape.port, variant: shape.variant, header: shape.ringHeader });
    const known = this.#streams.get(key);
    if (known) return known;
    const stream = new Stream(shape, this.totals);
    this.#streams.set(key, stream);
    this.#host?.post({ type: "stream", session: this.number, grant: stream.grant });
    return stream;
  }

  #releaseIfUnused(stream: Stream): void {
    const key = streamKey(stream.grant);
    if (stream.clients.size > 0 || this.#lingering.has(key)) return;
    if (!this.#streams.delete(key)) return;
    this.#host?.post({ type: "unstream", session: this.number, key });
  }

  // ---- the end

  /** The engine failed: clients are told, the session stays listed with its reason until it is deleted. */
  fail(fault: Fault): void {
    if (this.#state === "failed" || this.#state === "ended") return;
    this.#state = "failed";
    this.#fault = toFaultRecord(fault, "ENGINE_CRASHED");
    this.#dropClients(ERRORS[fault.code].close, fault.message);
    void this.#host?.close(this.number, "failed");
  }

  /** Ends the session for good. Resolves when its engine has closed, or had its time to. */
  async end(why: CloseReason): Promise<void> {
    if (this.#state === "ended") return;
    const wasRunning = this.#state === "running" || this.#state === "opening";
    this.#state = "ended";
    const shutdown = why === "shutdown";
    this.#dropClients(
      shutdown ? ERRORS.SHUTTING_DOWN.close : ERRORS.SESSION_ENDED.close,
      shutdown
        ? "the server is stopping"
        : why === "idle"
          ? "the session was idle"
          : "the session was deleted",
    );
    if (wasRunning) await this.#host?.close(this.number, why);
  }

  #dropClients(code: number, reason: string): void {
    for (const client of [...this.clients]) client.sink.close(code, reason);
    this.clients.clear();
    for (const timer of this.#lingering.values()) clearTimeout(timer);
    this.#lingering.clear();
    this.#streams.clear();
  }

  #ready(): Opened {
    if (this.#state === "failed") {
      throw new Fault(
        "SESSION_FAILED",
        `session "${this.id}" has failed: ${this.#fault?.message ?? ""}`,
        this.#fault,
      );
    }
    if (this.#state === "ended" || !this.#opened) {
      throw new Fault("SESSION_ENDED", `session "${this.id}" is not running`);
    }
    return this.#opened;
  }
}
