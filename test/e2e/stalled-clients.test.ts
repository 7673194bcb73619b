/**
 * Clients that stop reading, over real sockets: they cost a healthy one nothing, memory stays bounded, every frame is accounted
 * for, and on their return they get the newest frame.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { FRAME_HEADER_BYTES, readFrameHeader } from "../../src/protocol/layouts.ts";
import { until } from "../tools/faulty-manager.ts";
import { startBinary } from "../tools/running-binary.ts";

const STALLED = 100;
const STALL_MS = 4_000;
const BUDGET_BYTES = 20 * 2 ** 20;

/** A WebSocket client by hand, because a real one reads whatever comes. */
class HandClient {
  readonly sequences: number[] = [];
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #upgraded = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => this.#read(Buffer.from(data)));
  }

  static async open(url: URL, path: string): Promise<HandClient> {
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    const client = new HandClient(socket);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    await until(() => client.#upgraded);
    return client;
  }

  stall(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, data]);
    if (!this.#upgraded) {
      const end = this.#pending.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#upgraded = this.#pending.toString("latin1", 0, 12) === "HTTP/1.1 101";
      this.#pending = this.#pending.subarray(end + 4);
    }
    for (let frame = this.#frame(); frame; frame = this.#frame()) {
      const header = readFrameHeader(
        new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES),
      );
      if (!header || header.payloadBytes !== frame.byteLength - FRAME_HEADER_BYTES)
        throw new Error("a broken frame");
      this.sequences.push(header.sequence);
    }
  }

  /** The next whole message; frames of a pose are longer than 125 and shorter than 65,536 bytes (RFC 6455 §5.2). */
  #frame(): Buffer | undefined {
    if (this.#pending.byteLength < 4) return undefined;
    if (this.#pending[0] !== 0x82 || this.#pending[1] !== 126)
      throw new Error("not a whole binary message");
    const length = this.#pending.readUInt16BE(2);
    if (this.#pending.byteLength < 4 + length) return undefined;
    const frame = this.#pending.subarray(4, 4 + length);
    this.#pending = this.#pending.subarray(4 + length);
    return frame;
  }
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

interface Account {
  readonly frames_sent: number;
  readonly frames_lost: number;
}

test("100 stalled clients beside a healthy one", async () => {
  await using soma = await startBinary();
  const url = new URL(soma.url);
  await soma.post("/sessions", {
    engine: "animation",
    id: "a",
    options: { file: "walk.bvh", fps: 120 },
  });
  const path = "/ws/a?header=soma";
  const healthy = await HandClient.open(url, path);
  const stalled = await Promise.all(
    Array.from({ length: STALLED }, () => HandClient.open(url, path)),
  );
  await until(() => stalled.every((client) => client.sequences.length > 5));
  const before = residentBytes(soma.pid);
  for (const client of stalled) client.stall();
  await Bun.sleep(STALL_MS);
  const grownBytes = residentBytes(soma.pid) - before;
  const backlog = stalled.map((client) => client.sequences.length);
  for (const client of stalled) client.resume();
  // Pausing stops the clock of frames, so that the account can be compared with what arrived.
  await soma.post("/sessions/a/pause");
  const { body } = await soma.get("/sessions/a");
  const newest = Number(body["frames"]);
  await until(() => [healthy, ...stalled].every((client) => client.sequences.at(-1) === newest));
  const accounts = (await soma.get("/sessions/a")).body["streams"] as Account[];

  // The healthy client went on as if it were alone.
  const missing = newest - (healthy.sequences[0] ?? 0) + 1 - healthy.sequences.length;
  const healthyAccount = accounts[0];
  expect(healthyAccount?.frames_sent).toBe(healthy.sequences.length);
  expect(healthyAccount?.frames_lost).toBe(missing);
  // None, but for moments at which a busy machine lets the server run late.
  expect(missing).toBeLessThan(healthy.sequences.length * 0.02);

  // Each stalled one lost whole frames, and sent + lost = produced, exactly.
  stalled.forEach((client, at) => {
    const account = accounts[at + 1];
    const first = client.sequences[0] ?? 0;
    expect(account?.frames_sent).toBe(client.sequences.length);
    expect((account?.frames_sent ?? 0) + (account?.frames_lost ?? 0)).toBe(newest - first + 1);
    expect(account?.frames_lost).toBeGreaterThan(0);
    expect(client.sequences.length).toBeGreaterThan(backlog[at] ?? 0);
  });

  expect(grownBytes).toBeLessThan(BUDGET_BYTES);
  for (const client of [healthy, ...stalled]) client.end();
}, 60_000);
