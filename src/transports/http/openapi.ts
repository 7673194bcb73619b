/** The OpenAPI document. (Placeholder replaced below.) */
import type { EngineSpec } from "../../engines/contract.ts";

export interface RouteLike {
  readonly method: string;
  readonly path: string;
  readonly hooks: unknown;
}

export function openApiDocument(routes: readonly RouteLike[], specs: readonly EngineSpec[]): Record<string, unknown> {
  return { openapi: "3.0.3", paths: { n: routes.length, s: specs.length } };
}
