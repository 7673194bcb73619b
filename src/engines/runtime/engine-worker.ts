/**
 * What runs in an engine worker: opens sessions, ticks them on their beats, applies commands in order, and rings main's
 * bell once per beat. Engines are loaded by name on first use. Nothing here knows any engine.
 */
import { monotonicMs } from "../../core/clock.ts";
import { Fault, toFaultRecord } from "../../core/fault.ts";
import { installLog, isLogLevel } from "../../core/log.ts";
import { usePlugins } from "../plugins.ts";
import { loadEngineModule } from "../registry.ts";
import { Beats } from "./beats.ts";
import { WorkerBlock } from "./blocks.ts";
import { HostedSession } from "./hosted-session.ts";
import type { FromEngineWorker, OpenRequest, ToEngineWorker } from "./messages.ts";

type Post = (message: FromEngineWorker) => void;

export class EngineWorker {
  readonly #post: Post;
  readonly #sessions = new Map<number, HostedSession>();
  /** Sessions whose engine is starting; settles when it runs or has refused. */
  readonly #opening = new Map<number, Promise<void>>();
  readonly #beats = new Beats();
  #block: WorkerBlock | undefined;

  constructor(post: Post) {
    this.#post = post;
  }

  /** Takes the next message. What is meant for a session that is still opening waits until it has opened, in order. */
  receive(message: ToEngineWorker): void {
    const opening =
      message.type === "start" || message.type === "open"
        ? undefined
        : this.#opening.get(message.session);
    if (opening) void opening.then(() => this.#handle(message));
    else this.#handle(message);
  }

  #handle(message: ToEngineWorker): void {
    switch (message.type) {
      case "start":
        this.#start(message);
        return;
      case "open":
        this.#opening.set(message.session, this.#open(message.session, message.request));
        return;
      case "stream":
        this.#sessions.get(message.session)?.stream(message.grant);
        return;
      case "present":
        void this.#present(message);
        return;
      case "unstream":
        this.#sessions.get(message.session)?.unstream(message.key);
        return;
      case "command":
        void this.#command(message);
        return;
      case "describe":
        this.#describe(message.session, message.reply);
        return;
      case "close":
        void this.#close(message);
        return;
    }
  }

  #start(message: Extract<ToEngineWorker, { type: "start" }>): void {
    if (isLogLevel(message.logLevel)) {
      installLog(message.logLevel, (record) => this.#post({ type: "log", record }));
    }
    usePlugins(message.plugins);
    this.#block = new WorkerBlock(message.block);
    void this.#loop(this.#block);
    this.#post({ type: "ready" });
  }

  async #loop(block: WorkerBlock): Promise<never> {
    const onBeat = (latenessMs: number, periodMs: number): void =>
      block.countTick(latenessMs, periodMs);
    for (;;) {
      const nextMs = this.#beats.nextMs();
      const waitMs = nextMs === undefined ? IDLE_MS : nextMs - monotonicMs();
      if (waitMs > 0) {
        await block.sleep(waitMs);
        continue;
      }
      if (this.#beats.run(monotonicMs(), onBeat)) {
        block.leave();
        block.ring();
      }
      // Lets messages in even when every beat is late.
      await Promise.resolve();
      if (waitMs < -YIELD_AFTER_MS) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #open(number: number, request: OpenRequest): Promise<void> {
    const block = this.#startedBlock();
    try {
      const module = await loadEngineModule(request.engine);
      const { session, opened } = await HostedSession.open(
        number,
        module,
        request,
        block,
        this.#post,
      );
      this.#sessions.set(number, session);
      this.#beats.set(session, session.periodUs, monotonicMs());
      this.#post({ type: "opened", session: number, opened });
    } catch (error) {
      this.#post({
        type: "refused",
        session: number,
        fault: toFaultRecord(error, "ENGINE_OPEN_FAILED"),
      });
    }
    this.#opening.delete(number);
    block.leave();
    block.wake();
  }

  async #command(message: Extract<ToEngineWorker, { type: "command" }>): Promise<void> {
    const session = this.#sessions.get(message.session);
    const { reply } = message;
    try {
      if (!session) throw new Fault("SESSION_NOT_FOUND", "the session has ended");
      const value = await session.command(message.name, message.value);
      if (reply !== undefined) this.#post({ type: "reply", reply, value });
    } catch (error) {
      const fault = toFaultRecord(error, "ENGINE_CRASHED");
      if (reply !== undefined) this.#post({ type: "replyFault", reply, fault });
    }
    if (session && this.#sessions.has(message.session)) {
      this.#beats.set(session, session.periodUs, monotonicMs());
      this.#block?.wake();
    }
  }

  async #present({
    session,
    key,
    reply,
  }: Extract<ToEngineWorker, { type: "present" }>): Promise<void> {
    await this.#sessions.get(session)?.present(key);
    this.#post({ type: "reply", reply, value: undefined });
  }

  #describe(number: number, reply: number): void {
    const session = this.#sessions.get(number);
    try {
      if (!session) throw new Fault("SESSION_NOT_FOUND", "the session has ended");
      this.#post({ type: "reply", reply, value: session.describe() });
    } catch (error) {
      this.#post({ type: "replyFault", reply, fault: toFaultRecord(error, "ENGINE_CRASHED") });
    }
  }

  async #close(message: Extract<ToEngineWorker, { type: "close" }>): Promise<void> {
    const session = this.#sessions.get(message.session);
    if (session) {
      this.#sessions.delete(message.session);
      this.#beats.delete(session);
      await session.close(message.why);
    }
    this.#post({ type: "closed", session: message.session });
  }

  #startedBlock(): WorkerBlock {
    if (!this.#block) throw new Error("assertion failed: 'start' is the first message");
    return this.#block;
  }
}

/** A worker without sessions sleeps this long at a time; messages wake it. */
const IDLE_MS = 60_000;
/** When a beat is this late the event loop gets a turn before the next one, or commands would starve. */
const YIELD_AFTER_MS = 2;
