/**
 * `Fault`: every failure that a person can cause or must know about, with a code from protocol/errors.ts.
 * Engines and sessions throw it; transports alone turn it into an answer. Programmer errors are asserted instead (core/assert.ts).
 */
import { ERRORS, type ErrorCode, isErrorCode } from "../protocol/errors.ts";

export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: ErrorCode;
  readonly details: unknown;

  /** `message` says what was wrong and what would be right; `details` is JSON that helps a program. */
  constructor(code: ErrorCode, message: string, details?: unknown, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** A fault as it crosses a worker boundary: structured clone keeps neither class nor code of an Error. */
export interface FaultRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: unknown;
}

export function toFaultRecord(error: unknown, otherwise: ErrorCode): FaultRecord {
  if (error instanceof Fault) {
    return error.details === undefined
      ? { code: error.code, message: error.message }
      : { code: error.code, message: error.message, details: error.details };
  }
  return { code: otherwise, message: messageOf(error) };
}

export function fromFaultRecord(record: FaultRecord): Fault {
  return new Fault(
    isErrorCode(record.code) ? record.code : "INTERNAL",
    record.message,
    record.details,
  );
}

/** The text of anything that was thrown, never empty and never longer than a log line should be. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}
