/**
 * The one kind of error this SDK throws: a code to branch on, a message and a hint to read. Codes are the server's
 * (protocol/errors.ts) and a few that only a client can know.
 */
import { ERRORS, type ErrorCode, isErrorCode } from "../protocol/errors.ts";

/** Failures that no server can report, because it was not reached or not understood. */
const CLIENT_ERRORS = {
  CONNECTION_FAILED: {
    retry: true,
    hint: "Check the address, and that the server is running.",
  },
  CONNECTION_LOST: { retry: true, hint: "Try again; a stream reconnects by itself." },
  STREAM_CLOSED: { retry: false, hint: "Connect again." },
  ANSWER_UNREADABLE: {
    retry: false,
    hint: "Check that the address is a Soma server's, of the same version as the SDK.",
  },
} as const;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;
/** Every code known to this version; a newer server may send others. */
export type SomaErrorCode = ErrorCode | ClientErrorCode;

export interface SomaErrorParts {
  readonly hint?: string;
  readonly details?: unknown;
  readonly cause?: unknown;
}

export class SomaError extends Error {
  override readonly name = "SomaError";
  readonly code: SomaErrorCode | (string & {});
  /** What to do about it, in one sentence. */
  readonly hint: string;
  /** More for a program, where the server gave more: fields, known names, ranges. */
  readonly details: unknown;
  /** Whether the same call may succeed later. */
  readonly retry: boolean;

  constructor(code: SomaErrorCode | (string & {}), message: string, parts: SomaErrorParts = {}) {
    super(message, parts.cause === undefined ? {} : { cause: parts.cause });
    const known = isErrorCode(code)
      ? ERRORS[code]
      : isClientError(code)
        ? CLIENT_ERRORS[code]
        : undefined;
    this.code = code;
    this.hint = parts.hint ?? known?.hint ?? "";
    this.details = parts.details;
    this.retry = known?.retry ?? false;
  }
}

function isClientError(code: string): code is ClientErrorCode {
  return Object.hasOwn(CLIENT_ERRORS, code);
}

/** Reads the server's `{error: {code, message, hint, details?}}`; undefined where `body` is something else. */
export function errorFromBody(body: unknown): SomaError | undefined {
  const error = (body as { error?: Partial<Record<string, unknown>> } | null | undefined)?.error;
  const { code, message, hint, details } = error ?? {};
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  return new SomaError(code, message, { ...(typeof hint === "string" ? { hint } : {}), details });
}

/** What a WebSocket close means. Codes shared by several errors count as retryable if one of them is. */
export function errorFromClose(code: number, reason: string): SomaError {
  const entries = Object.entries(ERRORS).filter(([, entry]) => entry.close === code);
  const [name] = entries.find(([, entry]) => entry.retry) ?? entries[0] ?? [];
  if (name === undefined) {
    const message = reason === "" ? `the connection broke (${code})` : reason;
    return new SomaError("CONNECTION_LOST", message);
  }
  return new SomaError(name, reason === "" ? `the server closed the stream (${code})` : reason);
}
