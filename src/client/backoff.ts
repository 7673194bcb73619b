/** How long to wait before trying again: doubling, bounded, and spread so that many clients do not return in one moment. */

export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const RECONNECT_BACKOFF: BackoffLimits = { firstMs: 250, maxMs: 8_000 };

/** Delay before the `attempt`-th try (from 1): between half and all of the bound, by `random` in [0, 1). */
export function backoffMs(
  attempt: number,
  random: number,
  limits: BackoffLimits = RECONNECT_BACKOFF,
): number {
  // 2^16 is far beyond any bound; the exponent is capped so that it never overflows.
  const boundMs = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(attempt - 1, 16));
  return boundMs * (0.5 + random / 2);
}
