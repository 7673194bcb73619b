/** What the writers of BVH and GLB are given. */
import type { SolvedPose } from "./pose.ts";

/** A clip as poses at an even rate; the last frame equals the first. */
export interface SampledClip {
  readonly name: string;
  readonly rateHz: number;
  readonly frames: readonly SolvedPose[];
}
