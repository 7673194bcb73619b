/** Assertions for programmer errors: they never depend on input. A failed one ends the worker or request that holds it. */

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
