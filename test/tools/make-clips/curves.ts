/**
 * Functions of time that the choreographies are written in: splines through keys, low-pass filters, springs and noise, all periodic
 * so that a loop has no seam. Times and periods are in one unit of the caller's choice (seconds, beats or gait phase).
 */
import { clamp } from "./math.ts";

/** A value over time. */
export type Curve = (time: number) => number;
/** A time and the value there. */
export type Key = readonly [time: number, value: number];

/** Time brought into [0, period). */
export function wrap(time: number, period: number): number {
  const rest = time % period;
  return rest < 0 ? rest + period : rest;
}

/** 0 before 0, 1 after 1, and a minimum-jerk step between (Flash and Hogan 1985: how a hand or foot is moved to a place). */
export function minimumJerk(share: number): number {
  const u = clamp(share, 0, 1);
  return u * u * u * (10 + u * (6 * u - 15));
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value ${index} of ${values.length}`);
  return value;
}

function hermite(keys: readonly Key[], slopes: ArrayLike<number>, time: number): number {
  let low = 0;
  let high = keys.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((keys[middle]?.[0] ?? 0) <= time) low = middle;
    else high = middle;
  }
  const [t0, v0] = keys[low] ?? [0, 0];
  const [t1, v1] = keys[high] ?? [0, 0];
  const span = t1 - t0;
  const u = (time - t0) / span;
  const u2 = u * u;
  const u3 = u2 * u;
  return (
    v0 * (2 * u3 - 3 * u2 + 1) +
    v1 * (3 * u2 - 2 * u3) +
    span * (at(slopes, low) * (u3 - 2 * u2 + u) + at(slopes, high) * (u3 - u2))
  );
}

function assertRising(keys: readonly Key[]): void {
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index]?.[0] ?? 0) <= (keys[index - 1]?.[0] ?? 0)) {
      throw new RangeError(`key ${index} is not later than the one before`);
    }
  }
}

/** Cubic spline with continuous curvature through at least two keys of rising time, with given slopes at both ends. */
export function clampedSpline(keys: readonly Key[], slopeFirst: number, slopeLast: number): Curve {
  assertRising(keys);
  const last = keys.length - 1;
  const slopes = new Float64Array(last + 1);
  const factors = new Float64Array(last + 1);
  slopes[0] = slopeFirst;
  for (let i = 1; i < last; i += 1) {
    const [t0, v0] = keys[i - 1] ?? [0, 0];
    const [t1, v1] = keys[i] ?? [0, 0];
    const [t2, v2] = keys[i + 1] ?? [0, 0];
    const before = 1 / (t1 - t0);
    const after = 1 / (t2 - t1);
    const right = 3 * ((v1 - v0) * before * before + (v2 - v1) * after * after);
    const pivot = 2 * (before + after) - before * at(factors, i - 1);
    factors[i] = after / pivot;
    slopes[i] = (right - before * at(slopes, i - 1)) / pivot;
  }
  slopes[last] = slopeLast;
  for (let i = last - 1; i > 0; i -= 1) {
    slopes[i] = at(slopes, i) - at(factors, i) * at(slopes, i + 1);
  }
  const first = keys[0]?.[0] ?? 0;
  const end = keys[last]?.[0] ?? 0;
  return (time) => hermite(keys, slopes, clamp(time, first, end));
}

/**
 * Periodic curve through keys that never overshoots one (Fritsch and Butland 1984): a held value stays held.
 * Slope is continuous, curvature is not: follow it with `smoothed`.
 */
function throughKeys(period: number, keys: readonly Key[]): Curve {
  assertRising(keys);
  const count = keys.length;
  const [t0, v0] = keys[0] ?? [0, 0];
  const [tEnd, vEnd] = keys[count - 1] ?? [0, 0];
  if (tEnd - t0 >= period) throw new RangeError("keys span more than one period");
  if (count === 1) return () => v0;
  const ring: readonly Key[] = [[tEnd - period, vEnd], ...keys, [t0 + period, v0]];
  const slopes = new Float64Array(ring.length);
  for (let i = 1; i <= count; i += 1) {
    const [ta, va] = ring[i - 1] ?? [0, 0];
    const [tb, vb] = ring[i] ?? [0, 0];
    const [tc, vc] = ring[i + 1] ?? [0, 0];
    const left = (vb - va) / (tb - ta);
    const right = (vc - vb) / (tc - tb);
    const share = (1 + (tc - tb) / (tc - ta)) / 3;
    slopes[i] = left * right > 0 ? (left * right) / (share * right + (1 - share) * left) : 0;
  }
  slopes[0] = at(slopes, count);
  slopes[count + 1] = at(slopes, 1);
  return (time) => hermite(ring, slopes, wrap(time - t0, period) + t0);
}

const TABLE_SIZE = 2048;

/** One period of a curve as an even table, read back by a four-point cubic. */
function tabulated(period: number, table: Float64Array): Curve {
  const size = table.length;
  return (time) => {
    const place = (wrap(time, period) / period) * size;
    const index = Math.floor(place);
    const u = place - index;
    const a = at(table, (index + size - 1) % size);
    const b = at(table, index % size);
    const c = at(table, (index + 1) % size);
    const d = at(table, (index + 2) % size);
    return b + 0.5 * u * (c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a)));
  };
}

/** The curve under a Gaussian low-pass filter of standard deviation `sigma`, which removes every corner. */
export function smoothed(period: number, sigma: number, curve: Curve): Curve {
  const source = Float64Array.from({ length: TABLE_SIZE }, (_, i) =>
    curve((i * period) / TABLE_SIZE),
  );
  const reach = Math.ceil((4 * sigma * TABLE_SIZE) / period);
  const weights = Float64Array.from({ length: reach + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i * period) / TABLE_SIZE / sigma) ** 2),
  );
  const total = weights.reduce((sum, weight, i) => sum + (i === 0 ? weight : 2 * weight), 0);
  const table = source.map((value, i) => {
    let sum = at(weights, 0) * value;
    for (let k = 1; k <= reach; k += 1) {
      const before = at(source, (i - k + reach * TABLE_SIZE) % TABLE_SIZE);
      sum += at(weights, k) * (before + at(source, (i + k) % TABLE_SIZE));
    }
    return sum / total;
  });
  return tabulated(period, table);
}

/** Keys, no overshoot, rounded: the ordinary way to write a channel. */
export function keyed(period: number, sigma: number, keys: readonly Key[]): Curve {
  return smoothed(period, sigma, throughKeys(period, keys));
}

/**
 * The periodic answer of a damped spring pulled along by a curve: lag and overshoot, as of a hand behind its arm.
 * `naturalHz` is per time unit, `damping` 1 is critical. Run until the answer repeats to 1e-9 of itself.
 */
export function dragged(
  period: number,
  spring: { readonly naturalHz: number; readonly damping: number },
  curve: Curve,
): Curve {
  const omega = 2 * Math.PI * spring.naturalHz;
  const step = period / TABLE_SIZE;
  const target = Float64Array.from({ length: TABLE_SIZE }, (_, i) => curve((i + 1) * step));
  const table = new Float64Array(TABLE_SIZE);
  let value = curve(0);
  let rate = 0;
  for (let round = 0; round < 100; round += 1) {
    const before = value;
    for (let i = 0; i < TABLE_SIZE; i += 1) {
      table[i] = value;
      // Implicit Euler: stable for any stiffness at this step.
      const force = omega * omega * (at(target, i) - value - step * rate);
      rate +=
        (step * (force - 2 * spring.damping * omega * rate)) /
        (1 + 2 * spring.damping * omega * step + omega * omega * step * step);
      value += step * rate;
    }
    if (round > 0 && Math.abs(value - before) <= 1e-9 * (1 + Math.abs(value))) break;
  }
  return tabulated(period, table);
}

/** Seeded uniform numbers in [0, 1) (Steele and Vigna's SplitMix, 32-bit form): the same everywhere, for ever. */
function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4294967296;
  };
}

/** Periodic noise in about [-1, 1] made of the harmonics 1 to `highest` of the period, falling off as 1/harmonic. */
export function periodicNoise(period: number, highest: number, seed: number): Curve {
  const random = randomSource(seed);
  const waves = Array.from({ length: highest }, (_, index) => ({
    rate: (2 * Math.PI * (index + 1)) / period,
    phase: 2 * Math.PI * random(),
    size: 1 / (index + 1),
  }));
  const power = waves.reduce((sum, wave) => sum + wave.size * wave.size, 0);
  return (time) =>
    waves.reduce((sum, wave) => sum + wave.size * Math.sin(wave.rate * time + wave.phase), 0) /
    Math.sqrt(2 * power);
}
