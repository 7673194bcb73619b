/**
 * The HTTP side as one Elysia app: access rules and CORS before everything, one form of failure after everything, and the routes
 * in between. Which routes a listener has is its dialect's choice.
 */
import { Elysia } from "elysia";
import { Fault } from "../../core/fault.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { Services } from "../services.ts";
import { CORS_HEADERS, checkAccess, PREFLIGHT_HEADERS } from "./access.ts";
import { readJson, refuseTooLarge } from "./body.ts";
import { addDocsRoutes } from "./docs-routes.ts";
import { failureResponse, validationFault } from "./failures.ts";
import { RouteIndex } from "./route-index.ts";
import { addServerRoutes } from "./server-routes.ts";
import { addSessionRoutes } from "./session-routes.ts";
import { addWebRoutes } from "./web-routes.ts";

/** `all` is the main port; `animation` the origin's port 9810, with that seed's routes only. */
export type Dialect = "all" | "animation";

export interface HttpSettings {
  readonly dialect: Dialect;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** The WebSocket routes, made by the other transport. */
  readonly addSockets: (app: Elysia) => void;
}

/** Builds the app; the caller listens with it. */
export function httpApp(services: Services, settings: HttpSettings) {
  const { tls, dialect } = settings;
  const routes = new RouteIndex();
  const app = new Elysia({
    name: "soma",
    // Elysia shows what was invalid only outside production; our own handler decides what to show.
    normalize: true,
    serve: {
      // Bodies over the limit are refused by us, in JSON, before or while they are read; Bun's own refusal has no body.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      // Otherwise what Elysia fails on is shown as a page with the stack and our folder.
      development: false,
      idleTimeout: LIMITS.httpIdleTimeoutS,
      // Elysia shares ports by default: a second server would silently take half of the first one's clients.
      reusePort: false,
      ...(tls ? { tls: { cert: Bun.file(tls.certFile), key: Bun.file(tls.keyFile) } } : {}),
    },
    websocket: {
      idleTimeout: LIMITS.wsIdleTimeoutS,
      maxPayloadLength: LIMITS.maxCommandBytes,
      backpressureLimit: LIMITS.clientBacklogBytes,
      closeOnBackpressureLimit: false,
      perMessageDeflate: false,
    },
  })
    .onRequest(({ request, set }): Response | Promise<Response> | undefined => {
      Object.assign(set.headers, CORS_HEADERS);
      checkAccess(request, services.access);
      if (request.url.length > LIMITS.maxUrlBytes) {
        throw new Fault("REQUEST_INVALID", `a URL may have ${LIMITS.maxUrlBytes} characters`);
      }
      refuseTooLarge(request, services.maxBodyBytes);
      if (request.method === "OPTIONS") {
        return new Response(null, { status: 204, headers: PREFLIGHT_HEADERS });
      }
      return undefined;
    })
    .onError(({ error, code, request }) => {
      if (error instanceof Fault) return failureResponse(error);
      if (code === "NOT_FOUND") return notFound(request, routes);
      if (code === "VALIDATION") return failureResponse(validationFault(error));
      if (code === "PARSE") return failureResponse(causeOf(error));
      return failureResponse(error);
    })
    .onParse(({ request }) => readJson(request, services.maxBodyBytes)) as unknown as Elysia;
  addSessionRoutes(app, services);
  addServerRoutes(app, services);
  settings.addSockets(app);
  if (dialect === "all") {
    addDocsRoutes(app, services);
    addWebRoutes(app, services);
  }
  routes.add(app.routes);
  return app;
}

/** Elysia wraps what a parser throws. */
function causeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Fault
    ? cause
    : new Fault("REQUEST_MALFORMED", "the body could not be read");
}

function notFound(request: Request, routes: RouteIndex): Response {
  // The target of CONNECT is no URL.
  const pathname = URL.parse(request.url)?.pathname ?? request.url;
  const { methods, socket } = routes.at(pathname);
  if (methods.length > 0 && !methods.includes(request.method)) {
    const head = methods.includes("GET") ? ["HEAD"] : [];
    const allow = [...methods, ...head, "OPTIONS"].join(", ");
    const fault = new Fault(
      "METHOD_NOT_ALLOWED",
      `${pathname} answers to ${allow}, not ${request.method}`,
    );
    return failureResponse(fault, { allow });
  }
  if (socket) {
    return failureResponse(new Fault("UPGRADE_REQUIRED", `${pathname} is a WebSocket`), {
      upgrade: "websocket",
      connection: "Upgrade",
    });
  }
  return failureResponse(
    new Fault("ROUTE_NOT_FOUND", `there is nothing at ${pathname.slice(0, 200)}`),
  );
}
