/** Questions on the socket and their answers, matched by id; each is answered once, refused once, or timed out. */
import { errorFromBody, SomaError } from "./soma-error.ts";

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: SomaError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Requests {
  readonly #pending = new Map<number, Pending>();
  readonly #timeoutMs: number;
  #lastId = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Sends `{...fields, type, id}` through `send`, which says whether there was a connection. */
  ask(type: string, fields: object, send: (text: string) => boolean): Promise<unknown> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (!send(JSON.stringify({ ...fields, type, id }))) {
      reject(new SomaError("CONNECTION_LOST", `"${type}" was not sent: there is no connection`));
      return promise;
    }
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      reject(
        new SomaError("COMMAND_TIMEOUT", `"${type}" was not answered in ${this.#timeoutMs} ms`),
      );
    }, this.#timeoutMs);
    this.#pending.set(id, { resolve, reject, timer });
    return promise;
  }

  /** Takes a message; false when nobody waits for it. */
  settle(message: unknown): boolean {
    const { id, type } = (message ?? {}) as { id?: unknown; type?: unknown };
    const pending = typeof id === "number" ? this.#pending.get(id) : undefined;
    if (typeof id !== "number" || !pending) return false;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (type === "error") pending.reject(errorFromBody(message) ?? unreadable());
    else pending.resolve(message);
    return true;
  }

  /** The connection is gone: whether these were carried out is not known. */
  failAll(error: SomaError): void {
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
  }
}

function unreadable(): SomaError {
  return new SomaError("ANSWER_UNREADABLE", "the server refused in a form this SDK does not know");
}
