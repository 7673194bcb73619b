/** What transports are given to work with. Built once by app/wiring.ts. */

import type { Status } from "../protocol/schemas/server.ts";
import type { ClipCatalogue } from "../sessions/clip-catalogue.ts";
import type { SessionManager } from "../sessions/manager.ts";

/** A file the server carries: a page, a script, a style sheet. */
export interface WebAsset {
  /** Path of the embedded file. */
  readonly file: string;
  readonly contentType: string;
}

export interface Services {
  readonly manager: SessionManager;
  readonly catalogue: ClipCatalogue;
  readonly access: AccessRules;
  /** Static files by URL path. */
  readonly assets: Readonly<Record<string, WebAsset>>;
  readonly maxBodyBytes: number;
  /** How the native library was loaded; loads it. */
  readonly native: () => Status["native"];
  readonly maxSessions: number;
  readonly maxClients: number;
  readonly startedMs: number;
}

export interface AccessRules {
  readonly token: string | undefined;
  /** Origins that may write; loopback origins always may. `*` stands for all. */
  readonly allowOrigins: readonly string[];
  /** Host names the server answers to; empty when any will do (a token protects it, or the operator said --insecure). */
  readonly hosts: readonly string[];
}
