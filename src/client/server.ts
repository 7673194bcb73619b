/** The server's REST side: sessions, clips, status. */
import type { Dtype } from "../protocol/layouts.ts";
import { parseAddress, type ServerAddress } from "./addresses.ts";
import { type ConnectOptions, connect } from "./connect.ts";
import { errorFromBody, SomaError } from "./soma-error.ts";
import type { Stream } from "./stream.ts";
import type {
  Animations,
  CreatedSession,
  CreateSession,
  ServerStatus,
  SessionDetail,
  SessionSummary,
} from "./wire.ts";

export interface ServerOptions {
  /** Where absent, the server this script was loaded from. */
  readonly url?: string;
  readonly token?: string;
  /** Bound on each call; 15 000 where absent. */
  readonly timeoutMs?: number;
}

/** Longer than the server's own bound on loading a clip. */
const TIMEOUT_MS = 15_000;

/** A server to talk to. Every method rejects with a SomaError. */
export class SomaServer {
  readonly #address: ServerAddress;
  readonly #timeoutMs: number;

  constructor(options: ServerOptions = {}) {
    const { baseUrl, token } = parseAddress(options.url);
    this.#address = { baseUrl, token: options.token ?? token };
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  get url(): string {
    return this.#address.baseUrl;
  }

  readonly sessions = {
    /** Resolves when the engine runs. */
    create: async ({ engine = "animation", ...rest }: CreateSession): Promise<CreatedSession> =>
      await this.#call<CreatedSession>("POST", "/sessions", { engine, ...rest }),
    list: async (): Promise<readonly SessionSummary[]> =>
      (await this.#call<{ sessions: readonly SessionSummary[] }>("GET", "/sessions")).sessions,
    get: async (id: string): Promise<SessionDetail> =>
      await this.#call<SessionDetail>("GET", `/sessions/${encodeURIComponent(id)}`),
    delete: async (id: string): Promise<void> => {
      await this.#call("DELETE", `/sessions/${encodeURIComponent(id)}`);
    },
  };

  /** The clips there are. */
  animations(): Promise<Animations> {
    return this.#call<Animations>("GET", "/animations");
  }

  status(): Promise<ServerStatus> {
    return this.#call<ServerStatus>("GET", "/status");
  }

  /** The stream of one of this server's sessions. */
  connect<D extends Dtype = "f32">(
    session: string,
    options: Omit<ConnectOptions<D>, "url" | "session" | "token"> = {},
  ): Promise<Stream<D>> {
    const { baseUrl, token } = this.#address;
    return connect<D>({
      ...options,
      url: baseUrl,
      session,
      ...(token === undefined ? {} : { token }),
    });
  }

  async #call<T>(method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<T> {
    const { baseUrl, token } = this.#address;
    let answer: Response;
    try {
      answer = await fetch(baseUrl + path, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body ? { "content-type": "application/json" } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
    } catch (cause) {
      const slow = cause instanceof DOMException && cause.name === "TimeoutError";
      const message = slow ? `no answer in ${this.#timeoutMs} ms` : `${baseUrl} does not answer`;
      throw new SomaError("CONNECTION_FAILED", message, { cause });
    }
    const json: unknown = await answer.json().catch(() => undefined);
    if (answer.ok && json !== undefined) return json as T;
    throw (
      errorFromBody(json) ??
      new SomaError(
        "ANSWER_UNREADABLE",
        `${method} ${path} was answered with ${answer.status} and no JSON of ours`,
      )
    );
  }
}

/** `const server = soma()`: the server this script came from, or `soma({ url, token })`. */
export function soma(options: ServerOptions | string = {}): SomaServer {
  return new SomaServer(typeof options === "string" ? { url: options } : options);
}
