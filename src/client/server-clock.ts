/**
 * Estimates the server's clock from pings, as NTP does (RFC 5905 §8): the answer's stamp is taken to lie in the middle of
 * the round trip, and of the recent pings the one with the shortest trip is believed, because queues only ever add delay.
 */

interface Sample {
  readonly rttMs: number;
  /** Server's Unix time in microseconds minus local time in microseconds. */
  readonly offsetUs: number;
}

/** At one ping in five seconds the clocks may drift apart 2 ms (50 ppm) before a sample is forgotten. */
const KEPT_SAMPLES = 8;

export class ServerClock {
  readonly #samples: Sample[] = [];
  #best: Sample | undefined;

  /** A ping was sent at `sentMs` and its answer, stamped `serverUs`, came at `receivedMs` (local monotonic clock). */
  add(sentMs: number, receivedMs: number, serverUs: number): void {
    const rttMs = receivedMs - sentMs;
    this.#samples.push({ rttMs, offsetUs: serverUs - ((sentMs + receivedMs) / 2) * 1000 });
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift();
    this.#best = this.#samples.reduce((best, sample) =>
      sample.rttMs < best.rttMs ? sample : best,
    );
  }

  /** Forgets everything: another server may answer next. */
  reset(): void {
    this.#samples.length = 0;
    this.#best = undefined;
  }

  /** The server's Unix time, microseconds, at `localMs`; undefined before the first answer. */
  unixUs(localMs: number): number | undefined {
    return this.#best && this.#best.offsetUs + localMs * 1000;
  }

  /** Shortest recent round trip; half of it bounds the error of the estimate. */
  get rttMs(): number | undefined {
    return this.#best?.rttMs;
  }
}
