/**
 * All sessions: makes them, finds them, ends them, and moves them when a worker dies. One per server. Limits are checked
 * before anything is started, and a start that fails leaves nothing behind.
 */
import { monotonicMs } from "../core/clock.ts";
import { Fault, fromFaultRecord, toFaultRecord } from "../core/fault.ts";
import { logOf } from "../core/log.ts";
import type { CloseReason, EngineSpec, Loaded } from "../engines/contract.ts";
import type { PluginFiles } from "../engines/runtime/messages.ts";
import { fieldIssues, issueText } from "../protocol/schemas/common.ts";
import { AssetCache, type AssetLease } from "./asset-cache.ts";
import { Loader } from "./loader.ts";
import { WorkerPool } from "./pool.ts";
import { Session } from "./session.ts";
import type { FrameTotals } from "./stream.ts";
import type { WorkerDeath, WorkerHost } from "./worker-host.ts";

const log = logOf("sessions");
const SWEEP_EVERY_MS = 1_000;

export interface ManagerSettings {
  readonly plugins: PluginFiles;
  readonly logLevel: string;
  readonly poolWorkers: number;
  readonly maxSessions: number;
  readonly maxClients: number;
  /** 0: sessions do not end for being idle. */
  readonly idleTimeoutMs: number;
  readonly clipCacheBytes: number;
  readonly tickMs: number;
  readonly openMs: number;
  readonly loadMs: number;
}

export interface CreateRequest {
  readonly engine: string;
  readonly id: string | undefined;
  /** Untrusted; checked against the engine's schema. */
  readonly options: unknown;
}

export class SessionManager {
  /** Totals of the sessions that have ended. */
  readonly #past: FrameTotals = { frames: 0, bytes: 0, lost: 0 };
  readonly pool: WorkerPool;
  readonly #settings: ManagerSettings;
  readonly #specs: ReadonlyMap<string, EngineSpec>;
  readonly #loader: Loader;
  readonly #assets: AssetCache;
  readonly #sessions = new Map<string, Session>();
  /** Ids whose engine is starting. */
  readonly #reserved = new Set<string>();
  readonly #byNumber = new Map<number, Session>();
  readonly #byHost = new Map<WorkerHost, Set<Session>>();
  readonly #leases = new Map<Session, AssetLease>();
  readonly #sweep: Timer;
  #lastNumber = 0;
  #created = 0;
  #stopping = false;

  constructor(specs: readonly EngineSpec[], settings: ManagerSettings) {
    this.#settings = settings;
    this.#specs = new Map(specs.map((spec) => [spec.name, spec]));
    this.#loader = new Loader(settings);
    this.#assets = new AssetCache(settings.clipCacheBytes);
    this.pool = new WorkerPool(settings, {
      rang: (host) => this.#pump(host),
      failed: (number, fault) => this.#byNumber.get(number)?.fail(fault),
      died: (host, death) => this.#died(host, death),
    });
    this.#sweep = setInterval(() => this.#endIdle(), SWEEP_EVERY_MS);
    this.#sweep.unref();
  }

  get specs(): readonly EngineSpec[] {
    return [...this.#specs.values()];
  }

  get created(): number {
    return this.#created;
  }

  get accepting(): boolean {
    return !this.#stopping;
  }

  get assetBytes(): number {
    return this.#assets.bytes;
  }

  /** What all clients were sent and lost since the start. */
  get totals(): FrameTotals {
    const totals = { ...this.#past };
    for (const session of this.#sessions.values()) addTotals(totals, session.totals);
    return totals;
  }

  list(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  clientCount(): number {
    let count = 0;
    for (const session of this.#sessions.values()) count += session.clients.size;
    return count;
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  get(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new Fault("SESSION_NOT_FOUND", `there is no session "${id}"`);
    return session;
  }

  /** Throws CLIENT_LIMIT when the server has all the clients it takes. */
  admitClient(): void {
    if (this.#stopping) throw new Fault("SHUTTING_DOWN", "the server is stopping");
    const { maxClients } = this.#settings;
    if (this.clientCount() >= maxClients)
      throw new Fault("CLIENT_LIMIT", `the server takes ${maxClients} clients`);
  }

  async create(request: CreateRequest): Promise<Session> {
    if (this.#stopping) throw new Fault("SHUTTING_DOWN", "the server is stopping");
    const spec = this.#spec(request.engine);
    const options = parseOptions(spec, request.options);
    const id = request.id ?? crypto.randomUUID();
    if (this.#sessions.has(id) || this.#reserved.has(id))
      throw new Fault("SESSION_EXISTS", `there is a session "${id}" already`);
    const { maxSessions } = this.#settings;
    if (this.#sessions.size + this.#reserved.size >= maxSessions) {
      throw new Fault("SESSION_LIMIT", `${maxSessions} sessions run already, the limit`);
    }
    // The id is taken while the engine starts, so that two requests cannot both get it.
    this.#reserved.add(id);
    try {
      return await this.#start(spec, id, options);
    } finally {
      this.#reserved.delete(id);
    }
  }

  async #start(spec: EngineSpec, id: string, options: unknown): Promise<Session> {
    const prepared = await spec.prepare(options);
    const lease = await this.#lease(spec, prepared.assetKey, prepared.options);
    const session = new Session({
      id,
      number: ++this.#lastNumber,
      spec,
      place: prepared.place,
      options: prepared.options,
      assets: lease?.assets,
      seed: this.#lastNumber,
    });
    const host = this.pool.take(prepared.place);
    this.#seat(session, host);
    this.#byNumber.set(session.number, session);
    try {
      await session.start(host);
      if (this.#stopping) throw new Fault("SHUTTING_DOWN", "the server is stopping");
    } catch (error) {
      this.#unseat(session);
      this.#byNumber.delete(session.number);
      lease?.release();
      await session.end("failed");
      throw error;
    }
    if (lease) this.#leases.set(session, lease);
    this.#sessions.set(id, session);
    this.#created++;
    log.info("session created", { session: id, engine: spec.name, place: prepared.place });
    return session;
  }

  /** Runs an engine's `inspect` in the loader. */
  async inspect(engine: string, options: unknown): Promise<unknown> {
    return await this.#loader.run(engine, "inspect", options);
  }

  /** Ends a session; resolves when its engine has closed. */
  async delete(id: string, why: CloseReason = "client"): Promise<void> {
    const session = this.get(id);
    this.#sessions.delete(id);
    addTotals(this.#past, session.totals);
    await session.end(why);
    this.#byNumber.delete(session.number);
    this.#unseat(session);
    this.#leases.get(session)?.release();
    this.#leases.delete(session);
    log.info("session ended", { session: id, why });
  }

  /** Refuses new sessions, ends all that run, stops the workers. */
  async close(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#sweep);
    await Promise.all(this.list().map((session) => this.delete(session.id, "shutdown")));
    this.#loader.close();
    this.pool.close();
  }

  #spec(name: string): EngineSpec {
    const spec = this.#specs.get(name);
    if (spec) return spec;
    const names = [...this.#specs.keys()];
    throw new Fault(
      "ENGINE_UNKNOWN",
      `there is no engine "${name}"; there are: ${names.join(", ")}`,
      { engines: names },
    );
  }

  async #lease(
    spec: EngineSpec,
    key: string | undefined,
    options: unknown,
  ): Promise<AssetLease | undefined> {
    if (key === undefined) return undefined;
    return await this.#assets.lease(
      `${spec.name}:${key}`,
      async () => (await this.#loader.run(spec.name, "load", options)) as Loaded<unknown>,
    );
  }

  #seat(session: Session, host: WorkerHost): void {
    const seated = this.#byHost.get(host) ?? new Set();
    seated.add(session);
    this.#byHost.set(host, seated);
  }

  #unseat(session: Session): void {
    const host = session.host;
    if (!host) return;
    const seated = this.#byHost.get(host);
    if (!seated?.delete(session)) return;
    if (seated.size === 0) this.#byHost.delete(host);
    this.pool.leave(host);
  }

  #pump(host: WorkerHost): void {
    const seated = this.#byHost.get(host);
    if (!seated) return;
    for (const session of seated) session.pump();
  }

  /** The guilty session fails; the others go on in other workers. */
  #died(host: WorkerHost, death: WorkerDeath): void {
    const seated = [...(this.#byHost.get(host) ?? [])];
    this.#byHost.delete(host);
    // A worker that died while idle says nothing of who did it, unless there was only one.
    const guilty = death.guilty === 0 && seated.length === 1 ? seated[0]?.number : death.guilty;
    for (const session of seated) {
      if (session.number === guilty) {
        session.fail(new Fault(death.code, death.message));
      } else if (session.state === "running") {
        void this.#resume(session);
      }
    }
  }

  async #resume(session: Session): Promise<void> {
    const host = this.pool.take(session.place);
    this.#seat(session, host);
    try {
      await session.resume(host);
      log.info("session resumed in another worker", { session: session.id });
    } catch (error) {
      const { code, message } = toFaultRecord(error, "ENGINE_CRASHED");
      session.fail(fromFaultRecord({ code, message }));
    }
  }

  #endIdle(): void {
    const { idleTimeoutMs } = this.#settings;
    if (idleTimeoutMs <= 0) return;
    const nowMs = monotonicMs();
    for (const session of this.list()) {
      const { idleSinceMs } = session;
      if (idleSinceMs !== undefined && nowMs - idleSinceMs >= idleTimeoutMs)
        void this.delete(session.id, "idle");
    }
  }
}

function addTotals(sum: FrameTotals, more: FrameTotals): void {
  sum.frames += more.frames;
  sum.bytes += more.bytes;
  sum.lost += more.lost;
}

function parseOptions(spec: EngineSpec, options: unknown): unknown {
  const parsed = spec.options.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  const issues = fieldIssues(parsed.error.issues, options);
  throw new Fault("REQUEST_INVALID", `options: ${issueText(issues)}`, issues);
}
