/** Bounds the nesting of JSON that clients send: what is nested a hundred thousand deep exhausts the stack of whoever walks it next. */
import { Fault } from "../core/fault.ts";
import { LIMITS } from "../protocol/limits.ts";

/** Throws REQUEST_INVALID for a value nested deeper than the limit. Looks at each level in turn, so it needs no stack itself. */
export function requireShallow(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > LIMITS.jsonDepth) {
      throw new Fault("REQUEST_INVALID", `JSON may be nested ${LIMITS.jsonDepth} levels deep`);
    }
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== "object" || item === null) continue;
      for (const inner of Object.values(item)) next.push(inner);
    }
    level = next;
  }
}
