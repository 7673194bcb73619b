/** What an animation session is started with, as it reaches the worker: parsed by spec.ts, the source already resolved. */
import type { Loop } from "./animator.ts";

export interface AnimationOptions {
  /** Animator name. */
  readonly session_type: string;
  /** Name of the clip or file, as the client gave it. */
  readonly file?: string | undefined;
  readonly take?: string | number | undefined;
  readonly fps: number;
  readonly speed: number;
  readonly loop: Loop;
  readonly paused: boolean;
  readonly bvh_positions: "add" | "replace";
  /** Set by `prepare`: where the file is. */
  readonly source?: ClipSource | undefined;
}

/** A clip file that the library vouches for. */
export interface ClipSource {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}
