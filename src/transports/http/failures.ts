/** Turns whatever went wrong in a request into the one form of answer. */
import type { z } from "zod";
import { Fault } from "../../core/fault.ts";
import { logOf } from "../../core/log.ts";
import { ERRORS, type ErrorCode, errorBody } from "../../protocol/errors.ts";
import { fieldIssues, issueText } from "../../protocol/schemas/common.ts";
import { CORS_HEADERS } from "./access.ts";

const log = logOf("http");

/** Codes that the animation seed's clients know as 400. */
export const SEED_BAD_REQUESTS: readonly ErrorCode[] = [
  "SESSION_EXISTS",
  "ANIMATOR_UNKNOWN",
  "CLIP_NOT_FOUND",
  "CLIP_INVALID",
  "CLIP_FORMAT_UNSUPPORTED",
  "CLIP_TAKE_NOT_FOUND",
];

/** A fault that is answered in the animation seed's way: 400 where the origin says so. */
export class SeedFault extends Fault {
  override get status(): number {
    return SEED_BAD_REQUESTS.includes(this.code) ? 400 : super.status;
  }

  static of(error: unknown): unknown {
    return error instanceof Fault
      ? new SeedFault(error.code, error.message, error.details, { cause: error })
      : error;
  }
}

/** The answer to a failed request. Faults speak for themselves; anything else is logged and answered as INTERNAL. */
export function failureResponse(error: unknown, headers: Record<string, string> = {}): Response {
  const fault = error instanceof Fault ? error : internal(error);
  const { code, message, details, status } = fault;
  const body = { ...errorBody(code, message, details), detail: message };
  return Response.json(body, {
    status,
    headers: { ...CORS_HEADERS, ...(ERRORS[code].retry ? { "retry-after": "1" } : {}), ...headers },
  });
}

function internal(error: unknown): Fault {
  log.error("request failed", {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new Fault("INTERNAL", "the server made a mistake; the log has more");
}

/** What Elysia's ValidationError carries, as far as it is needed: the schema that refused, and what it was given. */
interface Refusal {
  readonly type?: string;
  readonly value?: unknown;
  readonly validator?: {
    readonly schema?: { safeParse?(value: unknown): z.ZodSafeParseResult<unknown> };
  };
}

/** The fault for what Elysia's validation refused. It keeps little of what zod said, so zod is asked again. */
export function validationFault(error: unknown): Fault {
  const { type = "request", value, validator } = error as Refusal;
  if (type === "response") return new Fault("INTERNAL", "the answer did not match its schema");
  const parsed = validator?.schema?.safeParse?.(value);
  const issues = fieldIssues(
    parsed?.error?.issues ?? [{ path: [], message: "is not valid" }],
    value,
  );
  return new Fault("REQUEST_INVALID", `${type}: ${issueText(issues)}`, issues);
}
