/**
 * What an animator is: the source of poses behind an animation session. The built-in ones live in animators/; a plug-in file
 * exports an `AnimatorDefinition` (`{ name, create }`) and is chosen by `session_type: name`.
 */
import type { ClipInfo } from "./clips/load-clip.ts";

/** The skeleton as clients get it, in the seed's words. */
export interface Skeleton {
  readonly type: "SKELETON_DEF";
  readonly bone_names: readonly string[];
  /** Index of each bone's parent, -1 for a root; parents come before their children. */
  readonly parents: readonly number[];
  readonly bind_pose: {
    readonly positions: readonly (readonly number[])[];
    /** Quaternions x, y, z, w. */
    readonly rotations: readonly (readonly number[])[];
    readonly scales: readonly (readonly number[])[];
  };
}

export const LOOP_MODES = ["once", "repeat", "pingpong"] as const;
export type LoopMode = (typeof LOOP_MODES)[number];

export interface Loop {
  readonly mode: LoopMode;
  /** Part of the clip to play, seconds; the whole clip where absent. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/** What an animator is given to start from. */
export interface AnimatorSource {
  /** The session's options as the client sent them, parsed. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The loaded clip, for animators that declare `needsClip`. */
  readonly clip: { readonly block: SharedArrayBuffer; readonly info: ClipInfo } | undefined;
  /** Random numbers in [0, 1), the same ones for the same session. */
  random(): number;
  log(
    level: "debug" | "info" | "warn" | "error",
    message: string,
    fields?: Record<string, unknown>,
  ): void;
}

/** One per session. Calls never overlap; none but `initialize` may wait. */
export interface Animator {
  /** All the heavy work. `sourcePath` is the file the client named, "" where it named none. */
  initialize(sourcePath: string, source: AnimatorSource): void | Promise<void>;
  getSkeleton(): Skeleton;
  /** Bytes of one frame: bones × 64. */
  getMemorySize(): number;
  /**
   * Moves on by `dt · playbackSpeed` seconds, then writes the local matrix T·R·S of every bone: 16 little-endian float32
   * each, row-major, translation at 3, 7, 11. `offset` is in bytes from the start of `view`; the memory is shared, so nothing
   * beyond getMemorySize() bytes may be touched. `dt` is 0 to draw the present moment again.
   */
  writeFrameToBuffer(view: DataView, offset: number, dt: number, playbackSpeed: number): void;
  /** Moves on without drawing, for frames nobody sees. Without it they are drawn into scratch memory. */
  advance?(dt: number, playbackSpeed: number): void;
  /** Position in seconds. */
  getTime?(): number;
  seek?(timeS: number): void;
  setLoop?(loop: Loop): void;
  /** The loop in force, for animators that have one. */
  getLoop?(): Loop;
  /** More about the source than the skeleton says; becomes part of the skeleton answer. */
  getSourceInfo?(): SourceInfo;
  /** Commands of its own, by name; what they return is the answer. Throw to refuse. */
  readonly commands?: Readonly<Record<string, (value: Record<string, unknown>) => unknown>>;
  /** State to go on from if the worker dies, at most 512 bytes. */
  save?(): Uint8Array;
  restore?(state: Uint8Array): void;
  close?(): void;
}

/** What is known of a timed source; main checks seek and loop against it. */
export interface SourceInfo {
  readonly clip: string;
  readonly take: string;
  readonly takes: readonly string[];
  /** Time of the first moment, seconds: not always 0, positions count from the file's own 0. */
  readonly start_s: number;
  readonly duration_s: number;
  /** Frames per second of the source where it has a fixed rate. */
  readonly frame_rate_hz?: number;
  readonly frame_count?: number;
  readonly warnings: readonly string[];
}

export interface AnimatorDefinition {
  readonly name: string;
  create(): Animator;
  /** The named file is a clip, to be loaded and shared before `initialize`. */
  readonly needsClip?: boolean;
}

/** What `GET /sessions/{id}/skeleton` answers. */
export type AnimationDefinition = Skeleton & {
  readonly animator: string;
  readonly source?: SourceInfo;
};
