/** Where things are: turns what a person writes as an address into the server's base address and a stream's own. */
import { DTYPES, type Dtype, ORDERS, type Order, SPACES, type Space } from "../protocol/layouts.ts";
import { SomaError } from "./soma-error.ts";

/** How a client wants its matrices; the server's own default is f32, local, row. */
export interface WantedForm<D extends Dtype = Dtype> {
  readonly dtype?: D;
  readonly space?: Space;
  readonly order?: Order;
}

export interface ServerAddress {
  /** http(s) address without a trailing slash; what lies behind a proxy's path keeps that path. */
  readonly baseUrl: string;
  readonly token: string | undefined;
}

export interface StreamAddress extends ServerAddress {
  readonly session: string | undefined;
  readonly form: WantedForm;
}

/**
 * Reads `http://host:8080`, `ws://host:8080/ws/demo?space=global&token=…` and the like. Without a url: the server that this
 * script was loaded from.
 */
export function parseAddress(url: string | undefined): StreamAddress {
  const parsed = parse(url ?? ownOrigin());
  const [, prefix = "", session] = /^(.*?)(?:\/ws\/([^/]+))?\/*$/.exec(parsed.pathname) ?? [];
  const query = parsed.searchParams;
  const dtype = DTYPES.find((name) => name === query.get("dtype"));
  const space = SPACES.find((name) => name === query.get("space"));
  const order = ORDERS.find((name) => name === query.get("order"));
  return {
    baseUrl: `${parsed.protocol.replace("ws", "http")}//${parsed.host}${prefix}`,
    token: query.get("token") ?? undefined,
    session: session === undefined ? undefined : decodeURIComponent(session),
    form: { ...(dtype && { dtype }), ...(space && { space }), ...(order && { order }) },
  };
}

function parse(text: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (!url || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new SomaError("CONNECTION_FAILED", `"${text}" is not an http, https, ws or wss address`);
  }
  return url;
}

/** The origin this module was loaded from: of a page's own bundle, the page's server. */
function ownOrigin(): string {
  const url = URL.parse(import.meta.url);
  if (url && /^https?:$/.test(url.protocol)) return url.origin;
  throw new SomaError("CONNECTION_FAILED", 'name the server: { url: "http://127.0.0.1:8080" }');
}

/** The WebSocket address of a stream, with the header that carries sequence and time. */
export function streamUrl(server: ServerAddress, session: string, form: WantedForm): string {
  const url = new URL(`${server.baseUrl.replace(/^http/, "ws")}/ws/${encodeURIComponent(session)}`);
  for (const [name, value] of Object.entries(form)) url.searchParams.set(name, value);
  url.searchParams.set("header", "soma");
  if (server.token !== undefined) url.searchParams.set("token", server.token);
  return url.href;
}
