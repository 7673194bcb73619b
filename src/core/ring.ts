/**
 * The frame ring: fixed-size cells in a SharedArrayBuffer between one writer (a worker) and a few readers (main, linked
 * sessions). It owns the order of cells and the promise that a reader never sees a half-written frame; what the bytes
 * mean is the layout's business. Only the newest frame matters: readers that come late miss frames, never tear them.
 *
 * A reader pins the newest cell with a hazard pointer: it stores the cell's index in its pin word, then reads `newest`
 * again. All accesses are sequentially consistent, so if the second read still names that cell, the writer, which looks
 * at the pins only after it has moved `newest` elsewhere, must see the pin and leave the cell alone (M. Michael, "Hazard
 * pointers", 2004). With one cell newest, one pinned per reader and one being written, readers + 2 cells suffice.
 */
import { FRAME_HEADER_BYTES } from "../protocol/layouts.ts";
import { assert } from "./assert.ts";

/** Int32 words at the start of the buffer, followed by one pin per reader and one sequence per cell. */
const WORD = { newest: 0, published: 1, payloadBytes: 2, readers: 3, pins: 4 } as const;
const NONE = -1;
const CELL_ALIGN_BYTES = 64;

export interface RingShape {
  readonly payloadBytes: number;
  /** Threads that read, each with an index of its own. */
  readonly readers: number;
}

/** One cell: memory for a header and, right behind it, the payload. The views live as long as the ring. */
export interface Cell {
  readonly index: number;
  /** The 32 bytes before the payload. */
  readonly header: DataView;
  readonly payload: DataView;
  readonly payloadBytes: Uint8Array;
  /** Header and payload in one view: what a client that asked for headers is sent. */
  readonly framed: Uint8Array;
}

interface RingParts {
  readonly words: Int32Array;
  readonly cells: readonly Cell[];
  readonly readers: number;
  readonly sequenceWord: number;
}

function cellStride(payloadBytes: number): number {
  const used = FRAME_HEADER_BYTES + payloadBytes;
  return Math.ceil(used / CELL_ALIGN_BYTES) * CELL_ALIGN_BYTES;
}

function firstCellOffset(readers: number): number {
  const words = WORD.pins + readers + (readers + 2);
  return Math.ceil((words * 4) / CELL_ALIGN_BYTES) * CELL_ALIGN_BYTES;
}

/** Allocates an empty ring. The buffer is shared by passing it to the writer's and the readers' constructors. */
export function createRing(shape: RingShape): SharedArrayBuffer {
  assert(
    Number.isInteger(shape.payloadBytes) && shape.payloadBytes > 0,
    "payload of at least one byte",
  );
  assert(
    Number.isInteger(shape.readers) && shape.readers >= 1 && shape.readers <= 16,
    "1 to 16 readers",
  );
  const cellCount = shape.readers + 2;
  const buffer = new SharedArrayBuffer(
    firstCellOffset(shape.readers) + cellCount * cellStride(shape.payloadBytes),
  );
  const words = new Int32Array(buffer);
  words[WORD.newest] = NONE;
  words[WORD.payloadBytes] = shape.payloadBytes;
  words[WORD.readers] = shape.readers;
  words.fill(NONE, WORD.pins, WORD.pins + shape.readers);
  return buffer;
}

function openRing(buffer: SharedArrayBuffer): RingParts {
  const words = new Int32Array(buffer);
  const payloadBytes = words[WORD.payloadBytes] ?? 0;
  const readers = words[WORD.readers] ?? 0;
  const cellCount = readers + 2;
  assert(payloadBytes > 0 && readers > 0, "a buffer made by createRing");
  const start = firstCellOffset(readers);
  const stride = cellStride(payloadBytes);
  const cells = Array.from({ length: cellCount }, (_, index): Cell => {
    const at = start + index * stride;
    return {
      index,
      header: new DataView(buffer, at, FRAME_HEADER_BYTES),
      payload: new DataView(buffer, at + FRAME_HEADER_BYTES, payloadBytes),
      payloadBytes: new Uint8Array(buffer, at + FRAME_HEADER_BYTES, payloadBytes),
      framed: new Uint8Array(buffer, at, FRAME_HEADER_BYTES + payloadBytes),
    };
  });
  return { words, cells, readers, sequenceWord: WORD.pins + readers };
}

/** The single writer of a ring. Use it on one thread only. */
export class RingWriter {
  readonly #words: Int32Array;
  readonly #cells: readonly Cell[];
  readonly #readers: number;
  readonly #sequenceWord: number;
  #open: Cell | undefined;

  constructor(buffer: SharedArrayBuffer) {
    const { words, cells, readers, sequenceWord } = openRing(buffer);
    this.#words = words;
    this.#cells = cells;
    this.#readers = readers;
    this.#sequenceWord = sequenceWord;
  }

  /** The cell to write the next frame into: neither the newest nor pinned. The same one until `publish`. */
  begin(): Cell {
    this.#open ??= this.#free();
    return this.#open;
  }

  #free(): Cell {
    const newest = Atomics.load(this.#words, WORD.newest);
    // One look at the pins may catch a reader between two cells and rule out both. But `newest` stands still meanwhile, so a
    // reader that moves can only leave its cell, try a stale one, and arrive at the newest: each spoils two looks at most.
    for (let look = 0; look <= 2 * this.#readers; look++) {
      for (const cell of this.#cells) {
        if (cell.index !== newest && !this.#pinned(cell.index)) return cell;
      }
    }
    throw new Error("assertion failed: a ring has more cells than can be newest or pinned");
  }

  #pinned(index: number): boolean {
    for (let reader = 0; reader < this.#readers; reader++) {
      if (Atomics.load(this.#words, WORD.pins + reader) === index) return true;
    }
    return false;
  }

  /** Makes the cell given by `begin` the newest one. `sequence` is a u32 that never falls, except by wrapping. */
  publish(sequence: number): void {
    const cell = this.#open;
    assert(cell !== undefined, "publish follows begin");
    Atomics.store(this.#words, this.#sequenceWord + cell.index, sequence | 0);
    Atomics.store(this.#words, WORD.newest, cell.index);
    Atomics.add(this.#words, WORD.published, 1);
    this.#open = undefined;
  }
}

/** One reader of a ring, with a pin of its own. Use it on one thread only. */
export class RingReader {
  /** All cells, in order of their index: for views that are made once. */
  readonly cells: readonly Cell[];
  readonly #words: Int32Array;
  readonly #pinWord: number;
  readonly #sequenceWord: number;

  constructor(buffer: SharedArrayBuffer, readerIndex = 0) {
    const { words, cells, readers, sequenceWord } = openRing(buffer);
    assert(readerIndex >= 0 && readerIndex < readers, "a reader index the ring was made for");
    this.cells = cells;
    this.#words = words;
    this.#pinWord = WORD.pins + readerIndex;
    this.#sequenceWord = sequenceWord;
  }

  /** Counts every publication, so that a change means a new cell; wraps at 2³². */
  get published(): number {
    return Atomics.load(this.#words, WORD.published);
  }

  /** Pins the newest cell and returns it, or undefined while nothing was published. Its bytes hold still until `unpin`. */
  pin(): Cell | undefined {
    let index = Atomics.load(this.#words, WORD.newest);
    while (index !== NONE) {
      Atomics.store(this.#words, this.#pinWord, index);
      const again = Atomics.load(this.#words, WORD.newest);
      if (again === index) return this.cells[index];
      index = again;
    }
    return undefined;
  }

  /** The sequence of a cell that this reader has pinned. */
  sequenceOf(cell: Cell): number {
    return Atomics.load(this.#words, this.#sequenceWord + cell.index) >>> 0;
  }

  unpin(): void {
    Atomics.store(this.#words, this.#pinWord, NONE);
  }
}
