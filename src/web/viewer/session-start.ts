/** Makes sure that there is a session to watch: `?file=NAME` starts one where there is none yet. */

import type { SomaServer } from "../../client/server.ts";
import { SomaError } from "../../client/soma-error.ts";
import type { SessionDetail } from "../../client/wire.ts";

export interface WantedSession {
  readonly id: string;
  /** Clip for a new session; undefined where the page may only watch. */
  readonly file: string | undefined;
  /** Further options of a new session, as the address names them. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Reads `/view/{id}?file=…&take=…&fps=…`. */
export function wantedSession(address: URL): WantedSession {
  const [, , id = ""] = address.pathname.split("/");
  const { searchParams: query } = address;
  const take = query.get("take");
  const fps = query.get("fps");
  return {
    id: decodeURIComponent(id),
    file: query.get("file") ?? undefined,
    options: {
      ...(take === null ? {} : { take: /^\d+$/.test(take) ? Number(take) : take }),
      ...(fps === null ? {} : { fps: Number(fps) }),
    },
  };
}

/** Resolves with the session's description. Rejects with SESSION_NOT_FOUND where there is none and no file to start it from. */
export async function findOrStart(
  server: SomaServer,
  wanted: WantedSession,
): Promise<SessionDetail> {
  const { id, file, options } = wanted;
  // Asking the list is no failure when there is none; a browser would log a 404.
  const isThere = (await server.sessions.list()).some((session) => session.session_id === id);
  if (!isThere) {
    if (file === undefined) throw new SomaError("SESSION_NOT_FOUND", `there is no session "${id}"`);
    try {
      await server.sessions.create({ id, options: { file, ...options } });
    } catch (error) {
      // Another page was quicker; its session is as good.
      if (!hasCode(error, "SESSION_EXISTS")) throw error;
    }
  }
  return await server.sessions.get(id);
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof SomaError && error.code === code;
}
