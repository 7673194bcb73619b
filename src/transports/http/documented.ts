/**
 * What every route says of itself beside its schemas: a summary, a tag, examples, and the failures it may answer with. Elysia
 * carries it in `detail`; openapi.ts reads it. The types for sockets are here too. Nothing in this file answers a request.
 */
import type { z } from "zod";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { SocketMessage } from "../../protocol/schemas/socket.ts";

export interface RouteDocument {
  readonly summary: string;
  /** Markdown. */
  readonly description?: string;
  readonly tags: readonly string[];
  readonly operationId: string;
  /** Failures beside those that any route may answer with. */
  readonly failures?: readonly ErrorCode[];
  /** Failures that this route also answers with 400 instead of their own status, as the origin's clients expect. */
  readonly badRequests?: readonly ErrorCode[];
  /** Answer that is not JSON. */
  readonly binary?: BinaryAnswer;
  readonly requestExample?: unknown;
  /** Where one example is not enough: by name. */
  readonly requestExamples?: Readonly<Record<string, DocumentedExample>>;
  /** Of the answer with the lowest status. */
  readonly responseExample?: unknown;
}

export interface DocumentedExample {
  readonly summary: string;
  readonly value: unknown;
}

export interface BinaryAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly description: string;
  /** Headers beside the ETag: name → what it says. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the answer has an ETag, and If-None-Match is answered with 304. */
  readonly etag?: boolean;
}

/** A WebSocket route. OpenAPI has no word for one: see openapi-sockets.ts. */
export interface SocketDocument {
  /** In OpenAPI's form: `/ws/{session_id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** Markdown. */
  readonly description: string;
  readonly tags: readonly string[];
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** What the binary messages from the server are. */
  readonly frames: string;
  /** Text messages a client may send. */
  readonly requests: readonly SocketMessage[];
  /** Text messages the server sends. */
  readonly answers: readonly SocketMessage[];
  /** Failures that end the socket with their close code. */
  readonly closes: readonly ErrorCode[];
}

/** Packs a route's document into the shape that Elysia passes through untouched. */
export function documented(document: RouteDocument): { detail: Record<string, unknown> } {
  return { detail: { "x-soma": document } };
}

export function documentOf(detail: unknown): RouteDocument | undefined {
  if (typeof detail !== "object" || detail === null) return undefined;
  return (detail as Record<string, unknown>)["x-soma"] as RouteDocument | undefined;
}
