/** Pages, scripts and style sheets that the binary carries. */
import type { Elysia } from "elysia";
import { idParams } from "../../protocol/schemas/common.ts";
import type { Services } from "../services.ts";
import { documented } from "./documented.ts";
import { fileContent, staticAnswer } from "./static-answers.ts";

/** A route per asset, and `/view/:id` for the viewer whatever the session. */
export function addWebRoutes(app: Elysia, { assets, access }: Services): void {
  for (const [path, asset] of Object.entries(assets)) {
    const isViewer = path === "/view";
    app.get(
      isViewer ? "/view/:id" : path,
      async ({ request }) => staticAnswer(await fileContent(asset), request, access.token),
      {
        ...(isViewer ? { params: idParams } : {}),
        ...documented({
          operationId: `asset${path.replaceAll(/\W+/g, "_")}`,
          summary: asset.contentType.startsWith("text/html") ? "A page" : "A file of the pages",
          tags: ["pages"],
          binary: {
            status: 200,
            contentType: asset.contentType.split(";")[0] ?? "",
            description: "The file.",
            etag: true,
          },
        }),
      },
    );
  }
}
