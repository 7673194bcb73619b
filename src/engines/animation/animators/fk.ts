/**
 * The `FK` animator: plays a clip and writes its local matrices, sampled by the native kernel straight into the ring. Clips are
 * loaded and shared outside; nothing is allocated per frame.
 */
import { Fault } from "../../../core/fault.ts";
import { openClip, type PoseClip } from "../../../native/fk.ts";
import type {
  Animator,
  AnimatorDefinition,
  AnimatorSource,
  Loop,
  Skeleton,
  SourceInfo,
} from "../animator.ts";
import type { ClipInfo } from "../clips/load-clip.ts";
import { PLAYHEAD_STATE_FLOATS, Playhead } from "../playhead.ts";

class FkAnimator implements Animator {
  #clip: PoseClip | undefined;
  #info: ClipInfo | undefined;
  #playhead = new Playhead({ startS: 0, endS: 0, wrapS: 0 });
  readonly #state = new Float64Array(PLAYHEAD_STATE_FLOATS);

  initialize(sourcePath: string, source: AnimatorSource): void {
    if (!source.clip) throw new Fault("CLIP_NOT_FOUND", `no clip was loaded from "${sourcePath}"`);
    const clip = openClip(source.clip.block);
    this.#clip = clip;
    this.#info = source.clip.info;
    this.#playhead = new Playhead(clip);
  }

  getSkeleton(): Skeleton {
    const info = this.#loaded(this.#info);
    return {
      type: "SKELETON_DEF",
      bone_names: info.boneNames,
      parents: info.parents,
      bind_pose: info.bindPose,
    };
  }

  getSourceInfo(): SourceInfo {
    const info = this.#loaded(this.#info);
    const durationS = info.wrapS > 0 ? info.wrapS : info.endS - info.startS;
    return {
      clip: info.name,
      take: info.take,
      takes: info.takes.map((take) => take.name),
      start_s: info.startS,
      duration_s: durationS,
      ...(info.frameRateHz === undefined
        ? {}
        : {
            frame_rate_hz: info.frameRateHz,
            frame_count: Math.round(durationS * info.frameRateHz),
          }),
      warnings: info.warnings,
    };
  }

  getMemorySize(): number {
    return this.#loaded(this.#clip).jointCount * 64;
  }

  writeFrameToBuffer(view: DataView, offset: number, dt: number, playbackSpeed: number): void {
    this.#playhead.advance(dt * playbackSpeed);
    this.#loaded(this.#clip).sample(view, offset, this.#playhead.timeS);
  }

  advance(dt: number, playbackSpeed: number): void {
    this.#playhead.advance(dt * playbackSpeed);
  }

  getTime(): number {
    return this.#playhead.timeS;
  }

  seek(timeS: number): void {
    this.#playhead.seek(timeS);
  }

  setLoop(loop: Loop): void {
    this.#playhead.setLoop(loop);
  }

  getLoop(): Loop {
    return this.#playhead.loop;
  }

  save(): Uint8Array {
    this.#playhead.save(this.#state);
    return new Uint8Array(this.#state.buffer);
  }

  restore(state: Uint8Array): void {
    new Uint8Array(this.#state.buffer).set(state.subarray(0, this.#state.byteLength));
    this.#playhead.restore(this.#state);
  }

  #loaded<T>(value: T | undefined): T {
    if (value === undefined) throw new Error("assertion failed: initialize comes first");
    return value;
  }
}

export const fkAnimator: AnimatorDefinition = {
  name: "FK",
  needsClip: true,
  create: () => new FkAnimator(),
};
