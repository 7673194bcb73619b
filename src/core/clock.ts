/**
 * The only reader of the machine's clocks. Engines get time as an argument instead.
 * Both clocks below tick with the monotonic clock of the calling thread and are anchored to Unix time when that thread
 * starts, so threads of one process agree to within a millisecond unless the wall clock is stepped between their starts.
 */

/** Milliseconds since the Unix epoch, sub-millisecond resolution; never runs backwards within a thread. */
export function monotonicMs(): number {
  return performance.timeOrigin + performance.now();
}

/** The same in whole microseconds: the capture stamp of frames. */
export function unixUs(): number {
  return Math.round(monotonicMs() * 1000);
}

/** Wall-clock milliseconds, for what people read: creation times, logs. May step when the clock is set. */
export function wallMs(): number {
  return Date.now();
}
