/**
 * Answers whose content never changes while the server runs: files that the binary carries, and pages made once. With ETag and 304,
 * and with the cookie that lets a page opened with `?token=` go on without it.
 */
import type { WebAsset } from "../services.ts";
import { CORS_HEADERS, TOKEN_COOKIE } from "./access.ts";

export interface StaticContent {
  readonly body: Blob | string;
  readonly contentType: string;
  readonly etag: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const known = new Map<string, StaticContent>();

/** The content of an embedded file; read once, for its ETag. */
export async function fileContent(asset: WebAsset): Promise<StaticContent> {
  const cached = known.get(asset.file);
  if (cached) return cached;
  const body = Bun.file(asset.file);
  const content = { body, contentType: asset.contentType, etag: etagOf(await body.arrayBuffer()) };
  known.set(asset.file, content);
  return content;
}

export function textContent(
  body: string,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): StaticContent {
  return { body, contentType, etag: etagOf(body), headers };
}

function etagOf(body: ArrayBuffer | string): string {
  return `"${Bun.hash(body).toString(36)}"`;
}

/** `token` is the server's own, if it has one. */
export function staticAnswer(
  content: StaticContent,
  request: Request,
  token: string | undefined,
): Response {
  const headers: Record<string, string> = {
    ...CORS_HEADERS,
    etag: content.etag,
    "content-type": content.contentType,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    ...content.headers,
  };
  const given = new URL(request.url).searchParams.get("token");
  if (token !== undefined && given !== null) {
    headers["set-cookie"] =
      `${TOKEN_COOKIE}=${encodeURIComponent(given)}; Path=/; HttpOnly; SameSite=Strict`;
  }
  if (request.headers.get("if-none-match") === content.etag)
    return new Response(null, { status: 304, headers });
  return new Response(content.body, { headers });
}
