/**
 * Messages between the main thread and its workers. Everything here survives structured clone; buffers are shared, not copied.
 */
import type { FaultRecord } from "../../core/fault.ts";
import type { LogRecord } from "../../core/log.ts";
import type { Layout } from "../../protocol/layouts.ts";
import type { CloseReason } from "../contract.ts";

/** Names and files of plug-ins, so that a worker can load the one it needs. */
export interface PluginFiles {
  /** Engine name → absolute path of the module. */
  readonly engines: Readonly<Record<string, string>>;
  /** Animator name → absolute path of the module. */
  readonly animators: Readonly<Record<string, string>>;
}

export const NO_PLUGINS: PluginFiles = { engines: {}, animators: {} };

/** A frame variant and the ring its frames go to. */
export interface StreamGrant {
  readonly port: string;
  readonly variant: string;
  /** What stands in the 32 bytes before the payload. */
  readonly header: "soma" | "moma";
  readonly ring: SharedArrayBuffer;
}

export interface OpenRequest {
  readonly engine: string;
  readonly options: unknown;
  readonly assets: unknown;
  readonly block: SharedArrayBuffer;
  readonly seed: number;
  readonly epoch: number;
  /** True when the session ran before and its worker died: the block holds where it was. */
  readonly resume: boolean;
  readonly streams: readonly StreamGrant[];
}

export interface Opened {
  readonly layouts: Readonly<Record<string, Layout>>;
  readonly definition: unknown;
}

export type ToEngineWorker =
  | {
      readonly type: "start";
      readonly block: SharedArrayBuffer;
      readonly plugins: PluginFiles;
      readonly logLevel: string;
    }
  | { readonly type: "open"; readonly session: number; readonly request: OpenRequest }
  | { readonly type: "stream"; readonly session: number; readonly grant: StreamGrant }
  | {
      readonly type: "present";
      readonly session: number;
      readonly key: string;
      readonly reply: number;
    }
  | { readonly type: "unstream"; readonly session: number; readonly key: string }
  | {
      readonly type: "command";
      readonly session: number;
      readonly name: string;
      readonly value: Record<string, unknown>;
      /** Set when somebody waits for the answer. */
      readonly reply?: number;
    }
  | { readonly type: "describe"; readonly session: number; readonly reply: number }
  | { readonly type: "close"; readonly session: number; readonly why: CloseReason };

export type FromEngineWorker =
  | { readonly type: "ready" }
  | { readonly type: "opened"; readonly session: number; readonly opened: Opened }
  | { readonly type: "refused"; readonly session: number; readonly fault: FaultRecord }
  | { readonly type: "reply"; readonly reply: number; readonly value: unknown }
  | { readonly type: "replyFault"; readonly reply: number; readonly fault: FaultRecord }
  | { readonly type: "failed"; readonly session: number; readonly fault: FaultRecord }
  | { readonly type: "closed"; readonly session: number }
  | { readonly type: "log"; readonly record: LogRecord };

export type ToLoader =
  | { readonly type: "start"; readonly plugins: PluginFiles; readonly logLevel: string }
  | {
      readonly type: "load";
      readonly job: number;
      readonly engine: string;
      readonly method: "load" | "inspect";
      readonly options: unknown;
    };

export type FromLoader =
  | { readonly type: "ready" }
  | { readonly type: "done"; readonly job: number; readonly value: unknown }
  | { readonly type: "refused"; readonly job: number; readonly fault: FaultRecord }
  | { readonly type: "log"; readonly record: LogRecord };

/** Identifies a stream within its session: two header forms of one variant are two streams. */
export function streamKey(stream: {
  port: string;
  variant: string;
  header: "soma" | "moma";
}): string {
  return `${stream.port}/${stream.variant}/${stream.header}`;
}
