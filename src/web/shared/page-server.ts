/** The server this page came from, and what its failures are called on a page. */

import { SomaServer } from "../../client/server.ts";
import { SomaError } from "../../client/soma-error.ts";

export interface PageServer {
  readonly server: SomaServer;
  readonly token: string | undefined;
}

/**
 * Opened with `?token=…` the page has been given a cookie; the token leaves the address bar so that it is not copied about
 * with the link, and is kept for this visit in case cookies are refused.
 */
export function openPageServer(): PageServer {
  const url = new URL(location.href);
  const token = url.searchParams.get("token") ?? undefined;
  if (token !== undefined) {
    url.searchParams.delete("token");
    history.replaceState(null, "", url);
  }
  const server = new SomaServer({
    url: location.origin,
    ...(token === undefined ? {} : { token }),
  });
  return { server, token };
}

/** A failure in a sentence or two: what went wrong, and what to do about it. */
export function inWords(error: unknown): string {
  if (!(error instanceof SomaError)) return `The page made a mistake: ${String(error)}`;
  return `${sentence(error.message)} ${error.hint}`.trim();
}

function sentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}
