/** Frames on their way to clients: who gets what, what is lost, and that every frame is accounted for. */
import { afterEach, describe, expect, test } from "bun:test";
import { RingWriter } from "../../src/core/ring.ts";
import type { SessionManager } from "../../src/sessions/manager.ts";
import { type FrameTotals, Stream, StreamClient } from "../../src/sessions/stream.ts";
import { failureOf, faultyManager, STREAM, TestSink, until } from "../tools/faulty-manager.ts";

let manager: SessionManager | undefined;

afterEach(async () => {
  await manager?.close();
  manager = undefined;
});

async function session(options: Record<string, unknown> = {}) {
  manager ??= faultyManager();
  return await manager.create({ engine: "faulty", id: undefined, options });
}

/** A stream with a writer of the test's own, so that each frame is published by hand. */
function handDriven() {
  const totals: FrameTotals = { frames: 0, bytes: 0, lost: 0 };
  const stream = new Stream(
    { port: "value", variant: "f32", ringHeader: "soma", payloadBytes: 64 },
    totals,
  );
  const writer = new RingWriter(stream.grant.ring);
  const publish = (sequence: number): void => {
    const cell = writer.begin();
    cell.header.setUint32(12, sequence, true);
    writer.publish(sequence);
    stream.pump();
  };
  const join = () => {
    const sink = new TestSink();
    const client = new StreamClient(1, "soma", sink);
    stream.add(client);
    return { sink, client };
  };
  return { stream, totals, publish, join };
}

describe("accounting", () => {
  test("a healthy client is sent every frame", () => {
    const { publish, join, totals } = handDriven();
    const { sink, client } = join();
    for (let sequence = 1; sequence <= 100; sequence++) publish(sequence);
    expect(sink.sequences).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    expect([client.sent, client.lost]).toEqual([100, 0]);
    expect(totals).toEqual({ frames: 100, bytes: 100 * 96, lost: 0 });
  });

  test("a client that stalls loses whole frames and gets the newest when it drains: sent + lost = produced", () => {
    const { stream, publish, join, totals } = handDriven();
    const { sink, client } = join();
    const { sink: other, client: healthy } = join();
    publish(1);
    sink.answer = "queued";
    publish(2);
    for (let sequence = 3; sequence <= 50; sequence++) publish(sequence);
    expect(sink.sequences).toEqual([1, 2]);
    expect([client.sent, client.lost]).toEqual([2, 48]);
    sink.answer = "sent";
    stream.drained(client);
    expect(sink.sequences).toEqual([1, 2, 50]);
    expect([client.sent, client.lost]).toEqual([3, 47]);
    publish(51);
    expect(sink.sequences).toEqual([1, 2, 50, 51]);
    expect(client.sent + client.lost).toBe(51);
    expect([healthy.sent, healthy.lost]).toEqual([51, 0]);
    expect(other.sequences).toHaveLength(51);
    expect(totals.frames + totals.lost).toBe(2 * 51);
  });

  test("a drain without news sends nothing twice", () => {
    const { stream, publish, join } = handDriven();
    const { sink, client } = join();
    sink.answer = "queued";
    publish(1);
    sink.answer = "sent";
    stream.drained(client);
    expect(sink.sequences).toEqual([1]);
    expect([client.sent, client.lost]).toEqual([1, 0]);
  });

  test("a refused frame is lost; the next drain offers it again if it is still the newest", () => {
    const { stream, publish, join } = handDriven();
    const { sink, client } = join();
    sink.answer = "dropped";
    publish(1);
    expect([client.sent, client.lost]).toEqual([0, 1]);
    sink.answer = "sent";
    stream.drained(client);
    expect(sink.sequences).toEqual([1]);
    expect([client.sent, client.lost]).toEqual([1, 0]);
  });

  test("frames main was too slow for are counted as lost for each client, also across the wrap of the sequence", () => {
    const { publish, join } = handDriven();
    const { sink, client } = join();
    publish(0xffff_fffe);
    publish(0xffff_ffff);
    publish(3);
    expect(sink.sequences).toEqual([0xffff_fffe, 0xffff_ffff, 3]);
    expect([client.sent, client.lost]).toEqual([3, 3]);
  });

  test("a redraw of the same moment goes only to those who do not have it", () => {
    const { publish, join } = handDriven();
    const first = join();
    publish(7);
    publish(7);
    const late = join();
    publish(7);
    expect(first.sink.sequences).toEqual([7]);
    expect(late.sink.sequences).toEqual([7]);
    expect([first.client.lost, late.client.lost]).toEqual([0, 0]);
  });

  test("frames are views of the ring: no JavaScript copies them", () => {
    const totals: FrameTotals = { frames: 0, bytes: 0, lost: 0 };
    const stream = new Stream(
      { port: "value", variant: "f32", ringHeader: "soma", payloadBytes: 64 },
      totals,
    );
    const { ring } = stream.grant;
    const writer = new RingWriter(ring);
    const buffers = new Set<ArrayBufferLike>();
    const views = new Set<Uint8Array>();
    const sink = {
      send: (frame: Uint8Array) => {
        buffers.add(frame.buffer);
        views.add(frame);
        return "sent" as const;
      },
      close: () => undefined,
    };
    for (const header of ["none", "soma"] as const) stream.add(new StreamClient(1, header, sink));
    for (let sequence = 1; sequence <= 1_000; sequence++) {
      writer.begin();
      writer.publish(sequence);
      stream.pump();
    }
    expect([...buffers]).toEqual([ring]);
    // Two forms of at most three cells: the views themselves are made once.
    expect(views.size).toBeLessThanOrEqual(6);
  });

  test("a moma header ends where the payload begins", () => {
    const stream = new Stream(
      { port: "value", variant: "f32", ringHeader: "moma", payloadBytes: 64 },
      { frames: 0, bytes: 0, lost: 0 },
    );
    const writer = new RingWriter(stream.grant.ring);
    writer.begin().header.setUint32(20, 0xbaddf00d, true);
    writer.publish(1);
    const newest = stream.newest("moma");
    expect(newest?.frame.byteLength).toBe(12 + 64);
    expect(
      new DataView((newest as { frame: Uint8Array<ArrayBuffer> }).frame.buffer).getUint32(0, true),
    ).toBe(0xbaddf00d);
  });
});

describe("a session's streams", () => {
  test("time goes on when nobody listens, and a newcomer gets the present moment at once", async () => {
    const one = await session({ fps: 5 });
    await until(() => one.sequence >= 2);
    const sink = new TestSink();
    const joinedMs = performance.now();
    one.subscribe(STREAM, sink);
    await until(() => sink.sequences.length > 0);
    expect(performance.now() - joinedMs).toBeLessThan(100);
    expect(sink.sequences[0]).toBe(one.sequence);
  });

  test("the last client gone, nothing is published any more; the next one starts afresh", async () => {
    const one = await session();
    const sink = new TestSink();
    const first = one.subscribe(STREAM, sink);
    await until(() => sink.sequences.length > 3);
    first.end();
    expect(one.streaming).toBe(false);
    const count = sink.sequences.length;
    await Bun.sleep(60);
    expect(sink.sequences.length).toBe(count);
    const again = new TestSink();
    one.subscribe(STREAM, again);
    await until(() => again.sequences.length > 3);
    expect(again.sequences[0]).toBeGreaterThan(sink.sequences.at(-1) ?? 0);
  });

  test("the newest frame can be had without a stream, and polling keeps one open for a second", async () => {
    const one = await session();
    const a = await one.newestFrame(STREAM);
    expect(a.frame.byteLength).toBe(96);
    await Bun.sleep(60);
    const b = await one.newestFrame(STREAM);
    expect(b.sequence).toBeGreaterThan(a.sequence);
    expect(one.streaming).toBe(true);
    await until(() => !one.streaming, 2_000);
  });

  test("a variant that is not there is refused with those that are", async () => {
    const one = await session();
    expect(await failureOf(one.newestFrame({ ...STREAM, variant: "f8" }))).toMatchObject({
      code: "NOT_ACCEPTABLE",
      details: { variants: ["f32"] },
    });
  });

  test("no drift: over 3 s at 200 Hz the count is right to one frame", async () => {
    const one = await session({ fps: 200 });
    await until(() => one.sequence > 0);
    const from = { sequence: one.sequence, ms: performance.now() };
    await Bun.sleep(3_000);
    const { alive_s } = await one.describe();
    const elapsedS = (performance.now() - from.ms) / 1000;
    const framesS = (one.sequence - from.sequence) / 200;
    // Beats missed altogether under load are one longer step: media time is exact, frames may be fewer.
    expect(Math.abs(Number(alive_s) - elapsedS)).toBeLessThan(0.1);
    expect(framesS).toBeLessThan(elapsedS + 0.02);
    expect(framesS).toBeGreaterThan(elapsedS * 0.8);
  });
});

describe("the end of a session", () => {
  test("deleted: clients are closed with 1001 and the reason, the id is free", async () => {
    const one = await session();
    const sink = new TestSink();
    one.subscribe(STREAM, sink);
    await manager?.delete(one.id);
    expect(sink.closed).toEqual({ code: 1001, reason: "the session was deleted" });
    expect(manager?.find(one.id)).toBeUndefined();
    expect(() => one.command("set", { value: 1 })).toThrow("not running");
  });

  test("idle: ended after the time-out, but never while it has a client", async () => {
    manager = faultyManager({ idleTimeoutMs: 300 });
    const watched = await session();
    const idle = await session();
    watched.subscribe(STREAM, new TestSink());
    await until(() => manager?.find(idle.id) === undefined, 4_000);
    expect(watched.state).toBe("running");
  });

  test("shutdown: new sessions are refused, clients are told", async () => {
    const one = await session();
    const sink = new TestSink();
    one.subscribe(STREAM, sink);
    const closing = manager?.close();
    expect(await failureOf(session())).toMatchObject({ code: "SHUTTING_DOWN" });
    await closing;
    expect(sink.closed).toEqual({ code: 1001, reason: "the server is stopping" });
  });
});

describe("the newest frame on request", () => {
  test("it shows every command answered before, at once, and has a number of its own", async () => {
    const one = await session({ fps: 1 });
    const before = await one.newestFrame(STREAM);
    for (let value = 1; value <= 20; value++) {
      one.command("set", { value });
      const { frame, sequence } = await one.newestFrame(STREAM);
      expect(new DataView(frame.buffer, frame.byteOffset).getFloat32(36, true)).toBe(value);
      expect(sequence).toBeGreaterThan(before.sequence);
    }
    const [a, b] = [await one.newestFrame(STREAM), await one.newestFrame(STREAM)];
    expect(b.sequence).toBe(a.sequence);
  });
});
