/**
 * One engine worker as main sees it: requests with answers, the bell that frames ring, and its death. A worker that stalls,
 * throws outside a session or exits is reported once, with the session it was busy with; what happens next is the pool's decision.
 */
import { assert } from "../core/assert.ts";
import { Fault, type FaultRecord, fromFaultRecord, messageOf } from "../core/fault.ts";
import { logOf, writeLog } from "../core/log.ts";
import { PHASE, type Phase, WorkerBlock } from "../engines/runtime/blocks.ts";
import type {
  FromEngineWorker,
  Opened,
  OpenRequest,
  PluginFiles,
  ToEngineWorker,
} from "../engines/runtime/messages.ts";
import type { ErrorCode } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";
import { workerUrl } from "./worker-url.ts";

const log = logOf("workers");

export interface WorkerDeath {
  readonly code: Extract<ErrorCode, "ENGINE_STALLED" | "ENGINE_EXITED" | "ENGINE_CRASHED">;
  readonly message: string;
  /** Number of the session the worker was busy with; 0 when it was busy with none. */
  readonly guilty: number;
}

/** What a host reports; plain functions, called without a receiver. */
export interface WorkerHostEvents {
  /** Frames of some sessions on this host are new. */
  readonly rang: (host: WorkerHost) => void;
  readonly failed: (session: number, fault: Fault) => void;
  readonly died: (host: WorkerHost, death: WorkerDeath) => void;
}

export interface WorkerSettings {
  readonly plugins: PluginFiles;
  readonly logLevel: string;
  readonly tickMs: number;
  readonly openMs: number;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(fault: Fault): void;
  timer: Timer;
}

let lastReply = 0;

export class WorkerHost {
  readonly block = new WorkerBlock();
  readonly #worker: Worker;
  readonly #events: WorkerHostEvents;
  readonly #settings: WorkerSettings;
  readonly #openings = new Map<number, Waiting>();
  readonly #replies = new Map<number, Waiting>();
  readonly #closings = new Map<number, () => void>();
  #alive = true;
  #watched = { progress: -1, sinceMs: 0 };

  constructor(settings: WorkerSettings, events: WorkerHostEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#worker = new Worker(workerUrl("engine"), { ref: false });
    this.#worker.onmessage = (event: MessageEvent<FromEngineWorker>) => this.#receive(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#die(
        "ENGINE_CRASHED",
        `the engine threw outside a session: ${messageOf(event.message)}`,
      );
    };
    this.#worker.addEventListener("close", () =>
      this.#die("ENGINE_EXITED", "the engine ended its worker"),
    );
    this.post({
      type: "start",
      block: this.block.buffer,
      plugins: settings.plugins,
      logLevel: settings.logLevel,
    });
    void this.#listen();
  }

  get alive(): boolean {
    return this.#alive;
  }

  post(message: ToEngineWorker): void {
    if (this.#alive) this.#worker.postMessage(message);
  }

  async open(session: number, request: OpenRequest): Promise<Opened> {
    this.post({ type: "open", session, request });
    return (await this.#wait(
      this.#openings,
      session,
      this.#settings.openMs,
      "ENGINE_STALLED",
      "start",
    )) as Opened;
  }

  async command(session: number, name: string, value: Record<string, unknown>): Promise<unknown> {
    return await this.#ask((reply) => ({ type: "command", session, name, value, reply }));
  }

  async describe(session: number): Promise<Record<string, unknown>> {
    return (await this.#ask((reply) => ({ type: "describe", session, reply }))) as Record<
      string,
      unknown
    >;
  }

  /** Resolves when the newest frame of a stream shows every command sent before. */
  async present(session: number, key: string): Promise<void> {
    await this.#ask((reply) => ({ type: "present", session, key, reply }));
  }

  async #ask(message: (reply: number) => ToEngineWorker): Promise<unknown> {
    const reply = ++lastReply;
    // Posted first: a value that cannot be cloned throws here, and nobody is left waiting. The answer cannot come before `await`.
    this.post(message(reply));
    return await this.#wait(
      this.#replies,
      reply,
      LIMITS.commandTimeoutMs,
      "COMMAND_TIMEOUT",
      "answer",
    );
  }

  /** Ends a session in the worker; resolves when it has, or after `LIMITS.closeMs`, whichever comes first. */
  async close(session: number, why: "client" | "idle" | "shutdown" | "failed"): Promise<void> {
    if (!this.#alive) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LIMITS.closeMs);
    this.#closings.set(session, resolve);
    this.post({ type: "close", session, why });
    await promise;
    clearTimeout(timer);
    this.#closings.delete(session);
  }

  terminate(): void {
    this.#alive = false;
    this.#worker.terminate();
    this.#rejectAll(new Fault("SESSION_ENDED", "the worker has ended"));
  }

  /** Called regularly by the pool: a worker busy with one thing for too long is declared dead. */
  watch(nowMs: number): void {
    const { phase, progress } = this.block.activity;
    if (phase === PHASE.idle || progress !== this.#watched.progress) {
      this.#watched = { progress, sinceMs: nowMs };
      return;
    }
    const limitMs = this.#limitOf(phase as Phase);
    const busyMs = nowMs - this.#watched.sinceMs;
    if (busyMs > limitMs) {
      this.#die(
        "ENGINE_STALLED",
        `the engine was busy for more than ${limitMs} ms and was stopped`,
      );
    }
  }

  #limitOf(phase: Phase): number {
    if (phase === PHASE.open) return this.#settings.openMs;
    if (phase === PHASE.close) return LIMITS.closeMs;
    return this.#settings.tickMs;
  }

  async #listen(): Promise<void> {
    let rings = 0;
    while (this.#alive) {
      await this.block.heard(rings);
      rings = this.block.rings;
      this.#events.rang(this);
    }
  }

  #wait(
    table: Map<number, Waiting>,
    key: number,
    timeoutMs: number,
    code: ErrorCode,
    verb: string,
  ): Promise<unknown> {
    if (!this.#alive) return Promise.reject(new Fault("SESSION_ENDED", "the worker has ended"));
    assert(!table.has(key), "one request per key");
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      table.delete(key);
      reject(new Fault(code, `the engine did not ${verb} within ${timeoutMs} ms`));
    }, timeoutMs);
    table.set(key, { resolve, reject, timer });
    return promise;
  }

  #settle(table: Map<number, Waiting>, key: number): Waiting | undefined {
    const waiting = table.get(key);
    if (!waiting) return undefined;
    table.delete(key);
    clearTimeout(waiting.timer);
    return waiting;
  }

  #receive(message: FromEngineWorker): void {
    switch (message.type) {
      case "ready":
        return;
      case "opened":
        this.#settle(this.#openings, message.session)?.resolve(message.opened);
        return;
      case "refused":
        this.#refuse(this.#openings, message.session, message.fault);
        return;
      case "reply":
        this.#settle(this.#replies, message.reply)?.resolve(message.value);
        return;
      case "replyFault":
        this.#refuse(this.#replies, message.reply, message.fault);
        return;
      case "failed":
        this.#events.failed(message.session, fromFaultRecord(message.fault));
        return;
      case "closed":
        this.#closings.get(message.session)?.();
        return;
      case "log":
        writeLog(message.record);
        return;
    }
  }

  #refuse(table: Map<number, Waiting>, key: number, fault: FaultRecord): void {
    this.#settle(table, key)?.reject(fromFaultRecord(fault));
  }

  #die(code: WorkerDeath["code"], message: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    const { session, phase } = this.block.activity;
    const guilty = phase === PHASE.idle ? 0 : session;
    log.warn("worker died", { code, reason: message, session: guilty });
    // Native code cannot be interrupted: the thread may live on until it returns, and keeps its own memory until then.
    this.#worker.terminate();
    this.#events.died(this, { code, message, guilty });
    this.#rejectAll(new Fault(code, message));
  }

  #rejectAll(fault: Fault): void {
    for (const table of [this.#openings, this.#replies]) {
      for (const waiting of table.values()) {
        clearTimeout(waiting.timer);
        waiting.reject(fault);
      }
      table.clear();
    }
    for (const resolve of this.#closings.values()) resolve();
    this.#closings.clear();
  }
}
