/**
 * Goal: the stream's WebSocket carries exactly the frames and messages that it promises, to those who may have them. Method: real
 * connections to a whole server; frames are compared with what REST gives for the same paused moment.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ERRORS, type ErrorCode } from "../../../src/protocol/errors.ts";
import {
  DTYPE_BYTES,
  DTYPES,
  FRAME_HEADER_BYTES,
  HEADERS,
  MOMA_HEADER,
  MOMA_HEADER_BYTES,
  MOMA_MAGIC,
  ORDERS,
  readFrameHeader,
  SPACES,
} from "../../../src/protocol/layouts.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { type ApiDocument, readApiDocument } from "../http/api-document.ts";
import { type Json, mismatches } from "../http/schema-check.ts";
import { STEP, startTestServer, type TestServer } from "../test-server.ts";
import { TestSocket } from "../test-socket.ts";

let server: TestServer;
let api: ApiDocument;
const sockets: TestSocket[] = [];

beforeAll(async () => {
  server = await startTestServer();
  api = await readApiDocument(server.url);
  await server.create("still", { paused: true });
  await server.create("moving");
});
afterAll(async () => {
  await Promise.all(sockets.map(async (socket) => await socket.close()));
  await server.stop();
});

function connect(path: string, headers: Record<string, string> = {}): TestSocket {
  const socket = new TestSocket(server.url + path, headers);
  sockets.push(socket);
  return socket;
}

async function open(path: string): Promise<TestSocket> {
  const socket = connect(path);
  await socket.opened;
  return socket;
}

/** Matches the documented form of that answer, and none of its fields is unmentioned. */
function expectAnswer(name: string, message: Json): void {
  const answer = api.sockets["/ws/{session_id}"]?.answers.find((one) => one.name === name);
  expect(
    mismatches(answer?.schema ?? { enum: [] }, message, api.components, { closed: true }),
  ).toEqual([]);
}

function expectError(message: Json, code: ErrorCode): Json {
  expectAnswer("error", message);
  const error = message["error"] as Json;
  expect(error["code"]).toBe(code);
  return error;
}

describe("joining", () => {
  test("an unknown session: accepted, then closed with 4000 and the origin's words", async () => {
    const socket = connect("/ws/nobody");
    await socket.opened;
    expectError(await socket.text(), "SESSION_NOT_FOUND");
    expect(await socket.closed).toEqual({ code: 4000, reason: "Session does not exist" });
  });

  test("a failed session: closed with 4410 and the reason", async () => {
    await server.createFailed("failed");
    const socket = connect("/ws/failed");
    expectError(await socket.text(), "SESSION_FAILED");
    const { code, reason } = await socket.closed;
    expect(code).toBe(ERRORS.SESSION_FAILED.close);
    expect(reason).toContain("the strings are cut");
  });

  test("with a form that there is not: closed with 4422 and what there is", async () => {
    for (const query of ["dtype=f128", "header=big", "space=", "order=ROW"]) {
      const socket = connect(`/ws/still?${query}`);
      expectError(await socket.text(), "REQUEST_INVALID");
      const { code, reason } = await socket.closed;
      expect(code).toBe(ERRORS.REQUEST_INVALID.close);
      expect(reason).toContain(query.split("=")[0] ?? "");
    }
  });

  test("a trailing slash and an encoded id change nothing", async () => {
    for (const path of ["/ws/still/", "/ws/%73till"]) {
      const socket = await open(path);
      expect((await socket.frame()).byteLength).toBe(STEP.bones * 64);
    }
  });

  test("gets the newest frame at once, paused or not", async () => {
    for (const id of ["still", "moving"]) {
      const socket = await open(`/ws/${id}`);
      expect((await socket.frame()).byteLength).toBe(STEP.bones * 64);
    }
  });

  test("a page of a stranger is refused before the upgrade, and so is a foreign host", async () => {
    const refused = async (headers: Record<string, string>) => {
      const socket = connect("/ws/still", headers);
      const opened = await socket.opened.then(
        () => true,
        () => false,
      );
      return !opened;
    };
    expect(await refused({ origin: "https://evil.example" })).toBe(true);
    expect(await refused({ host: "evil.example" })).toBe(true);
    expect(await refused({ origin: "http://localhost:3000" })).toBe(false);
  });

  test("where the server has a token, only with it", async () => {
    const guarded = await startTestServer("--token", "a long secret");
    try {
      for (const [path, headers, expected] of [
        ["/ws/x", {}, false],
        ["/ws/x?token=another", {}, false],
        ["/ws/x?token=a%20long%20secret", {}, true],
        ["/ws/x", { authorization: "Bearer a long secret" }, true],
        ["/ws/x", { cookie: "soma_token=a%20long%20secret" }, true],
      ] as const) {
        const socket = new TestSocket(guarded.url + path, headers);
        const opened = await socket.opened.then(
          () => true,
          () => false,
        );
        expect({ path, headers, opened }).toEqual({ path, headers, opened: expected });
        await socket.closed;
      }
    } finally {
      await guarded.stop();
    }
  });
});

describe("frames", () => {
  test("are in every form what REST gives for the same moment", async () => {
    for (const dtype of DTYPES) {
      for (const space of SPACES) {
        for (const order of ORDERS) {
          const query = `dtype=${dtype}&space=${space}&order=${order}`;
          const socket = await open(`/ws/still?${query}`);
          const frame = await socket.frame();
          const rest = await server.request(`/sessions/still/frame?${query}`);
          expect(frame.byteLength).toBe(STEP.bones * 16 * DTYPE_BYTES[dtype]);
          expect({ query, frame }).toEqual({
            query,
            frame: new Uint8Array(await rest.arrayBuffer()),
          });
          await socket.close();
        }
      }
    }
  });

  test("come behind the header that was asked for", async () => {
    const bytes = { none: 0, soma: FRAME_HEADER_BYTES, moma: MOMA_HEADER_BYTES } as const;
    const plain = await (await open("/ws/still")).frame();
    for (const header of HEADERS) {
      const frame = await (await open(`/ws/still?header=${header}`)).frame();
      expect(frame.byteLength).toBe(bytes[header] + STEP.bones * 64);
      expect(frame.subarray(bytes[header])).toEqual(plain);
      const view = new DataView(frame.buffer, frame.byteOffset);
      if (header === "soma") {
        expect(readFrameHeader(view)).toMatchObject({
          version: 1,
          kind: 1,
          flags: 1,
          payloadBytes: STEP.bones * 64,
        });
      }
      if (header === "moma") {
        expect(view.getUint32(MOMA_HEADER.magic, true)).toBe(MOMA_MAGIC);
        expect(view.getUint32(MOMA_HEADER.characters, true)).toBe(1);
      }
    }
  });

  test("are each sent or counted as lost, and end with the session, with 1001", async () => {
    await server.create("short");
    const socket = await open("/ws/short?header=soma");
    for (let count = 0; count < 20; count++) await socket.frame();
    await socket.ask({ type: "pause" });
    // The pause is drawn once more; then nothing moves.
    await Bun.sleep(200);
    const { frames_sent: sent, frames_lost: lost } = await socket.ask({ type: "stats" });
    const sequences = socket.received.map(
      (frame) =>
        readFrameHeader(new DataView(frame.buffer, frame.byteOffset))?.sequence ?? Number.NaN,
    );
    expect(sequences).toEqual([...new Set(sequences)].toSorted((x, y) => x - y));
    const produced = (sequences.at(-1) ?? 0) - (sequences[0] ?? 0) + 1;
    expect({ sent, produced }).toEqual({
      sent: sequences.length,
      produced: Number(sent) + Number(lost),
    });
    await server.request("/sessions/short", { method: "DELETE" });
    expect(await socket.closed).toEqual({ code: 1001, reason: "the session was deleted" });
  });
});

describe("text messages", () => {
  test("of every documented kind are taken, and answered as documented", async () => {
    const socket = await open("/ws/moving");
    const requests = api.sockets["/ws/{session_id}"]?.requests ?? [];
    expect(requests.length).toBe(10);
    const named: Record<string, string> = {
      ping: "pong",
      skeleton: "skeleton",
      layout: "layout",
      stats: "stats",
    };
    for (const [id, { name, example }] of requests.entries()) {
      // The clip is one second long; the examples are for a longer one.
      const fields = name === "seek" ? { time: 0.5 } : name === "loop" ? { end: 0.9 } : {};
      const answer = await socket.ask({ ...example, ...fields, id });
      expectAnswer(named[name] ?? "answer", answer);
      expect(answer["id"]).toBe(id);
      if (!named[name]) expect(answer).toMatchObject({ type: name, session_id: "moving" });
    }
  });

  test("give the same answers as REST", async () => {
    const socket = await open("/ws/still");
    const { id: _, ...skeleton } = await socket.ask({ type: "skeleton", id: "s" });
    const rest = (await (await server.request("/sessions/still/skeleton")).json()) as Json;
    expect(skeleton).toEqual(rest);
    const { type, ...layout } = await socket.ask({ type: "layout" });
    expect(type).toBe("layout");
    const restLayout = (await (await server.request("/sessions/still/layout")).json()) as Json;
    expect(layout).toEqual(restLayout);
    for (const [name, args] of [
      ["speed", { playback_speed: 2 }],
      ["fps", { fps: 90 }],
      ["pause", {}],
    ] as const) {
      const answer = (await (await server.post(`/sessions/still/${name}`, args)).json()) as Json;
      expect(await socket.ask({ type: name, ...args })).toEqual({ type: name, ...answer });
    }
  });

  test("are answered to their sender only", async () => {
    const [sender, other] = [await open("/ws/still"), await open("/ws/still")];
    await sender.ask({ type: "speed", speed: 3, id: "mine" });
    await sender.ask({ type: "nonsense" });
    // Had anything gone to the other one, it would be before this.
    expect(await other.ask({ type: "ping", id: "fence" })).toMatchObject({
      type: "pong",
      id: "fence",
    });
    expect(other.waitingTexts).toBe(0);
  });

  test("are answered in the order they were sent, each once", async () => {
    const socket = await open("/ws/still");
    for (let id = 0; id < 200; id++) {
      socket.send(
        JSON.stringify(
          id % 3 === 0 ? { type: "speed", speed: 99, id } : { type: "speed", speed: 1, id },
        ),
      );
    }
    for (let id = 0; id < 200; id++) {
      expect(await socket.text()).toMatchObject({ id, type: id % 3 === 0 ? "error" : "speed" });
    }
    expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "pong" });
  });

  test("that are wrong are answered with what is wrong, and the stream goes on", async () => {
    const socket = await open("/ws/moving");
    const cases = [
      ["hello", "REQUEST_MALFORMED"],
      ['{"type":"pause"', "REQUEST_MALFORMED"],
      ["", "REQUEST_MALFORMED"],
      ["null", "REQUEST_INVALID"],
      ["17", "REQUEST_INVALID"],
      ["[]", "REQUEST_INVALID"],
      ["{}", "REQUEST_INVALID"],
      ['{"type":7}', "REQUEST_INVALID"],
      [`{"type":"${"x".repeat(65)}"}`, "REQUEST_INVALID"],
      ['{"type":"pause","id":{}}', "REQUEST_INVALID"],
      ['{"type":"speed"}', "REQUEST_INVALID"],
      [`{"type":"echo","a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, "REQUEST_INVALID"],
      ['{"type":"speed","speed":17}', "REQUEST_INVALID"],
      ['{"type":"seek","time":9}', "INVALID_ARGUMENT"],
      ['{"type":"fly"}', "COMMAND_UNKNOWN"],
      ['{"type":"__proto__"}', "COMMAND_UNKNOWN"],
      ['{"type":"constructor"}', "COMMAND_UNKNOWN"],
    ] as const;
    for (const [text, code] of cases) {
      const answer = await socket.ask(text);
      expect({ text, code: (answer["error"] as Json)["code"] }).toEqual({ text, code });
      expectError(answer, code);
    }
    expect(
      expectError(await socket.ask('{"type":"speed","speed":17}'), "REQUEST_INVALID")["message"],
    ).toContain("between -16 and 16");
    expect(expectError(await socket.ask('{"type":"fly"}'), "COMMAND_UNKNOWN")["message"]).toContain(
      "pause",
    );
    expect((await socket.frame()).byteLength).toBe(STEP.bones * 64);
    expect(socket.isOpen).toBe(true);
  });

  test("in binary are answered with an error, whatever is in them", async () => {
    const socket = await open("/ws/still");
    for (const bytes of [
      new Uint8Array(),
      new TextEncoder().encode('{"type":"ping"}'),
      new Uint8Array(1000),
    ]) {
      socket.send(bytes);
      expectError(await socket.text(), "REQUEST_MALFORMED");
    }
  });

  test("that are too large close the socket with 1009, and nobody else's", async () => {
    const [large, other] = [await open("/ws/still"), await open("/ws/still")];
    large.send(JSON.stringify({ type: "ping", x: "x".repeat(LIMITS.maxCommandBytes) }));
    // Bun's client reports the server's abrupt end; what counts is that it came.
    expect([1006, ERRORS.BODY_TOO_LARGE.close]).toContain((await large.closed).code);
    expect(await other.ask({ type: "ping" })).toMatchObject({ type: "pong" });
  });

  test("only a plug-in knows are passed to it", async () => {
    await server.post("/sessions", {
      engine: "animation",
      id: "puppet",
      options: { session_type: "Puppet" },
    });
    const socket = await open("/ws/puppet");
    expect(await socket.ask({ type: "echo", id: 1, a: [true] })).toEqual({
      type: "echo",
      id: 1,
      status: "done",
      said: { a: [true] },
      session_id: "puppet",
    });
    const refusal = expectError(await socket.ask({ type: "refuse" }), "INVALID_ARGUMENT");
    expect(refusal["message"]).toBe("refuse: not today");
  });

  test("count what a client was sent", async () => {
    await server.create("counted");
    const socket = await open("/ws/counted");
    for (let count = 0; count < 10; count++) await socket.frame();
    const stats = await socket.ask({ type: "stats" });
    expect(Number(stats["frames_sent"])).toBeGreaterThanOrEqual(10);
    expect(stats["frames_lost"]).toBe(0);
    const pong = await socket.ask({ type: "ping" });
    // Wall clock in microseconds: within a minute of this process's own.
    expect(
      Math.abs(Number(pong["server_time_us"]) / 1000 - performance.timeOrigin - performance.now()),
    ).toBeLessThan(60_000);
  });
});
