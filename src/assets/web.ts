/** The built pages as files that the executable carries, by the URL path they are served under. `bun build.ts` makes them. */
import dashboardCss from "../../dist/web/dashboard.css" with { type: "file" };
import dashboardJs from "../../dist/web/dashboard.js" with { type: "file" };
import favicon from "../../dist/web/favicon.svg" with { type: "file" };
import indexPage from "../../dist/web/index.html" with { type: "file" };
import sdk from "../../dist/web/sdk.js" with { type: "file" };
import viewPage from "../../dist/web/view.html" with { type: "file" };
import viewerCss from "../../dist/web/viewer.css" with { type: "file" };
import viewerJs from "../../dist/web/viewer.js" with { type: "file" };
import type { WebAsset } from "../transports/services.ts";

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** URL path → file. `/view` is the viewer's page, which the HTTP transport serves at `/view/:id`. */
export function webAssets(): Readonly<Record<string, WebAsset>> {
  return {
    "/": { file: pathOf(indexPage), contentType: HTML },
    "/view": { file: pathOf(viewPage), contentType: HTML },
    "/dashboard.js": { file: dashboardJs, contentType: SCRIPT },
    "/dashboard.css": { file: dashboardCss, contentType: CSS },
    "/viewer.js": { file: viewerJs, contentType: SCRIPT },
    "/viewer.css": { file: viewerCss, contentType: CSS },
    "/sdk.js": { file: sdk, contentType: SCRIPT },
    "/favicon.svg": { file: favicon, contentType: "image/svg+xml" },
  };
}

/** Bun's types call every imported page a bundle; with `{ type: "file" }` it is a path. */
function pathOf(page: unknown): string {
  if (typeof page !== "string") throw new Error("assertion failed: a page imported as a file is a path");
  return page;
}
