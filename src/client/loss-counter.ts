/** Counts frames that were made while this client was connected and never reached it, from gaps in the u32 sequence. */

export class LossCounter {
  received = 0;
  lost = 0;
  #last: number | undefined;

  /** A new connection: what happened while there was none is not a loss of the stream. */
  rejoin(): void {
    this.#last = undefined;
  }

  /** Takes the next frame's number. Answers whether it is news: not a number already seen. */
  accept(sequence: number): boolean {
    const step = this.#last === undefined ? 1 : (sequence - this.#last) >>> 0;
    if (step === 0) return false;
    this.#last = sequence;
    this.received++;
    // Half the range back means the numbering began anew, not two thousand million losses.
    if (step < 0x8000_0000) this.lost += step - 1;
    return true;
  }
}
