/** The stream against a server that loses, lies, breaks and refuses on demand. */
import { describe, expect, test } from "bun:test";
import { connect } from "../../src/client/connect.ts";
import type { StreamStatus } from "../../src/client/socket-link.ts";
import { SomaError } from "../../src/client/soma-error.ts";
import type { Stream } from "../../src/client/stream.ts";
import { FRAME_FLAG } from "../../src/protocol/layouts.ts";
import { FakeServer, until } from "./fake-server.ts";

async function open(server: FakeServer, options: Parameters<typeof connect>[0] = {}) {
  const more = typeof options === "string" ? {} : options;
  return (await connect({ url: server.url, session: "demo", ...more })) as Stream;
}

const caught = async (promise: Promise<unknown>): Promise<SomaError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SomaError) return error;
  throw new Error(`expected a SomaError, got ${String(error)}`);
};

describe("frames", () => {
  test("connect resolves with the skeleton; latest() is the newest pose, the same array until the next", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    expect(stream.skeleton.bone_names).toEqual(["root", "tip"]);
    expect(stream.latest()).toBeUndefined();
    server.send({
      sequence: 7,
      value: 0.5,
      mediaTimeS: 1.25,
      captureUs: 123_456,
      flags: FRAME_FLAG.paused,
    });
    await until(() => stream.latest() !== undefined, "a frame");
    const pose = stream.latest();
    expect(pose).toBeInstanceOf(Float32Array);
    expect(pose?.length).toBe(32);
    expect(pose?.[0]).toBe(0.5);
    expect(stream.latest()).toBe(pose as Float32Array);
    expect(stream.frame).toMatchObject({
      sequence: 7,
      mediaTimeS: 1.25,
      captureUs: 123_456,
      paused: true,
    });
    server.send({ sequence: 8, value: 0.75 });
    await until(() => stream.latest()?.[0] === 0.75, "the next frame");
    // The frame handed out before still holds what it held.
    expect(pose?.[0]).toBe(0.5);
    stream.close();
  });

  test("asks for the wanted form, with the header and the token", async () => {
    await using server = new FakeServer();
    const stream = await open(server, { form: { space: "global", order: "column" }, token: "a&b" });
    const query = Object.fromEntries(server.connections[0]?.searchParams ?? []);
    expect(query).toEqual({
      dtype: "f32",
      space: "global",
      order: "column",
      header: "soma",
      token: "a&b",
    });
    stream.close();
  });

  test("losses are gaps in the numbers, across the wrap at 2³²; repeats are not frames", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    for (const sequence of [0xffff_fffd, 0xffff_ffff, 0xffff_ffff, 2, 3]) server.send({ sequence });
    await until(() => stream.frame?.sequence === 3, "the last frame");
    // Missing: …fffe; then 0 and 1.
    expect(stream.stats).toMatchObject({ framesReceived: 4, framesLost: 3 });
    stream.close();
  });

  test("a numbering that begins anew is not a loss", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    for (const sequence of [5_000, 1, 2]) server.send({ sequence });
    await until(() => stream.frame?.sequence === 2, "the last frame");
    expect(stream.stats).toMatchObject({ framesReceived: 3, framesLost: 0 });
    stream.close();
  });

  test("bytes that are no frame of this skeleton are ignored", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    for (const socket of server.sockets) {
      socket.sendBinary(new Uint8Array(7));
      socket.sendBinary(server.bytesOf({ sequence: 1 }).subarray(0, 100));
      socket.send("not JSON");
    }
    server.send({ sequence: 2 });
    await until(() => stream.frame?.sequence === 2, "the good frame");
    expect(stream.stats.framesReceived).toBe(1);
    stream.close();
  });

  test("for await gives the newest each time and skips what it has no time for", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    const seen: number[] = [];
    server.send({ sequence: 1 });
    for await (const frame of stream) {
      seen.push(frame.sequence);
      if (frame.sequence === 9) break;
      for (let sequence = 2; sequence <= 9; sequence++) server.send({ sequence });
      await until(() => stream.frame?.sequence === 9, "the burst");
    }
    expect(seen).toEqual([1, 9]);
    stream.close();
    const after: number[] = [];
    for await (const frame of stream) after.push(frame.sequence);
    expect(after).toEqual([]);
  });

  test("onFrame can be stopped, also from inside", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    let calls = 0;
    const stop = stream.onFrame(() => {
      calls++;
      stop();
    });
    server.send({ sequence: 1 });
    server.send({ sequence: 2 });
    await until(() => stream.frame?.sequence === 2, "both frames");
    expect(calls).toBe(1);
    stream.close();
  });
});

describe("time", () => {
  test("frame age counts on the server's clock, an hour off ours", async () => {
    await using server = new FakeServer();
    server.clockOffsetUs = 3_600_000_000;
    const stream = await open(server);
    await until(() => stream.serverTimeUs() !== undefined, "a pong");
    const serverUs = (performance.timeOrigin + performance.now()) * 1000 + server.clockOffsetUs;
    server.send({ sequence: 1, captureUs: serverUs - 50_000 });
    await until(() => stream.frame !== undefined, "a frame");
    const { ageMs = Number.NaN, rttMs = Number.NaN } = stream.stats;
    // 50 ms old when sent; loopback and the scheduler add a little. Half a round trip bounds the clock's error.
    expect(ageMs).toBeGreaterThan(50 - rttMs / 2 - 0.001);
    expect(ageMs).toBeLessThan(150);
    stream.close();
  });
});

describe("commands", () => {
  test("go out with their arguments and come back to their own promise, in whatever order", async () => {
    await using server = new FakeServer();
    const held: Record<string, unknown>[] = [];
    server.answer = ({ type, id, ...args }) => {
      held.push({ type, id, status: "updated", session_id: "demo", args });
      return undefined;
    };
    const stream = await open(server);
    const answers = Promise.all([
      stream.speed(0.5),
      stream.seek({ fraction: 0.25 }),
      stream.loop({ mode: "pingpong", start: 1 }),
      stream.command("jump", { height: 2 }),
    ]);
    await until(() => held.length === 4, "four commands");
    for (const socket of server.sockets)
      for (const answer of held.toReversed()) socket.send(JSON.stringify(answer));
    expect((await answers).map(({ type, args }) => [type, args])).toEqual([
      ["speed", { speed: 0.5 }],
      ["seek", { fraction: 0.25 }],
      ["loop", { mode: "pingpong", start: 1 }],
      ["jump", { height: 2 }],
    ]);
    stream.close();
  });

  test("a refusal rejects with the server's code, message, hint and details", async () => {
    await using server = new FakeServer();
    const said = {
      code: "REQUEST_INVALID",
      message: "fps: too big",
      hint: "Look up.",
      details: [{ path: "fps" }],
    };
    server.answer = ({ id }) => ({ type: "error", id, error: said });
    const stream = await open(server);
    const error = await caught(stream.fps(9_999));
    expect(error).toMatchObject({ ...said, name: "SomaError", retry: false });
    stream.close();
  });

  test("without a connection they reject at once; when it breaks, those under way do", async () => {
    await using server = new FakeServer();
    server.answer = () => undefined;
    const stream = await open(server);
    const underWay = caught(stream.pause());
    await until(() => server.messages.some(({ type }) => type === "pause"), "the command");
    server.drop();
    expect((await underWay).code).toBe("CONNECTION_LOST");
    await until(() => stream.status.state === "waiting", "the loss");
    expect((await caught(stream.play())).code).toBe("CONNECTION_LOST");
    stream.close();
    expect((await caught(stream.play())).code).toBe("STREAM_CLOSED");
  });
});

describe("the connection", () => {
  test("comes back after a loss, says why it was gone, and does not count that time as losses", async () => {
    await using server = new FakeServer();
    const statuses: StreamStatus[] = [];
    const stream = await open(server, { onStatus: (status) => statuses.push(status) });
    server.send({ sequence: 10 });
    await until(() => stream.frame?.sequence === 10, "the first frame");
    server.drop(1012, "the server restarts");
    await until(
      () => stream.status.state === "open" && server.connections.length === 2,
      "the return",
    );
    server.send({ sequence: 500 });
    await until(() => stream.frame?.sequence === 500, "a frame after the return");
    expect(stream.stats).toMatchObject({ framesReceived: 2, framesLost: 0, reconnects: 1 });
    expect(statuses.map(({ state }) => state)).toEqual([
      "connecting",
      "open",
      "waiting",
      "connecting",
      "open",
    ]);
    const waiting = statuses[2];
    expect(waiting?.reason?.message).toBe("the server restarts");
    // The first delay of the backoff is between 125 and 250 ms.
    expect(waiting?.retryInMs).toBeWithin(125, 250.001);
    expect(statuses[4]?.reason).toBeUndefined();
    stream.close();
  });

  test("waits longer each time while there is nobody, then finds the server again", async () => {
    const first = new FakeServer();
    const { port } = first;
    const stream = await open(first);
    const delays: number[] = [];
    stream.onStatus(({ state, retryInMs, reason }) => {
      if (state !== "waiting" || retryInMs === undefined) return;
      delays.push(retryInMs);
      expect(reason?.retry).toBe(true);
    });
    await first[Symbol.asyncDispose]();
    await until(() => delays.length >= 3, "three tries", 5_000);
    // Bounds double: 250, 500, 1000 ms, each spread down to its half.
    for (const [index, delay] of delays.entries()) {
      expect(delay).toBeWithin(125 * 2 ** index, 250 * 2 ** index + 0.001);
    }
    await using again = new FakeServer(port);
    await until(() => stream.status.state === "open", "the return", 5_000);
    expect(again.connections.length).toBe(1);
    stream.close();
  }, 15_000);

  test("a skeleton that changed meanwhile is fetched, told, and frames are read by it", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    const told: string[][] = [];
    stream.onSkeleton(({ bone_names }) => told.push([...bone_names]));
    server.boneNames = ["a", "b", "c"];
    server.drop();
    await until(() => server.sockets.size === 1 && stream.status.state === "open", "the return");
    server.send({ sequence: 1 });
    await until(() => stream.latest()?.length === 48, "a frame of three bones");
    expect(told).toEqual([["a", "b", "c"]]);
    stream.close();
  });

  test("a frame that comes before its skeleton is kept: a paused session sends no other", async () => {
    await using server = new FakeServer();
    const early = server.bytesOf({ sequence: 4, value: 0.25 });
    const connecting = open(server);
    await until(() => server.sockets.size === 1, "the connection");
    for (const socket of server.sockets) socket.sendBinary(early);
    const stream = await connecting;
    await until(() => stream.latest()?.[0] === 0.25, "the early frame");
    stream.close();
  });

  test("gives up on a session that does not exist, in the server's words", async () => {
    await using server = new FakeServer();
    const error = {
      code: "SESSION_NOT_FOUND",
      message: "Session does not exist",
      hint: "Create it.",
    };
    server.refusal = { code: 4000, reason: error.message, error };
    expect(await caught(open(server))).toMatchObject(error);
    expect(server.connections.length).toBe(1);
  });

  test("reads the close code where nothing was said", async () => {
    await using server = new FakeServer();
    server.refusal = { code: 4000, reason: "Session does not exist" };
    expect(await caught(open(server))).toMatchObject({
      code: "SESSION_NOT_FOUND",
      message: "Session does not exist",
    });
  });

  test("waits for a session where told to", async () => {
    await using server = new FakeServer();
    server.refusal = { code: 4000, reason: "Session does not exist" };
    const opening = open(server, { waitForSession: true });
    await until(() => server.connections.length === 2, "a second try");
    server.refusal = undefined;
    const stream = await opening;
    expect(stream.status.state).toBe("open");
    stream.close();
  });

  test("a session deleted under way: tries once more, then ends, and so does for await", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    const end = (async () => {
      for await (const _ of stream) expect.unreachable();
    })();
    server.refusal = { code: 4000, reason: "Session does not exist" };
    server.drop(1001, "the session was deleted");
    expect((await caught(end)).code).toBe("SESSION_NOT_FOUND");
    expect(stream.status.state).toBe("closed");
    expect(server.connections.length).toBe(2);
  });

  test("a full server is tried again until the time is up, then its reason is given", async () => {
    await using server = new FakeServer();
    const error = { code: "CLIENT_LIMIT", message: "10000 clients", hint: "Close one." };
    server.refusal = { code: 4503, reason: error.message, error };
    expect(await caught(open(server, { timeoutMs: 700 }))).toMatchObject({ ...error, retry: true });
    expect(server.connections.length).toBeGreaterThanOrEqual(2);
  });

  test("a refused handshake is explained over HTTP, and not tried again", async () => {
    await using server = new FakeServer();
    const error = {
      code: "UNAUTHORISED",
      message: "this server needs its token",
      hint: "Send it.",
    };
    let requests = 0;
    server.http = () => {
      requests++;
      return Response.json({ error }, { status: 401 });
    };
    expect(await caught(open(server))).toMatchObject(error);
    expect(requests).toBe(2);
  });

  test("no server: says so within the time given", async () => {
    const gone = new FakeServer();
    await gone[Symbol.asyncDispose]();
    const error = await caught(open(gone, { timeoutMs: 400 }));
    expect(error).toMatchObject({
      code: "CONNECTION_FAILED",
      message: `${gone.url} does not answer`,
    });
  });

  test("reconnect: false ends at the first loss; a signal ends the wait", async () => {
    await using server = new FakeServer();
    const stream = await open(server, { reconnect: false });
    server.drop(1012, "bye");
    await until(() => stream.status.state === "closed", "the end");
    expect(stream.status.reason?.message).toBe("bye");
    server.refusal = { code: 4503, reason: "full" };
    const abort = new AbortController();
    const opening = open(server, { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(opening).rejects.toThrow("enough");
  });

  test("close() leaves no timer and no socket behind", async () => {
    await using server = new FakeServer();
    const stream = await open(server);
    stream.close();
    await until(() => server.sockets.size === 0, "the close");
    const { length } = server.messages;
    await Bun.sleep(500);
    expect(server.messages.length).toBe(length);
    expect(server.connections.length).toBe(1);
  });
});
