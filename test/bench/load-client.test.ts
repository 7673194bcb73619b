/**
 * The instrument is checked before its readings are believed: a scripted server sends what a load client may meet, byte by
 * byte, and every counter must come out as the script says. The client is built with the address and
 * undefined-behaviour sanitizers here.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket } from "bun";
import { FRAME_HEADER_BYTES, FRAME_KIND, writeFrameHeader } from "../../src/protocol/layouts.ts";
import { loadResult } from "./load.ts";

/** The answer that RFC 6455 section 1.3 gives for its sample nonce, which the client sends. */
const UPGRADE =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const PAYLOAD_BYTES = 100;
const AGE_US = 5_000;
/** The script starts when the client's window has opened, and ends long before it closes. */
const WARMUP_MS = 100;
const SCRIPT_AT_MS = 300;
const WINDOW_MS = 1_000;

let folder = "";
let client = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "load-client-"));
  client = join(folder, "load-client");
  const flags = [
    "-O1",
    "-g",
    "-std=c17",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    "-fsanitize=address,undefined",
  ];
  const build = Bun.spawn(["cc", ...flags, "-o", client, join(import.meta.dir, "load-client.c")], {
    stderr: "inherit",
  });
  expect(await build.exited).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An unmasked WebSocket frame; `lengthBytes` forces the longer forms of the length. */
function wsFrame(
  opcode: number,
  payload: Uint8Array,
  options: { fin?: boolean; lengthBytes?: 0 | 2 | 8 } = {},
): Buffer {
  const lengthBytes =
    options.lengthBytes ?? (payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8);
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (options.fin === false ? 0 : 0x80) | opcode;
  head[1] = lengthBytes === 0 ? payload.length : lengthBytes === 2 ? 126 : 127;
  if (lengthBytes === 2) head.writeUInt16BE(payload.length, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

function pose(
  sequence: number,
  options: { lateUs?: number; payloadBytes?: number } = {},
): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + PAYLOAD_BYTES);
  writeFrameHeader(new DataView(bytes.buffer), {
    version: 1,
    kind: FRAME_KIND.pose,
    flags: 0,
    epoch: 1,
    sequence,
    captureUs: (performance.timeOrigin + performance.now()) * 1000 - AGE_US + (options.lateUs ?? 0),
    payloadBytes: options.payloadBytes ?? PAYLOAD_BYTES,
    mediaTimeS: 0,
  });
  return bytes;
}

interface Peer {
  request: string;
  upgraded: boolean;
  received: Buffer;
}

type Script = (socket: Socket<Peer>) => void | Promise<void>;

/** Runs the client against a server that upgrades with `upgrade` and then plays `script` once per connection. */
async function play(script: Script, flags: readonly string[] = [], upgrade = UPGRADE) {
  const peers: Peer[] = [];
  const server = Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { request: "", upgraded: false, received: Buffer.alloc(0) };
        peers.push(socket.data);
      },
      data(socket, bytes) {
        const peer = socket.data;
        if (peer.upgraded) {
          peer.received = Buffer.concat([peer.received, bytes]);
          return;
        }
        peer.request += bytes.toString("latin1");
        if (!peer.request.endsWith("\r\n\r\n")) return;
        peer.upgraded = true;
        socket.write(upgrade);
        setTimeout(() => void script(socket), SCRIPT_AT_MS);
      },
    },
  });
  const times = [
    "--warmup-ms",
    String(WARMUP_MS),
    "--window-ms",
    String(WINDOW_MS),
    "--connect-timeout-ms",
    "1000",
  ];
  const child = Bun.spawn([client, "--port", String(server.port), ...times, ...flags], {
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  server.stop(true);
  expect({ code, sanitizer: err.includes("runtime error") || err.includes("Sanitizer") }).toEqual({
    code: 0,
    sanitizer: false,
  });
  return { result: loadResult.parse(JSON.parse(out)), peers, err };
}

test.concurrent("counts messages, losses and frames out of order by their sequence", async () => {
  const sequences = [7, 8, 11, 12, 10, 11];
  const { result } = await play((socket) => {
    for (const sequence of sequences) socket.write(wsFrame(2, pose(sequence)));
  });
  expect(result).toMatchObject({
    clients: 1,
    failedConnects: 0,
    messages: 6,
    lost: 2,
    reordered: 1,
    malformed: 0,
  });
  expect(result.bytes).toBe(6 * (FRAME_HEADER_BYTES + PAYLOAD_BYTES));
  expect([result.fewestPerClient, result.mostPerClient]).toEqual([6, 6]);
});

test.concurrent("a sequence that wraps at 2^32 is no loss", async () => {
  const { result } = await play((socket) => {
    for (const sequence of [0xffff_fffe, 0xffff_ffff, 0, 1])
      socket.write(wsFrame(2, pose(sequence)));
  });
  expect(result).toMatchObject({ messages: 4, lost: 0, reordered: 0 });
});

test.concurrent("frames may arrive in any pieces", async () => {
  const { result } = await play(async (socket) => {
    const bytes = Buffer.concat([1, 2, 3].map((sequence) => wsFrame(2, pose(sequence))));
    for (let at = 0; at < bytes.length; at += 7) {
      socket.write(bytes.subarray(at, at + 7));
      await Bun.sleep(1);
    }
  });
  expect(result).toMatchObject({ messages: 3, lost: 0, malformed: 0 });
});

test.concurrent("fragmented messages, each form of length, and a ping in between", async () => {
  const { result, peers } = await play((socket) => {
    const whole = pose(1);
    socket.write(wsFrame(2, whole.subarray(0, 10), { fin: false }));
    socket.write(wsFrame(9, Buffer.from("are you there")));
    socket.write(wsFrame(0, whole.subarray(10, 50), { fin: false }));
    socket.write(wsFrame(0, whole.subarray(50)));
    socket.write(wsFrame(2, pose(2), { lengthBytes: 2 }));
    socket.write(wsFrame(2, pose(3), { lengthBytes: 8 }));
    socket.write(wsFrame(1, Buffer.from("{}")));
  });
  expect(result).toMatchObject({
    messages: 3,
    texts: 1,
    controls: 1,
    lost: 0,
    malformed: 0,
    disconnected: 0,
  });
  const pong = peers[0]?.received;
  expect(pong?.subarray(0, 2)).toEqual(Buffer.from([0x8a, 0x80 | 13])); // final, pong, masked, 13 bytes
  expect(pong?.subarray(6).toString()).toBe("are you there"); // under a mask of zeros
});

test.concurrent("ages run from capture to receipt, and a gap in capture times is a late tick", async () => {
  const { result } = await play((socket) => {
    for (const [i, lateUs] of [0, 16_667, 33_334, 66_668, 83_335].entries()) {
      socket.write(wsFrame(2, pose(i, { lateUs: lateUs - 100_000 })));
    }
  });
  expect(result.lateTicks).toBe(1);
  // The oldest frame was stamped 105 ms before it was sent, the youngest 21.7 ms; what is left is the way here.
  expect(result.ageMaxUs).toBeGreaterThan(104_000);
  expect(result.ageMinUs).toBeGreaterThan(20_000);
  expect(result.ageMaxUs - result.ageMinUs).toBeGreaterThan(80_000);
  expect(result.ageMaxUs - result.ageMinUs).toBeLessThan(87_000);
});

test.concurrent("a frame whose header is wrong is counted as malformed", async () => {
  const { result } = await play((socket) => {
    const noMagic = pose(2);
    noMagic[0] = 0;
    socket.write(wsFrame(2, pose(1)));
    socket.write(wsFrame(2, noMagic));
    socket.write(wsFrame(2, pose(2, { payloadBytes: PAYLOAD_BYTES + 1 })));
    socket.write(wsFrame(2, new Uint8Array(5)));
  });
  expect(result).toMatchObject({ messages: 4, malformed: 3 });
});

test.concurrent.each([
  ["a masked frame", Buffer.from([0x82, 0x80, 0, 0, 0, 0])],
  ["reserved bits", Buffer.from([0xc2, 0])],
  ["an unknown opcode", Buffer.from([0x83, 0])],
  ["a continuation of nothing", Buffer.from([0x80, 0])],
  ["a fragmented ping", Buffer.from([0x09, 0])],
  ["a ping over 125 bytes", Buffer.from([0x89, 126, 0, 126])],
])("%s breaks the protocol and ends the connection", async (_, bytes) => {
  const { result } = await play(
    (socket) => void socket.write(Buffer.concat([bytes, wsFrame(2, pose(1))])),
  );
  expect(result).toMatchObject({ messages: 0, malformed: 1, disconnected: 1 });
});

test.concurrent("a close frame and a lost connection count as disconnected", async () => {
  let connections = 0;
  const { result } = await play(
    (socket) => {
      if (connections++ === 0) socket.write(wsFrame(8, Buffer.from([0x03, 0xe8])));
      else socket.terminate();
    },
    ["--clients", "2"],
  );
  expect(result).toMatchObject({ clients: 2, failedConnects: 0, disconnected: 2, malformed: 0 });
});

test.concurrent("an upgrade with the wrong accept is a failed connect", async () => {
  const { result, err } = await play(() => undefined, [], UPGRADE.replace("s3pP", "s3pQ"));
  expect(result).toMatchObject({ failedConnects: 1, messages: 0 });
  expect(err).toContain("upgrade refused");
});

test.concurrent("each client asks for its session, and stalled ones read only on their return", async () => {
  const { result, peers } = await play(
    (socket) => {
      for (const sequence of [1, 2, 3]) socket.write(wsFrame(2, pose(sequence)));
    },
    [
      "--sessions",
      "2",
      "--clients",
      "2",
      "--stalled",
      "1",
      "--return-ms",
      "200",
      "--path",
      "/ws/s{session}?a={session}",
    ],
  );
  const paths = peers
    .map(({ request }) => request.split(" ")[1])
    .toSorted((a = "", b = "") => a.localeCompare(b));
  expect(paths).toEqual(["/ws/s1?a=1", "/ws/s1?a=1", "/ws/s1?a=1", "/ws/s2?a=2", "/ws/s2?a=2"]);
  // Four readers with three frames each; the stalled one's three were older than its return.
  expect(result).toMatchObject({
    clients: 4,
    messages: 12,
    stalledOpen: 1,
    backlogMostFrames: 3,
    freshAfterReturn: 0,
  });
});
