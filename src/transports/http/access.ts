/**
 * Who may ask: the token, the Host header (against DNS rebinding), and the Origin of writes and sockets. Reads and preflights
 * are open to every origin, as the seeds' clients expect.
 */
import { Fault } from "../../core/fault.ts";
import type { AccessRules } from "../services.ts";

const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
export const TOKEN_COOKIE = "soma_token";

export const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "etag, x-soma-sequence, x-soma-variant, allow",
} as const;

export const PREFLIGHT_HEADERS = {
  ...CORS_HEADERS,
  "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE, OPTIONS",
  "access-control-allow-headers": "authorization, content-type, if-none-match",
  "access-control-max-age": "600",
} as const;

/** Throws UNAUTHORISED, HOST_REFUSED or ORIGIN_REFUSED for a request that may not go on. */
export function checkAccess(request: Request, rules: AccessRules): void {
  checkHost(request.headers.get("host"), rules);
  if (request.method === "OPTIONS") return;
  const isSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
  if (isSocket || !SAFE_METHODS.has(request.method))
    checkOrigin(request.headers.get("origin"), rules);
  if (rules.token !== undefined && !isProbe(request) && !hasToken(request, rules.token)) {
    throw new Fault("UNAUTHORISED", "this server needs its token");
  }
}

/** Probes of orchestrators carry no secrets, and get none. */
function isProbe(request: Request): boolean {
  return /^https?:\/\/[^/]*\/(?:healthz|readyz)$/.test(request.url);
}

function checkHost(host: string | null, rules: AccessRules): void {
  if (host === null || rules.hosts.length === 0) return;
  const name = hostName(host);
  if (!LOOPBACK_NAMES.has(name) && !rules.hosts.includes(name)) {
    throw new Fault(
      "HOST_REFUSED",
      `this server does not answer to the name "${name.slice(0, 100)}"`,
    );
  }
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

function checkOrigin(origin: string | null, rules: AccessRules): void {
  // Programs that are not browsers send no Origin; there is nobody to protect from them here.
  if (origin === null || rules.allowOrigins.includes("*") || rules.allowOrigins.includes(origin))
    return;
  const url = URL.parse(origin);
  if (url && LOOPBACK_NAMES.has(url.hostname)) return;
  throw new Fault(
    "ORIGIN_REFUSED",
    `pages of ${origin.slice(0, 200)} may not write to this server`,
  );
}

function hasToken(request: Request, token: string): boolean {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (bearer !== undefined && equal(bearer, token)) return true;
  const query = URL.parse(request.url)?.searchParams.get("token") ?? null;
  if (query !== null && equal(query, token)) return true;
  const cookie = new Map(
    (request.headers.get("cookie") ?? "").split(";").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const;
    }),
  ).get(TOKEN_COOKIE);
  return cookie !== undefined && equal(decodeURIComponentSafe(cookie), token);
}

/** Compares digests, so that time tells nothing about the token or its length. */
function equal(a: string, b: string): boolean {
  const digest = (text: string): Uint8Array => new Bun.CryptoHasher("sha256").update(text).digest();
  return crypto.timingSafeEqual(digest(a), digest(b));
}

function decodeURIComponentSafe(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
