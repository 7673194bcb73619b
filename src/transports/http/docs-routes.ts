/**
 * /openapi.json, and /docs (also /swagger), the page that shows it. The page is @elysiajs/swagger's, with its scripts and styles served
 * from here, so that it works without a network. Document and page are made when first asked for: they cost a start nothing.
 */
import { Elysia } from "elysia";
import faviconFile from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import stylesFile from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import bundleFile from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import { assert } from "../../core/assert.ts";
import type { Services, WebAsset } from "../services.ts";
import { documented } from "./documented.ts";
import { fileContent, type StaticContent, staticAnswer, textContent } from "./static-answers.ts";

const DOCUMENT_PATH = "/openapi.json";
const PAGE_PATHS = { docs: "/docs", swagger: "/swagger" } as const;

const ASSETS = {
  bundle: {
    path: "/docs/assets/swagger-ui-bundle.js",
    file: bundleFile,
    contentType: "text/javascript; charset=utf-8",
  },
  styles: {
    path: "/docs/assets/swagger-ui.css",
    file: stylesFile,
    contentType: "text/css; charset=utf-8",
  },
  favicon: { path: "/docs/assets/favicon.png", file: faviconFile, contentType: "image/png" },
} as const satisfies Record<string, WebAsset & { path: string }>;

/** Everything the page may load, run and reach: this server, and nothing else. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The app's routes are read when the document is first wanted, after every route is there. */
export function addDocsRoutes(app: Elysia, { manager, access }: Services): void {
  const document = once(async () => {
    const [{ openApiDocument }, { streamDocument }] = await Promise.all([
      import("./openapi.ts"),
      import("./stream-document.ts"),
    ]);
    const json = openApiDocument(app.routes, {
      sockets: [streamDocument(manager.specs)],
      needsToken: access.token !== undefined,
    });
    return textContent(JSON.stringify(json), "application/json; charset=utf-8");
  });
  const page = once(async () =>
    textContent(await renderPage(), "text/html; charset=utf-8", {
      "content-security-policy": PAGE_POLICY,
    }),
  );

  app.get(
    DOCUMENT_PATH,
    async ({ request }) => staticAnswer(await document(), request, access.token),
    documented({
      operationId: "openapi",
      summary: "This document",
      tags: ["pages"],
      binary: {
        status: 200,
        contentType: "application/json",
        description: "OpenAPI 3.0.3.",
        etag: true,
      },
    }),
  );
  for (const [operationId, path] of Object.entries(PAGE_PATHS)) {
    app.get(
      path,
      async ({ request }) => staticAnswer(await page(), request, access.token),
      documented({
        operationId,
        summary: "This document as a page",
        tags: ["pages"],
        binary: { status: 200, contentType: "text/html", description: "The page.", etag: true },
      }),
    );
  }
  for (const [name, asset] of Object.entries(ASSETS)) {
    app.get(
      asset.path,
      async ({ request }) => staticAnswer(await fileContent(asset), request, access.token),
      documented({
        operationId: `docsAsset_${name}`,
        summary: "A file of the page",
        tags: ["pages"],
        binary: {
          status: 200,
          contentType: asset.contentType.split(";")[0] ?? "",
          description: "The file.",
          etag: true,
        },
      }),
    );
  }
}

function once(make: () => Promise<StaticContent>): () => Promise<StaticContent> {
  let made: Promise<StaticContent> | undefined;
  return async () => await (made ??= make());
}

/** The plug-in's page with local addresses. */
async function renderPage(): Promise<string> {
  const { swagger } = await import("@elysiajs/swagger");
  const path = PAGE_PATHS.docs;
  const plugin = swagger({
    provider: "swagger-ui",
    path,
    specPath: DOCUMENT_PATH,
    theme: ASSETS.styles.path,
    documentation: {
      info: { title: "Soma API", description: "REST and WebSocket API of Soma.", version: "1" },
    },
    swaggerOptions: {
      // Swagger UI would otherwise show the document to validator.swagger.io.
      validatorUrl: "none",
      deepLinking: true,
      displayRequestDuration: true,
      persistAuthorization: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
    },
  });
  const answer = await new Elysia().use(plugin).handle(new Request(`http://localhost${path}`));
  // The plug-in has no option for the bundle's address, and makes the document's relative, which breaks under /docs/.
  const page = (await answer.text())
    .replace(/<script src="https:[^"]*" crossorigin>/, `<script src="${ASSETS.bundle.path}">`)
    .replace(`"url":"${DOCUMENT_PATH.slice(1)}"`, `"url":"${DOCUMENT_PATH}"`)
    .replace("</head>", `    <link rel="icon" href="${ASSETS.favicon.path}" />\n</head>`);
  assert(page.includes(`"url":"${DOCUMENT_PATH}"`), "the docs page reads our document");
  assert(!page.includes("https:"), "the docs page loads from this server only");
  return page;
}
