/** Events per second over the last second, in constant memory: counts in time slots, the running slot left out. */

const SLOTS = 10;
const SLOT_MS = 100;

export class RateMeter {
  readonly #counts = new Uint32Array(SLOTS + 1);
  #slot: number | undefined;
  #firstSlot = 0;

  add(nowMs: number): void {
    const slot = this.#moveTo(nowMs);
    const at = slot % this.#counts.length;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Events per second, 0 before a tenth of a second has been seen. */
  perSecond(nowMs: number): number {
    if (this.#slot === undefined) return 0;
    const slot = this.#moveTo(nowMs);
    const slots = Math.min(SLOTS, slot - this.#firstSlot);
    if (slots <= 0) return 0;
    let total = 0;
    for (const count of this.#counts) total += count;
    total -= this.#counts[slot % this.#counts.length] ?? 0;
    return (total * 1000) / (slots * SLOT_MS);
  }

  /** Clears the slots between the last event and now. */
  #moveTo(nowMs: number): number {
    const now = Math.floor(nowMs / SLOT_MS);
    const last = this.#slot;
    if (last === undefined) this.#firstSlot = now;
    else if (now <= last) return last;
    const from = Math.max(last === undefined ? now : last + 1, now - SLOTS);
    for (let slot = from; slot <= now; slot++) this.#counts[slot % this.#counts.length] = 0;
    this.#slot = now;
    return now;
  }
}
