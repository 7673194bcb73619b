/**
 * The workers that sessions run in: a few shared by light sessions, and one each for those that must not share. It starts
 * them when needed, watches them, and replaces shared ones that died. It never touches a session's content.
 */
import { monotonicMs } from "../core/clock.ts";
import type { Place } from "../engines/contract.ts";
import type { TickStatistics } from "../engines/runtime/blocks.ts";
import {
  type WorkerDeath,
  WorkerHost,
  type WorkerHostEvents,
  type WorkerSettings,
} from "./worker-host.ts";

const WATCH_EVERY_MS = 25;

export interface PoolSettings extends WorkerSettings {
  readonly poolWorkers: number;
}

interface Seat {
  readonly host: WorkerHost;
  readonly place: Place;
  sessions: number;
}

export class WorkerPool {
  readonly #settings: PoolSettings;
  readonly #events: WorkerHostEvents;
  readonly #seats = new Map<WorkerHost, Seat>();
  readonly #watch: Timer;
  #restarts = 0;

  constructor(settings: PoolSettings, events: WorkerHostEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#watch = setInterval(() => this.#watchAll(), WATCH_EVERY_MS);
    this.#watch.unref();
  }

  /** Workers that died and were given up, since the start. */
  get restarts(): number {
    return this.#restarts;
  }

  /** A worker for one more session. Give it back with `leave`. */
  take(place: Place): WorkerHost {
    const seat = (place === "pool" ? this.#sharedSeat() : undefined) ?? this.#start(place);
    seat.sessions++;
    return seat.host;
  }

  leave(host: WorkerHost): void {
    const seat = this.#seats.get(host);
    if (!seat) return;
    seat.sessions--;
    if (seat.place === "dedicated" && seat.sessions <= 0) this.#end(seat);
  }

  statistics(): readonly { place: Place; sessions: number; ticks: TickStatistics }[] {
    return Array.from(this.#seats.values(), (seat) => ({
      place: seat.place,
      sessions: seat.sessions,
      ticks: seat.host.block.statistics,
    }));
  }

  close(): void {
    clearInterval(this.#watch);
    for (const seat of this.#seats.values()) seat.host.terminate();
    this.#seats.clear();
  }

  /** The shared worker with the fewest sessions, once as many run as are allowed. */
  #sharedSeat(): Seat | undefined {
    let best: Seat | undefined;
    let shared = 0;
    for (const seat of this.#seats.values()) {
      if (seat.place !== "pool") continue;
      shared++;
      if (!best || seat.sessions < best.sessions) best = seat;
    }
    const roomForMore = shared < this.#settings.poolWorkers;
    return best && (best.sessions === 0 || !roomForMore) ? best : undefined;
  }

  #start(place: Place): Seat {
    const host = new WorkerHost(this.#settings, {
      rang: this.#events.rang,
      failed: this.#events.failed,
      died: (dead, death) => this.#died(dead, death),
    });
    const seat: Seat = { host, place, sessions: 0 };
    this.#seats.set(host, seat);
    return seat;
  }

  #end(seat: Seat): void {
    this.#seats.delete(seat.host);
    seat.host.terminate();
  }

  #died(host: WorkerHost, death: WorkerDeath): void {
    this.#seats.delete(host);
    this.#restarts++;
    this.#events.died(host, death);
  }

  #watchAll(): void {
    const nowMs = monotonicMs();
    for (const seat of [...this.#seats.values()]) seat.host.watch(nowMs);
  }
}
