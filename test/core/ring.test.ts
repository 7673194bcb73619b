/**
 * The ring's promise: a reader never sees a frame that is half another. Every element of a frame carries the frame's number, a
 * writer runs free in its own thread, and readers look at every element, some of them holding cells for milliseconds.
 */
import { describe, expect, test } from "bun:test";
import { createRing, RingReader, RingWriter } from "../../src/core/ring.ts";

const PAYLOAD_BYTES = 65 * 64;

function worker(name: string): Worker {
  return new Worker(new URL(`../fixtures/${name}.ts`, import.meta.url).href);
}

async function messageOf<T>(from: Worker): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  from.onmessage = (event: MessageEvent<T>) => resolve(event.data);
  from.onerror = (event) => reject(new Error(event.message));
  return await promise;
}

describe("ring", () => {
  test("1,000,000 free-running frames, three readers, two of them stalling: none torn, none out of order", async () => {
    const ring = createRing({ payloadBytes: PAYLOAD_BYTES, readers: 3 });
    const stop = new SharedArrayBuffer(4);
    const stallers = [1, 2].map((index) => {
      const staller = worker("ring-staller");
      staller.postMessage({ ring, index, stop });
      return { staller, result: messageOf<{ looks: number; torn: number }>(staller) };
    });
    const writer = worker("ring-writer");
    const done = messageOf<string>(writer);
    let finished = false;
    void done.then(() => {
      finished = true;
    });
    writer.postMessage({ ring, frames: 1_000_000 });

    const reader = new RingReader(ring, 0);
    let looks = 0;
    let torn = 0;
    let backwards = 0;
    let last = 0;
    while (!finished) {
      for (let burst = 0; burst < 200; burst++) {
        const cell = reader.pin();
        if (!cell) continue;
        const sequence = reader.sequenceOf(cell);
        const elements = new Uint32Array(
          cell.payload.buffer,
          cell.payload.byteOffset,
          PAYLOAD_BYTES / 4,
        );
        if (elements.some((element) => element !== sequence)) torn++;
        if (sequence < last) backwards++;
        last = sequence;
        looks++;
        reader.unpin();
      }
      await Bun.sleep(0);
    }
    Atomics.store(new Int32Array(stop), 0, 1);
    Atomics.notify(new Int32Array(stop), 0);
    const stalled = await Promise.all(stallers.map(({ result }) => result));
    for (const { staller } of stallers) staller.terminate();
    writer.terminate();

    expect(torn).toBe(0);
    expect(backwards).toBe(0);
    expect(looks).toBeGreaterThan(1_000);
    for (const result of stalled) {
      expect(result.torn).toBe(0);
      expect(result.looks).toBeGreaterThan(20);
    }
    const cell = reader.pin();
    expect(cell && reader.sequenceOf(cell)).toBe(1_000_000);
  }, 120_000);

  test("the test above can fail: a reader that does not pin sees torn frames", async () => {
    const ring = createRing({ payloadBytes: PAYLOAD_BYTES, readers: 1 });
    const writer = worker("ring-writer");
    const done = messageOf<string>(writer);
    let finished = false;
    void done.then(() => {
      finished = true;
    });
    writer.postMessage({ ring, frames: 1_000_000 });
    const reader = new RingReader(ring, 0);
    let torn = 0;
    while (!finished && torn === 0) {
      for (let burst = 0; burst < 200; burst++) {
        const cell = reader.pin();
        if (!cell) continue;
        reader.unpin();
        const elements = new Uint32Array(
          cell.payload.buffer,
          cell.payload.byteOffset,
          PAYLOAD_BYTES / 4,
        );
        const first = elements[0];
        if (elements.some((element) => element !== first)) torn++;
      }
      await Bun.sleep(0);
    }
    writer.terminate();
    expect(torn).toBeGreaterThan(0);
  }, 60_000);

  test("a pinned cell is never handed to the writer, however long it is held", () => {
    const ring = createRing({ payloadBytes: 64, readers: 1 });
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    writer.begin();
    writer.publish(1);
    const held = reader.pin();
    for (let sequence = 2; sequence < 1_000; sequence++) {
      expect(writer.begin().index).not.toBe(held?.index ?? -1);
      writer.publish(sequence);
    }
    reader.unpin();
    const newest = reader.pin();
    expect(newest && reader.sequenceOf(newest)).toBe(999);
  });

  test("nothing published, nothing pinned", () => {
    const reader = new RingReader(createRing({ payloadBytes: 64, readers: 1 }));
    expect(reader.pin()).toBeUndefined();
    expect(reader.published).toBe(0);
  });

  test("the header lies right before the payload, and both are aligned", () => {
    const writer = new RingWriter(createRing({ payloadBytes: 100, readers: 2 }));
    for (let sequence = 1; sequence <= 4; sequence++) {
      const cell = writer.begin();
      expect(cell.header.byteOffset + 32).toBe(cell.payload.byteOffset);
      expect(cell.framed.byteOffset).toBe(cell.header.byteOffset);
      expect(cell.payload.byteOffset % 32).toBe(0);
      writer.publish(sequence);
    }
  });

  test("sequences wrap at 2³² without confusing readers", () => {
    const ring = createRing({ payloadBytes: 64, readers: 1 });
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    for (const sequence of [0xffff_fffe, 0xffff_ffff, 0, 1]) {
      writer.begin();
      writer.publish(sequence);
      const cell = reader.pin();
      expect(cell && reader.sequenceOf(cell)).toBe(sequence);
      reader.unpin();
    }
  });
});
