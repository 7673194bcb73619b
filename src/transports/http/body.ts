/** Reads request bodies: bounded, JSON only, an empty one is `{}`. */
import { Fault, messageOf } from "../../core/fault.ts";
import { requireShallow } from "../json-depth.ts";

/** The parsed body; throws BODY_TOO_LARGE, MEDIA_TYPE_UNSUPPORTED or REQUEST_MALFORMED. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  refuseTooLarge(request, maxBytes);
  const bytes = await readBounded(request, maxBytes);
  if (bytes.byteLength === 0) return {};
  const type =
    (request.headers.get("content-type") ?? "application/json")
      .split(";")[0]
      ?.trim()
      .toLowerCase() ?? "";
  if (type !== "application/json" && !type.endsWith("+json")) {
    throw new Fault(
      "MEDIA_TYPE_UNSUPPORTED",
      `the body must be application/json, not ${type || "unnamed"}`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Fault("REQUEST_MALFORMED", "the body is not UTF-8");
  }
  const value = text.trim() === "" ? {} : parseJson(text);
  // Every body of this server is an object; and Elysia would take null, 0, "" and false for no body at all.
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Fault("REQUEST_INVALID", "body: must be a JSON object");
  }
  requireShallow(value);
  return value;
}

/** Refuses by Content-Length alone, before anything is read. */
export function refuseTooLarge(request: Request, maxBytes: number): void {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Python's json writes NaN and Infinity, which JSON does not have. Read as numbers that no range contains, they are
    // refused with the range they should be in, which says more than a syntax error.
    const patched = text.replace(/"(?:[^"\\]|\\.)*"|\bNaN\b|\bInfinity\b/g, (token) =>
      token.startsWith('"') ? token : "1e999",
    );
    if (patched !== text) {
      try {
        return JSON.parse(patched);
      } catch {
        // Not the only mistake: the first message stands.
      }
    }
    throw new Fault("REQUEST_MALFORMED", `the body is not JSON: ${messageOf(error)}`);
  }
}

async function readBounded(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function tooLarge(maxBytes: number): Fault {
  return new Fault("BODY_TOO_LARGE", `a body may have ${maxBytes} bytes (--max-body-bytes)`);
}
