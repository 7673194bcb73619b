/**
 * Failures as the OpenAPI document shows them: one response per status, in the one form every failure has, with each code that
 * may come with that status as an example. The codes are those of protocol/errors.ts.
 */
import { ERRORS, type ErrorCode, errorBody } from "../../protocol/errors.ts";
import type { Json } from "./openapi-schemas.ts";

/** Any route may answer with these: who may ask is checked first, then the length of the URL. */
const ANY_ROUTE: readonly ErrorCode[] = [
  "UNAUTHORISED",
  "HOST_REFUSED",
  "REQUEST_INVALID",
  "INTERNAL",
];
/** What else a kind of route may answer with. Of a write, a body is checked even where none is wanted. */
const ANY_OF_KIND = {
  read: [],
  write: ["ORIGIN_REFUSED", "REQUEST_MALFORMED", "BODY_TOO_LARGE", "MEDIA_TYPE_UNSUPPORTED"],
  socket: ["ORIGIN_REFUSED", "UPGRADE_REQUIRED"],
} as const satisfies Record<string, readonly ErrorCode[]>;

export interface FailingRoute {
  readonly kind: keyof typeof ANY_OF_KIND;
  readonly failures: readonly ErrorCode[];
  readonly badRequests: readonly ErrorCode[];
}

/** OpenAPI responses by status. `schema` is a reference to the error schema. */
export function failureResponses(route: FailingRoute, schema: Json): Json {
  const byStatus = new Map<number, Set<ErrorCode>>();
  const add = (status: number, code: ErrorCode): void => {
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  };
  const codes = [...ANY_ROUTE, ...ANY_OF_KIND[route.kind], ...route.failures];
  for (const code of codes) add(ERRORS[code].status, code);
  for (const code of route.badRequests) add(400, code);
  const statuses = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(
    statuses.map(([status, found]) => [status, failureResponse([...found], schema)]),
  );
}

function failureResponse(codes: readonly ErrorCode[], schema: Json): Json {
  const retry = codes.some((code) => ERRORS[code].retry);
  return {
    description: codes.map((code) => `\`${code}\` ${ERRORS[code].hint}`).join("  \n"),
    ...(retry
      ? {
          headers: {
            "Retry-After": {
              description: "Seconds to wait, where waiting helps.",
              schema: { type: "integer" },
            },
          },
        }
      : {}),
    content: {
      "application/json": {
        schema,
        examples: Object.fromEntries(
          codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
        ),
      },
    },
  };
}

/** `components.examples` for the codes that a document refers to. */
export function failureExamples(codes: Iterable<ErrorCode>): Json {
  const sorted = [...codes].sort();
  return Object.fromEntries(
    sorted.map((code) => [code, { summary: ERRORS[code].hint, value: exampleBody(code) }]),
  );
}

/** The body of such a failure, as a client would get it. */
export function exampleBody(code: ErrorCode): Json {
  const { message, details } = EXAMPLES[code] ?? { message: ERRORS[code].hint };
  return { ...errorBody(code, message, details), detail: message };
}

const EXAMPLES: Partial<
  Record<ErrorCode, { readonly message: string; readonly details?: unknown }>
> = {
  REQUEST_MALFORMED: { message: "the body is not JSON: JSON Parse error: Expected '}'" },
  REQUEST_INVALID: {
    message: "body: fps: must be a number between 1 and 2000 (frames per second)",
    details: [{ path: "fps", message: "must be a number between 1 and 2000 (frames per second)" }],
  },
  INVALID_ARGUMENT: { message: "time must be between 0 and 2.64 seconds, not 99" },
  MEDIA_TYPE_UNSUPPORTED: { message: "the body must be application/json, not text/plain" },
  BODY_TOO_LARGE: { message: "a body may have 16777216 bytes (--max-body-bytes)" },
  COMMAND_UNKNOWN: {
    message: 'there is no command "jump"; there are: play, pause',
    details: { commands: ["play", "pause"] },
  },
  UPGRADE_REQUIRED: { message: "/ws/demo is a WebSocket" },
  UNAUTHORISED: { message: "this server needs its token" },
  ORIGIN_REFUSED: { message: "pages of https://example.com may not write to this server" },
  HOST_REFUSED: { message: 'this server does not answer to the name "example.com"' },
  SESSION_NOT_FOUND: { message: 'there is no session "demo"' },
  SESSION_EXISTS: { message: 'there is a session "demo" already' },
  SESSION_LIMIT: { message: "2000 sessions run already, the limit" },
  SESSION_FAILED: { message: 'session "demo" has failed: a tick took more than 250 ms' },
  COMMAND_RATE: { message: "a session takes 1000 commands per second" },
  ANIMATOR_UNKNOWN: {
    message: 'there is no session type "IK"; there are: FK',
    details: { session_types: ["FK"] },
  },
  CLIP_NOT_FOUND: {
    message: 'there is no clip "wlak.bvh"; GET /animations lists them',
    details: { clips: ["walk.bvh"] },
  },
  INTERNAL: { message: "the server made a mistake; the log has more" },
};
