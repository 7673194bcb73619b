/** /openapi.json and the page that shows it. */
import { Elysia } from "elysia";
import type { Services } from "../services.ts";
import { openApiDocument, type RouteLike } from "./openapi.ts";

export function docsRoutes(routes: () => readonly RouteLike[], services: Services) {
  return new Elysia({ name: "docs" }).get("/openapi.json", () => openApiDocument(routes(), services.manager.specs), {
    detail: { hide: true },
  });
}
