/**
 * A stand-in for the server's stream, for what a real one cannot be made to do on demand: lose frames, wrap its numbers, lie
 * about the time, break, refuse. It speaks the protocol by hand, from protocol/layouts.ts alone.
 */
import type { ServerWebSocket } from "bun";
import {
  FRAME_HEADER_BYTES,
  FRAME_HEADER_VERSION,
  FRAME_KIND,
  writeFrameHeader,
} from "../../src/protocol/layouts.ts";

export interface FakeFrame {
  readonly sequence: number;
  readonly captureUs?: number;
  readonly mediaTimeS?: number;
  readonly flags?: number;
  readonly epoch?: number;
  /** First element of the first matrix; the rest is zero. */
  readonly value?: number;
}

export type Answer = (message: Record<string, unknown>) => Record<string, unknown> | undefined;

type Socket = ServerWebSocket<{ readonly url: URL }>;

export class FakeServer {
  readonly url: string;
  readonly sockets = new Set<Socket>();
  /** Addresses of all connections so far. */
  readonly connections: URL[] = [];
  readonly messages: Record<string, unknown>[] = [];
  boneNames: readonly string[] = ["root", "tip"];
  /** Added to the true time in every pong, microseconds. */
  clockOffsetUs = 0;
  /** Set to close every new connection so, after saying why. */
  refusal: { readonly code: number; readonly reason: string; readonly error?: object } | undefined;
  /** Set to answer HTTP, upgrades included, with this. */
  http: ((request: Request) => Response) | undefined;
  /** Answers to commands, by default `updated`. Undefined answers nothing. */
  answer: Answer = ({ type, id }) => ({ type, id, status: "updated", session_id: "demo" });
  readonly #server;

  constructor(port = 0) {
    this.#server = Bun.serve<{ readonly url: URL }>({
      port,
      hostname: "127.0.0.1",
      fetch: (request, server) => {
        const url = new URL(request.url);
        const refused = this.http?.(request);
        if (refused) return refused;
        if (server.upgrade(request, { data: { url } })) return undefined;
        return new Response("{}", { headers: { "content-type": "application/json" } });
      },
      websocket: {
        open: (socket) => this.#open(socket),
        message: (socket, text) => this.#message(socket, String(text)),
        close: (socket) => void this.sockets.delete(socket),
      },
    });
    this.url = `http://127.0.0.1:${this.#server.port}`;
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** Sends a frame to every client. */
  send(frame: FakeFrame): void {
    const bytes = this.bytesOf(frame);
    for (const socket of this.sockets) socket.sendBinary(bytes);
  }

  bytesOf({
    sequence,
    captureUs = 0,
    mediaTimeS = 0,
    flags = 0,
    epoch = 1,
    value = 0,
  }: FakeFrame): Uint8Array {
    const payloadBytes = this.boneNames.length * 64;
    const bytes = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes);
    const view = new DataView(bytes.buffer);
    const version = FRAME_HEADER_VERSION;
    const kind = FRAME_KIND.pose;
    writeFrameHeader(view, {
      version,
      kind,
      flags,
      epoch,
      sequence,
      captureUs,
      payloadBytes,
      mediaTimeS,
    });
    view.setFloat32(FRAME_HEADER_BYTES, value, true);
    return bytes;
  }

  /** Breaks every connection. */
  drop(code = 1012, reason = "restart"): void {
    for (const socket of this.sockets) socket.close(code, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  #open(socket: Socket): void {
    this.connections.push(socket.data.url);
    const { refusal } = this;
    if (!refusal) {
      this.sockets.add(socket);
      return;
    }
    if (refusal.error) socket.send(JSON.stringify({ type: "error", error: refusal.error }));
    socket.close(refusal.code, refusal.reason);
  }

  #message(socket: Socket, text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>;
    this.messages.push(message);
    const answer = this.#answerTo(message);
    if (answer) socket.send(JSON.stringify(answer));
  }

  #answerTo(message: Record<string, unknown>): Record<string, unknown> | undefined {
    const { type, id } = message;
    if (type === "ping") {
      const nowUs = (performance.timeOrigin + performance.now()) * 1000;
      return { type: "pong", id, server_time_us: nowUs + this.clockOffsetUs };
    }
    if (type !== "skeleton") return this.answer(message);
    const each = <T>(value: T): T[] => this.boneNames.map(() => value);
    return {
      id,
      type: "SKELETON_DEF",
      bone_names: this.boneNames,
      parents: this.boneNames.map((_, index) => index - 1),
      bind_pose: {
        positions: each([0, 1, 0]),
        rotations: each([0, 0, 0, 1]),
        scales: each([1, 1, 1]),
      },
      animator: "Fake",
    };
  }
}

/** Waits until `condition` holds; throws after two seconds. */
export async function until(
  condition: () => boolean,
  what: string,
  withinMs = 2_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadlineMs)
      throw new Error(`did not happen in ${withinMs} ms: ${what}`);
    await Bun.sleep(2);
  }
}
