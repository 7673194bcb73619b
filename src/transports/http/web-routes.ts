/** Pages, scripts and style sheets that the binary carries. */
import { Elysia } from "elysia";
import type { Services, WebAsset } from "../services.ts";
import { CORS_HEADERS, TOKEN_COOKIE } from "./access.ts";
import { documented } from "./documented.ts";

/** A route per asset, and `/view/:id` for the viewer whatever the session. */
export function webRoutes({ assets, access }: Services) {
  const app = new Elysia({ name: "web" });
  for (const [path, asset] of Object.entries(assets)) {
    const route = path === "/view" ? "/view/:id" : path;
    app.get(
      route,
      ({ request }) => serve(asset, request, access.token),
      documented({
        operationId: `asset${path.replaceAll(/\W+/g, "_")}`,
        summary: asset.contentType.startsWith("text/html") ? "A page" : "A file of the pages",
        tags: ["pages"],
        binary: { status: 200, contentType: asset.contentType.split(";")[0] ?? "", description: "The file." },
      }),
    );
  }
  return app;
}

const etags = new Map<string, string>();

async function serve(asset: WebAsset, request: Request, token: string | undefined): Promise<Response> {
  const file = Bun.file(asset.file);
  let etag = etags.get(asset.file);
  if (etag === undefined) {
    etag = `"${Bun.hash(await file.arrayBuffer()).toString(36)}"`;
    etags.set(asset.file, etag);
  }
  const headers: Record<string, string> = {
    ...CORS_HEADERS,
    etag,
    "content-type": asset.contentType,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  };
  // A page opened with ?token= goes on with a cookie, so that its own requests carry the token.
  const given = new URL(request.url).searchParams.get("token");
  if (token !== undefined && given !== null) {
    headers["set-cookie"] = `${TOKEN_COOKIE}=${encodeURIComponent(given)}; Path=/; HttpOnly; SameSite=Strict`;
  }
  if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
  return new Response(file, { headers });
}
