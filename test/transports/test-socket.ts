/** A WebSocket client for tests: keeps what arrives, in order, and hands it out one by one. */
import { isObject, type Json } from "./http/schema-check.ts";

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

const PATIENCE_MS = 5_000;

class Mailbox<T> {
  readonly #kept: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#kept.push(item);
  }

  get size(): number {
    return this.#kept.length;
  }

  async take(what: string): Promise<T> {
    const kept = this.#kept.shift();
    if (kept !== undefined) return kept;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push(resolve);
    const timer = setTimeout(
      () => reject(new Error(`no ${what} in ${PATIENCE_MS} ms`)),
      PATIENCE_MS,
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

export class TestSocket {
  readonly opened: Promise<void>;
  readonly closed: Promise<Closed>;
  readonly #socket: WebSocket;
  readonly #texts = new Mailbox<Json>();
  readonly #frames = new Mailbox<Uint8Array>();
  /** Every frame so far, whether taken or not. */
  readonly received: Uint8Array[] = [];

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.#socket = new WebSocket(url.replace(/^http/, "ws"), { headers });
    this.#socket.binaryType = "arraybuffer";
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<Closed>();
    this.opened = opened.promise;
    this.closed = closed.promise;
    this.opened.catch(() => {});
    this.#socket.onopen = () => opened.resolve();
    this.#socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === "string") this.#texts.put(parsed(data));
      else this.#frame(new Uint8Array(data));
    };
    this.#socket.onclose = ({ code, reason }) => {
      opened.reject(new Error(`closed with ${code} before it was open`));
      closed.resolve({ code, reason });
    };
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Text messages that nobody has taken yet. */
  get waitingTexts(): number {
    return this.#texts.size;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message);
  }

  /** Sends a message and waits for the next text. */
  async ask(message: Json | string): Promise<Json> {
    this.send(typeof message === "string" ? message : JSON.stringify(message));
    return await this.text();
  }

  #frame(frame: Uint8Array): void {
    this.received.push(frame);
    this.#frames.put(frame);
  }

  async text(): Promise<Json> {
    return await this.#texts.take("text message");
  }

  async frame(): Promise<Uint8Array> {
    return await this.#frames.take("frame");
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}

function parsed(text: string): Json {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error(`the server sent ${text.slice(0, 200)}`);
  return value;
}
