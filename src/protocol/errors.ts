/**
 * The one table of failures: what each code means on HTTP, on a WebSocket, and to the person who reads it.
 * It depends on nothing, so pages, the SDK and workers may import it. Nothing here is thrown: see core/fault.ts.
 */

export interface ErrorEntry {
  /** HTTP status of the answer. */
  readonly status: number;
  /** WebSocket close code (RFC 6455 §7.4; 4000–4999 are ours), for the codes that end a socket. */
  readonly close: number;
  /** Whether the same request may succeed later without being changed. */
  readonly retry: boolean;
  /** What to do about it, in one sentence. */
  readonly hint: string;
}

const table = {
  // The request itself
  REQUEST_MALFORMED: e(400, 4400, false, "Send valid JSON in UTF-8."),
  REQUEST_INVALID: e(
    422,
    4422,
    false,
    "Correct the fields listed in details; /openapi.json has every constraint.",
  ),
  INVALID_ARGUMENT: e(422, 4422, false, "Use a value inside the range that the message names."),
  MEDIA_TYPE_UNSUPPORTED: e(415, 4415, false, "Send the body as application/json."),
  BODY_TOO_LARGE: e(413, 1009, false, "Send less, or raise the limit that the message names."),
  ROUTE_NOT_FOUND: e(404, 4404, false, "See /docs for the routes of this server."),
  METHOD_NOT_ALLOWED: e(405, 4405, false, "Use one of the methods in the Allow header."),
  NOT_ACCEPTABLE: e(406, 4406, false, "Ask for one of the forms that the message lists."),
  COMMAND_UNKNOWN: e(422, 4422, false, "Use one of the commands that the message lists."),
  UPGRADE_REQUIRED: e(426, 4426, false, "Open this address as a WebSocket."),

  // Who may ask
  UNAUTHORISED: e(
    401,
    4401,
    false,
    "Send the server's token as 'Authorization: Bearer …' or '?token=…'.",
  ),
  ORIGIN_REFUSED: e(403, 4403, false, "Start the server with --allow-origin for this origin."),
  HOST_REFUSED: e(
    403,
    4403,
    false,
    "Use one of the server's own addresses, or start it with --allow-host for this name.",
  ),

  // Sessions
  SESSION_NOT_FOUND: e(404, 4000, false, "Create it with POST /sessions, or see GET /sessions."),
  SESSION_EXISTS: e(409, 4409, false, "Choose another id, or DELETE the session first."),
  SESSION_LIMIT: e(
    503,
    4503,
    true,
    "End a session, or start the server with a higher --max-sessions.",
  ),
  SESSION_FAILED: e(
    410,
    4410,
    false,
    "Delete the session and create it anew; its state says what went wrong.",
  ),
  SESSION_ENDED: e(410, 1001, false, "The session is over; create another."),
  CLIENT_LIMIT: e(
    503,
    4503,
    true,
    "Close a client, or start the server with a higher --max-clients.",
  ),
  COMMAND_RATE: e(429, 4429, true, "Send fewer commands per second, or wait for their answers."),
  COMMAND_TIMEOUT: e(504, 4504, true, "The session did not answer in time; try again."),
  FRAME_UNAVAILABLE: e(503, 4503, true, "The session has no frame yet; try again."),
  ENGINE_UNKNOWN: e(422, 4422, false, "Use one of the engines that the message lists."),
  ANIMATOR_UNKNOWN: e(422, 4422, false, "Use one of the session types that the message lists."),
  ENGINE_OPEN_FAILED: e(500, 4500, false, "The engine could not start; the message says why."),
  ENGINE_CRASHED: e(
    500,
    4500,
    true,
    "The engine threw; create the session anew, and report the message.",
  ),
  ENGINE_STALLED: e(500, 4500, true, "The engine exceeded its time limit and was stopped."),
  ENGINE_EXITED: e(500, 4500, true, "The engine ended its worker; create the session anew."),

  // Clips
  CLIP_NOT_FOUND: e(404, 4404, false, "See GET /animations for the clips of this server."),
  CLIP_INVALID: e(
    422,
    4422,
    false,
    "The file is damaged or not what its name says; export it again.",
  ),
  CLIP_FORMAT_UNSUPPORTED: e(422, 4422, false, "Use BVH, glTF or GLB."),
  CLIP_TAKE_NOT_FOUND: e(422, 4422, false, "Use one of the takes that the message lists."),
  CLIP_TOO_LARGE: e(
    413,
    1009,
    false,
    "Use a smaller clip, or raise the limit that the message names.",
  ),
  CLIP_LOAD_TIMEOUT: e(504, 4504, true, "The clip took too long to load; try a smaller one."),

  // The server
  SHUTTING_DOWN: e(503, 1001, true, "The server is stopping; connect again in a moment."),
  NATIVE_UNAVAILABLE: e(
    501,
    4501,
    false,
    "Run 'soma doctor' to see why the native library is missing.",
  ),
  NATIVE_FAILED: e(
    500,
    4500,
    false,
    "The native library refused a call; please report the message.",
  ),
  PLUGIN_INVALID: e(500, 4500, false, "Correct the plug-in; docs in examples/."),
  CONFIG_INVALID: e(500, 4500, false, "Correct the option; 'soma serve --help' lists them."),
  INTERNAL: e(500, 1011, false, "A fault of the server; please report it with the log."),
} as const satisfies Record<string, ErrorEntry>;

function e(status: number, close: number, retry: boolean, hint: string): ErrorEntry {
  return { status, close, retry, hint };
}

export type ErrorCode = keyof typeof table;
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = table;
export const ERROR_CODES = Object.keys(table) as readonly ErrorCode[];

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(table, value);
}

/** The JSON every failure is answered with; seed routes add the seed's own field beside `error`. */
export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly hint: string;
    readonly details?: unknown;
  };
}

export function errorBody(code: ErrorCode, message: string, details?: unknown): ErrorBody {
  const hint = ERRORS[code].hint;
  return {
    error: details === undefined ? { code, message, hint } : { code, message, hint, details },
  };
}
