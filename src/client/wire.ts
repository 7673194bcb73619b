/**
 * The server's JSON as types. The schemas in protocol/schemas are the truth; a test holds these against them, so that the
 * SDK needs no schema library.
 */

export interface Skeleton {
  readonly type: "SKELETON_DEF";
  readonly bone_names: readonly string[];
  /** Index of each bone's parent, -1 for a root. Parents come before their children. */
  readonly parents: readonly number[];
  readonly bind_pose: {
    readonly positions: readonly (readonly number[])[];
    /** Quaternions x, y, z, w. */
    readonly rotations: readonly (readonly number[])[];
    readonly scales: readonly (readonly number[])[];
  };
  readonly animator: string;
  readonly source?: SkeletonSource | undefined;
}

export interface SkeletonSource {
  readonly clip: string;
  readonly take: string;
  readonly takes: readonly string[];
  /** Time of the first moment: positions count from the file's own 0, to `start_s + duration_s`. */
  readonly start_s: number;
  readonly duration_s: number;
  readonly frame_rate_hz?: number | undefined;
  readonly frame_count?: number | undefined;
  readonly warnings: readonly string[];
}

export type SessionState = "opening" | "running" | "failed" | "ended";

export interface SessionSummary {
  readonly session_id: string;
  readonly engine: string;
  readonly state: SessionState;
  /** Unix time, milliseconds. */
  readonly created_at: number;
  readonly clients: number;
  /** Number of the newest frame (u32). */
  readonly frames: number;
  /** Frames sent to all its clients, those that left included, and frames they missed. */
  readonly frames_sent: number;
  readonly frames_lost: number;
  readonly fps: number;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

export interface StreamClientInfo {
  readonly id: number;
  readonly header: "none" | "soma" | "moma";
  readonly frames_sent: number;
  readonly frames_lost: number;
  readonly congested: boolean;
}

export interface SessionDetail extends SessionSummary {
  readonly resumed: number;
  readonly place: "pool" | "dedicated";
  readonly streams: readonly StreamClientInfo[];
  /** What the engine says of itself; for animation `paused`, `speed`, `fps`, `time_s`, `source`. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Clip {
  readonly name: string;
  readonly format: "bvh" | "gltf" | "glb" | "fbx";
  readonly bytes: number;
  /** Unix time, milliseconds; 0 for a clip the server carries. */
  readonly modified_at: number;
  readonly bones?: number | undefined;
  readonly takes?: readonly ClipTake[] | undefined;
  /** Why the file cannot be played. */
  readonly error?: string | undefined;
}

export interface ClipTake {
  readonly name: string;
  readonly duration_s: number;
  readonly frame_rate_hz?: number | undefined;
}

export interface Animations {
  readonly animations: readonly string[];
  readonly clips: readonly Clip[];
}

export interface WorkerStatus {
  readonly place: "pool" | "dedicated";
  readonly sessions: number;
  readonly ticks: {
    readonly count: number;
    readonly late: number;
    readonly lateness_mean_ms: number;
    readonly lateness_max_ms: number;
  };
}

export interface ServerStatus {
  readonly status: "running" | "stopping";
  readonly product: "soma";
  readonly version: string;
  readonly uptime_s: number;
  readonly sessions: number;
  readonly sessions_created: number;
  readonly clients: number;
  readonly frames_sent: number;
  readonly frames_lost: number;
  readonly bytes_sent: number;
  readonly rss_bytes: number;
  readonly clip_cache_bytes: number;
  readonly worker_restarts: number;
  readonly workers: readonly WorkerStatus[];
  readonly engines: readonly string[];
  readonly native: {
    readonly loaded: boolean;
    readonly simd: string;
    readonly reason?: string | undefined;
  };
  readonly limits: { readonly max_sessions: number; readonly max_clients: number };
}

export type LoopMode = "once" | "repeat" | "pingpong";

/** What a command is answered with; each command adds its own fields. */
export interface CommandAnswer {
  readonly status: string;
  readonly session_id: string;
  readonly [field: string]: unknown;
}

export interface CreateSession {
  /** Letters, digits, `_` and `-`, at most 64; the server makes one up where absent. */
  readonly id?: string;
  /** "animation" where absent. */
  readonly engine?: string;
  /** The engine's own; for animation `file`, `take`, `fps`, `speed`, `loop`, `paused`. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface CreatedSession {
  readonly status: "created";
  readonly session_id: string;
}
