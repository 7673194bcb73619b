/**
 * One frame variant of one session on its way out: the ring it is read from and the clients it is sent to. Frames are sent
 * as views of the ring, without a copy in JavaScript, and every frame is accounted for: sent + lost = produced, per client.
 */
import { assert } from "../core/assert.ts";
import { type Cell, createRing, RingReader } from "../core/ring.ts";
import type { StreamGrant } from "../engines/runtime/messages.ts";
import { FRAME_HEADER_BYTES, type HeaderForm, MOMA_HEADER_BYTES } from "../protocol/layouts.ts";

/** What became of a frame given to a client: a queued one will arrive, but the next should wait for `drained`. */
export type Sent = "sent" | "queued" | "dropped";

/** A client's socket, as much of it as frames need. */
export interface FrameSink {
  send(frame: Uint8Array): Sent;
  close(code: number, reason: string): void;
}

export interface FrameTotals {
  frames: number;
  bytes: number;
  lost: number;
}

/** One client of a stream. The counters are exact: frames produced since it joined = sent + lost. */
export class StreamClient {
  readonly id: number;
  readonly header: HeaderForm;
  readonly sink: FrameSink;
  sent = 0;
  lost = 0;
  /** Sequence of the newest frame accounted for; undefined before the first. */
  #sequence: number | undefined;
  #newestLost = false;
  #congested = false;

  constructor(id: number, header: HeaderForm, sink: FrameSink) {
    this.id = id;
    this.header = header;
    this.sink = sink;
  }

  get congested(): boolean {
    return this.#congested;
  }

  /** Accounts for the frame `sequence` and all since the last one, and sends it if the client can take it. */
  offer(frame: Uint8Array, sequence: number, totals: FrameTotals): void {
    const news = this.#sequence === undefined ? 1 : (sequence - this.#sequence) >>> 0;
    // A redraw of the moment this client has already, made for someone else.
    if (news === 0 || news >= 0x8000_0000) return;
    this.#sequence = sequence;
    this.lost += news - 1;
    totals.lost += news - 1;
    this.#newestLost = true;
    if (this.#congested || !this.#send(frame, totals)) {
      this.lost++;
      totals.lost++;
    }
  }

  /** Called when the socket can take data again: a client that missed the newest frame gets it now. */
  drained(frame: Uint8Array | undefined, sequence: number, totals: FrameTotals): void {
    this.#congested = false;
    if (!frame) return;
    if (sequence === this.#sequence) {
      if (!this.#newestLost || !this.#send(frame, totals)) return;
      this.lost--;
      totals.lost--;
    } else {
      this.offer(frame, sequence, totals);
    }
  }

  #send(frame: Uint8Array, totals: FrameTotals): boolean {
    const result = this.sink.send(frame);
    if (result !== "sent") this.#congested = true;
    if (result === "dropped") return false;
    this.#newestLost = false;
    this.sent++;
    totals.frames++;
    totals.bytes += frame.byteLength;
    return true;
  }
}

export interface StreamShape {
  readonly port: string;
  readonly variant: string;
  readonly ringHeader: "soma" | "moma";
  readonly payloadBytes: number;
}

export class Stream {
  readonly shape: StreamShape;
  readonly clients = new Set<StreamClient>();
  readonly #totals: FrameTotals;
  #ring: SharedArrayBuffer;
  #reader: RingReader;
  #published = 0;
  /** What clients are sent, by cell: the payload alone, and with the header before it. */
  #bare: readonly Uint8Array[] = [];
  #framed: readonly Uint8Array[] = [];

  constructor(shape: StreamShape, totals: FrameTotals) {
    this.shape = shape;
    this.#totals = totals;
    this.#ring = createRing({ payloadBytes: shape.payloadBytes, readers: 1 });
    this.#reader = new RingReader(this.#ring);
    this.#makeViews();
  }

  get grant(): StreamGrant {
    const { port, variant, ringHeader } = this.shape;
    return { port, variant, header: ringHeader, ring: this.#ring };
  }

  /** A fresh ring for a new worker: the old one may still be written by a thread that could not be stopped. */
  renew(): void {
    this.#ring = createRing({ payloadBytes: this.shape.payloadBytes, readers: 1 });
    this.#reader = new RingReader(this.#ring);
    this.#published = 0;
    this.#makeViews();
  }

  #makeViews(): void {
    const skip = this.shape.ringHeader === "moma" ? FRAME_HEADER_BYTES - MOMA_HEADER_BYTES : 0;
    this.#bare = this.#reader.cells.map((cell) => cell.payloadBytes);
    this.#framed = this.#reader.cells.map((cell) => cell.framed.subarray(skip));
  }

  add(client: StreamClient): void {
    this.clients.add(client);
    this.#withNewest((cell, sequence) =>
      client.offer(this.#view(cell, client.header), sequence, this.#totals),
    );
  }

  /** Sends the newest frame to every client, if there is one since the last call. */
  pump(): void {
    const published = this.#reader.published;
    if (published === this.#published) return;
    this.#published = published;
    const cell = this.#reader.pin();
    if (!cell) return;
    const sequence = this.#reader.sequenceOf(cell);
    for (const client of this.clients) {
      client.offer(this.#view(cell, client.header), sequence, this.#totals);
    }
    this.#reader.unpin();
  }

  drained(client: StreamClient): void {
    const served = this.#withNewest((cell, sequence) =>
      client.drained(this.#view(cell, client.header), sequence, this.#totals),
    );
    if (!served) client.drained(undefined, 0, this.#totals);
  }

  /** A copy of the newest frame, for an answer that outlives the ring's patience. */
  newest(header: HeaderForm): { frame: Uint8Array; sequence: number } | undefined {
    let newest: { frame: Uint8Array; sequence: number } | undefined;
    this.#withNewest((cell, sequence) => {
      newest = { frame: this.#view(cell, header).slice(), sequence };
    });
    return newest;
  }

  #withNewest(use: (cell: Cell, sequence: number) => void): boolean {
    const cell = this.#reader.pin();
    if (!cell) return false;
    try {
      use(cell, this.#reader.sequenceOf(cell));
    } finally {
      this.#reader.unpin();
    }
    return true;
  }

  #view(cell: Cell, header: HeaderForm): Uint8Array {
    const view = (header === "none" ? this.#bare : this.#framed)[cell.index];
    assert(view !== undefined, "a view for each cell");
    return view;
  }
}
