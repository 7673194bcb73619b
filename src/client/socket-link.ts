/**
 * One WebSocket that comes back: dials, waits with backoff after a loss, and gives up when the server's answer will not
 * change. It knows nothing of what the messages mean.
 */
import type { ServerAddress } from "./addresses.ts";
import { backoffMs } from "./backoff.ts";
import { errorFromBody, errorFromClose, SomaError } from "./soma-error.ts";

export interface StreamStatus {
  /** `open` once the session has answered; `waiting` between two tries; `closed` for good. */
  readonly state: "connecting" | "open" | "waiting" | "closed";
  /** Why the last connection ended, or why there will be no other. */
  readonly reason: SomaError | undefined;
  /** Time to the next try, at the moment of the change; in state `waiting` only. */
  readonly retryInMs: number | undefined;
  /** Tries since the last steady connection. */
  readonly attempt: number;
}

export interface LinkOptions {
  readonly url: string;
  readonly server: ServerAddress;
  /** Whether to try again after `error`. */
  readonly retries: (error: SomaError) => boolean;
  readonly onOpen: () => void;
  readonly onText: (message: unknown) => void;
  readonly onBinary: (bytes: ArrayBuffer) => void;
  readonly onStatus: (status: StreamStatus) => void;
}

/** A connection that held this long was a good one: the next loss is tried again quickly. */
const STEADY_MS = 5_000;
const PROBE_TIMEOUT_MS = 3_000;

export class SocketLink {
  readonly #options: LinkOptions;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #openedMs: number | undefined;
  /** What the server said before it closed: clearer than a close code. */
  #said: SomaError | undefined;
  #status: StreamStatus = {
    state: "connecting",
    reason: undefined,
    retryInMs: undefined,
    attempt: 0,
  };
  readonly #retryNow = (): void => {
    if (this.#status.state === "waiting") this.dial();
  };

  constructor(options: LinkOptions) {
    this.#options = options;
    // Browsers tell when the network is back; elsewhere this event never comes.
    globalThis.addEventListener?.("online", this.#retryNow);
  }

  get status(): StreamStatus {
    return this.#status;
  }

  dial(): void {
    clearTimeout(this.#timer);
    this.#attempt++;
    this.#said = undefined;
    this.#openedMs = undefined;
    this.#setStatus({ state: "connecting", reason: this.#status.reason });
    const socket = new WebSocket(this.#options.url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => this.#options.onOpen();
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) this.#options.onBinary(data);
      else this.#text(String(data));
    };
    socket.onclose = ({ code, reason }: CloseEvent) => {
      this.#release();
      const error = this.#said ?? errorFromClose(code, reason);
      if (this.#openedMs !== undefined || error.code !== "CONNECTION_LOST") this.#ended(error);
      else void this.#explain().then((why) => this.#ended(why));
    };
  }

  /** The session has answered: the connection is of use. */
  opened(): void {
    this.#openedMs = performance.now();
    this.#setStatus({ state: "open", reason: undefined });
  }

  /** Sends `text`; false when there is no connection to send it on. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** Leaves a connection that is silently dead, without waiting for its close handshake. */
  abandon(error: SomaError): void {
    if (!this.#socket) return;
    this.#release();
    this.#ended(error);
  }

  /** Ends the link for good. */
  close(reason: SomaError): void {
    if (this.#status.state === "closed") return;
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.#retryNow);
    this.#release();
    this.#setStatus({ state: "closed", reason });
  }

  #text(data: string): void {
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch {
      // Not ours; a server of another kind will be found out by what it does not answer.
      return;
    }
    const { type, id } = (message ?? {}) as { type?: unknown; id?: unknown };
    if (type === "error" && id === undefined) this.#said = errorFromBody(message);
    else this.#options.onText(message);
  }

  #ended(error: SomaError): void {
    if (this.#status.state === "closed") return;
    if (!this.#options.retries(error)) {
      this.close(error);
      return;
    }
    const heldMs = this.#openedMs === undefined ? 0 : performance.now() - this.#openedMs;
    if (heldMs > STEADY_MS) this.#attempt = 0;
    const retryInMs = backoffMs(Math.max(1, this.#attempt), Math.random());
    this.#timer = setTimeout(() => this.dial(), retryInMs);
    this.#setStatus({ state: "waiting", reason: error, retryInMs });
  }

  #release(): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  /** A browser hides why a handshake failed, so the same is asked over HTTP. */
  async #explain(): Promise<SomaError> {
    const { baseUrl, token } = this.#options.server;
    try {
      const answer = await fetch(`${baseUrl}/time`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
      if (!answer.ok) {
        const body: unknown = await answer.json().catch(() => undefined);
        const said = errorFromBody(body);
        if (said) return said;
        return new SomaError("CONNECTION_FAILED", `${baseUrl} answers with ${answer.status}`);
      }
    } catch {
      return new SomaError("CONNECTION_FAILED", `${baseUrl} does not answer`);
    }
    const page = (globalThis as { location?: { origin?: string } }).location?.origin;
    if (page !== undefined && page !== new URL(baseUrl).origin) {
      return new SomaError("ORIGIN_REFUSED", `${baseUrl} refuses streams to pages of ${page}`);
    }
    return new SomaError("CONNECTION_FAILED", `${baseUrl} refused the connection`);
  }

  #setStatus(status: Pick<StreamStatus, "state" | "reason"> & { retryInMs?: number }): void {
    this.#status = { retryInMs: undefined, attempt: this.#attempt, ...status };
    this.#options.onStatus(this.#status);
  }
}
