/** `connect()`: from an address to a stream that has answered. */
import { DEFAULT_POSE_FORM, type Dtype } from "../protocol/layouts.ts";
import { parseAddress, type WantedForm } from "./addresses.ts";
import type { StreamStatus } from "./socket-link.ts";
import { SomaError } from "./soma-error.ts";
import { Stream } from "./stream.ts";

export interface ConnectOptions<D extends Dtype = "f32"> {
  /** `http://host:8080`, `ws://host:8080/ws/demo`; where absent, the server this script was loaded from. */
  readonly url?: string;
  /** Session id, where the url does not name it. */
  readonly session?: string;
  /** Form of the matrices; float32, local, row-major where absent. */
  readonly form?: WantedForm<D>;
  /** The server's token, where it has one and the page carries no cookie. */
  readonly token?: string;
  /** Come back after a loss; true where absent. */
  readonly reconnect?: boolean;
  /** Also wait for a session that does not exist yet, or no longer. */
  readonly waitForSession?: boolean;
  /** How long the first answer may take; 10 000 where absent. Infinity waits for ever. */
  readonly timeoutMs?: number;
  /** Delay of `sample()`, milliseconds; two frame periods where absent. */
  readonly delayMs?: number;
  /** Told of every change of the connection, the first included. */
  readonly onStatus?: (status: StreamStatus) => void;
  readonly signal?: AbortSignal;
}

/**
 * Connects to a session's stream and resolves once its skeleton is known. Rejects with a SomaError when the server refuses
 * for good, or nothing has answered in `timeoutMs`.
 */
export async function connect<D extends Dtype = "f32">(
  target: string | ConnectOptions<D>,
): Promise<Stream<D>> {
  const options: ConnectOptions<D> = typeof target === "string" ? { url: target } : target;
  const address = parseAddress(options.url);
  const session = options.session ?? address.session;
  if (session === undefined) {
    throw new SomaError(
      "SESSION_NOT_FOUND",
      'no session was named: { session: "demo" } or …/ws/demo',
    );
  }
  options.signal?.throwIfAborted();
  const form = { ...DEFAULT_POSE_FORM, ...address.form, ...options.form };
  const stream = new Stream<D>({
    server: { baseUrl: address.baseUrl, token: options.token ?? address.token },
    session,
    form: form as typeof form & { dtype: D },
    reconnect: options.reconnect,
    waitForSession: options.waitForSession,
    delayMs: options.delayMs,
    onStatus: options.onStatus,
  });
  await opened(stream, options.timeoutMs ?? 10_000, options.signal);
  return stream;
}

function opened(
  stream: Stream<Dtype>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = (error: unknown): void => {
    reject(error);
    stream.close();
  };
  const stop = stream.onStatus(({ state, reason }) => {
    if (state === "open") resolve();
    if (state === "closed") reject(reason);
  });
  const timer = Number.isFinite(timeoutMs)
    ? setTimeout(() => giveUp(timeoutError(stream, timeoutMs)), timeoutMs)
    : undefined;
  const aborted = (): void => giveUp(signal?.reason);
  signal?.addEventListener("abort", aborted, { once: true });
  return promise.finally(() => {
    stop();
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  });
}

/** The last thing that went wrong says more than that time is up. */
function timeoutError(stream: Stream<Dtype>, timeoutMs: number): SomaError {
  const { reason } = stream.status;
  return (
    reason ??
    new SomaError(
      "CONNECTION_FAILED",
      `session "${stream.session}" did not answer in ${timeoutMs} ms`,
    )
  );
}
