/**
 * The stream's WebSocket: binary frames out, text commands in and their answers back to the sender. Frames go through Bun's
 * own socket: Elysia's `ws.send` would turn them into JSON text.
 */
import type { Elysia } from "elysia";
import { unixUs } from "../../core/clock.ts";
import { Fault, messageOf, toFaultRecord } from "../../core/fault.ts";
import { logOf } from "../../core/log.ts";
import { ERRORS, errorBody } from "../../protocol/errors.ts";
import { poseVariant } from "../../protocol/layouts.ts";
import { fieldIssues, issueText } from "../../protocol/schemas/common.ts";
import { type FormQuery, formQuery } from "../../protocol/schemas/session.ts";
import { socketEnvelope } from "../../protocol/schemas/socket.ts";
import { runCommand } from "../../sessions/commands.ts";
import { layoutOf } from "../../sessions/frame-layout.ts";
import type { Session, Subscription } from "../../sessions/session.ts";
import type { FrameSink, Sent } from "../../sessions/stream.ts";
import { requireShallow } from "../json-depth.ts";
import type { Services } from "../services.ts";

const log = logOf("ws");

/** As much of Bun's ServerWebSocket as is used here. */
interface RawSocket {
  sendBinary(data: Uint8Array): number;
  sendText(data: string): number;
  close(code: number, reason: string): void;
}

class Connection implements FrameSink {
  readonly #socket: RawSocket;
  readonly #session: Session;
  readonly #form: FormQuery;
  readonly #subscription: Subscription;

  constructor(socket: RawSocket, session: Session, form: FormQuery) {
    this.#socket = socket;
    this.#session = session;
    this.#form = form;
    this.#subscription = session.subscribe(
      { port: "pose", variant: poseVariant(form), header: form.header },
      this,
    );
  }

  send(frame: Uint8Array): Sent {
    const result = this.#socket.sendBinary(frame);
    return result > 0 ? "sent" : result === 0 ? "dropped" : "queued";
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, shortReason(reason));
  }

  drained(): void {
    this.#subscription.drained();
  }

  end(): void {
    this.#subscription.end();
  }

  /** Answers one text message. Never throws: what went wrong is the answer. */
  async text(message: unknown): Promise<void> {
    let id: unknown;
    try {
      const envelope = parseEnvelope(message);
      id = envelope.id;
      const answer = await this.#answer(envelope.type, envelope.args);
      this.#reply(id === undefined ? answer : { ...answer, id });
    } catch (error) {
      const { code, message: reason, details } = toFaultRecord(error, "INTERNAL");
      if (code === "INTERNAL") log.error("message failed", { error: messageOf(error) });
      this.#reply({
        type: "error",
        ...errorBody(code, reason, details),
        ...(id === undefined ? {} : { id }),
      });
    }
  }

  async #answer(type: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    const session = this.#session;
    switch (type) {
      case "ping":
        return { type: "pong", server_time_us: unixUs() };
      case "skeleton":
        return { ...(session.definition as Record<string, unknown>) };
      case "layout":
        return { type, ...layoutOf(session, this.#form) };
      case "stats": {
        const { sent, lost } = this.#subscription.client;
        return { type, frames_sent: sent, frames_lost: lost, server_time_us: unixUs() };
      }
      default:
        return { type, ...(await runCommand(session, type, args)) };
    }
  }

  #reply(answer: Record<string, unknown>): void {
    this.#socket.sendText(JSON.stringify(answer));
  }
}

function parseEnvelope(message: unknown): {
  type: string;
  id: unknown;
  args: Record<string, unknown>;
} {
  if (typeof message === "string" || message instanceof Uint8Array) {
    throw new Fault("REQUEST_MALFORMED", 'send a JSON object such as {"type":"pause"}');
  }
  requireShallow(message);
  const parsed = socketEnvelope.safeParse(message);
  if (!parsed.success) {
    const issues = fieldIssues(parsed.error.issues, message);
    throw new Fault("REQUEST_INVALID", issueText(issues), issues);
  }
  const { type, id, ...args } = parsed.data;
  return { type, id, args };
}

/** A close reason may have 123 bytes. */
function shortReason(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > 123) text = text.slice(0, -1);
  return text;
}

/** Adds the route `/ws/:session_id`. */
export function addStreamSocket(app: Elysia, { manager }: Services): void {
  const connections = new WeakMap<object, Connection>();
  app.ws("/ws/:session_id", {
    detail: { hide: true },
    open(ws) {
      const { params, query } = ws.data as unknown as {
        params: { session_id: string };
        query: unknown;
      };
      try {
        const form = formQuery.safeParse(query);
        if (!form.success)
          throw new Fault("REQUEST_INVALID", issueText(fieldIssues(form.error.issues, query)));
        const session = manager.find(params.session_id);
        // The origin's words and code; its clients look for them.
        if (!session) throw new Fault("SESSION_NOT_FOUND", "Session does not exist");
        manager.admitClient();
        connections.set(ws.raw, new Connection(ws.raw, session, form.data));
      } catch (error) {
        const { code, message } = toFaultRecord(error, "INTERNAL");
        ws.raw.sendText(JSON.stringify({ type: "error", ...errorBody(code, message) }));
        ws.raw.close(ERRORS[code].close, shortReason(message));
      }
    },
    message(ws, message) {
      void connections.get(ws.raw)?.text(message);
    },
    drain(ws) {
      connections.get(ws.raw)?.drained();
    },
    close(ws) {
      connections.get(ws.raw)?.end();
      connections.delete(ws.raw);
    },
  });
}
