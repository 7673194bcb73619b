/**
 * The animation engine as workers load it: finds the animator, drives it with play, pause and speed, and turns its local
 * matrices into every form that somebody listens to.
 */
import { Fault, messageOf } from "../../core/fault.ts";
import { convertPose, globalMatrices } from "../../native/fk.ts";
import {
  FRAME_FLAG,
  type PoseForm,
  parsePoseVariant,
  posePayloadBytes,
} from "../../protocol/layouts.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { EngineModule, Host, Loaded, OpenVariant, Running, Tick } from "../contract.ts";
import { animatorPluginFile, importPlugin } from "../plugins.ts";
import type {
  AnimationDefinition,
  Animator,
  AnimatorDefinition,
  AnimatorSource,
  Loop,
} from "./animator.ts";
import { BUILT_IN_ANIMATORS } from "./animators/registry.ts";
import { type ClipInfo, inspectClip, loadClip } from "./clips/load-clip.ts";
import { poseLayouts } from "./layouts.ts";
import type { AnimationOptions } from "./options.ts";

interface ClipAssets {
  readonly block: SharedArrayBuffer;
  readonly info: ClipInfo;
}

export const animationEngine: EngineModule<AnimationOptions, ClipAssets | undefined> = {
  async load(options): Promise<Loaded<ClipAssets>> {
    const { source, take } = options;
    if (!source) throw new Fault("CLIP_NOT_FOUND", "no clip was named");
    const { block, info } = await loadClip({
      path: source.path,
      bvhPositions: options.bvh_positions,
      ...(take === undefined ? {} : { take }),
    });
    // Its name is the one the library gives it; an embedded file has another.
    return {
      key: info.contentHash,
      bytes: block.byteLength,
      assets: { block, info: { ...info, name: source.name } },
    };
  },

  async inspect(options): Promise<unknown> {
    const { source } = options;
    if (!source) throw new Fault("CLIP_NOT_FOUND", "no clip was named");
    return await inspectClip({ path: source.path });
  },

  async open(options, assets, host): Promise<Running> {
    const definition = await findAnimator(options.session_type);
    const animator = definition.create();
    const source: AnimatorSource = {
      options: { ...options },
      clip: assets,
      random: () => host.random(),
      log: (level, message, fields) => host.log(level, message, fields),
    };
    await animator.initialize(options.source?.path ?? options.file ?? "", source);
    return new AnimationRunning(definition.name, animator, options, host);
  },
};

async function findAnimator(name: string): Promise<AnimatorDefinition> {
  const load = Object.hasOwn(BUILT_IN_ANIMATORS, name) ? BUILT_IN_ANIMATORS[name] : undefined;
  if (load) return await load();
  const file = animatorPluginFile(name);
  if (!file) throw new Fault("ANIMATOR_UNKNOWN", `there is no session type "${name}"`);
  const exported = await importPlugin(file);
  if (typeof exported["create"] !== "function") {
    throw new Fault("PLUGIN_INVALID", `${file}: an animator plug-in exports "name" and "create"`);
  }
  return exported as unknown as AnimatorDefinition;
}

/** How the frame of one tick becomes those of all listeners. */
interface Plan {
  readonly open: readonly OpenVariant[];
  /** Whoever wants just what the animator writes: it writes into that cell. */
  readonly base: OpenVariant | undefined;
  readonly derived: readonly { readonly stream: OpenVariant; readonly form: PoseForm }[];
}

/** Float64 words of the saved state before the animator's own: speed, fps, paused. */
const STATE_FLOATS = 3;
const STATE_BYTES = STATE_FLOATS * 8;

class AnimationRunning implements Running {
  readonly layouts;
  readonly definition: AnimationDefinition;
  readonly #animator: Animator;
  readonly #parents: Int32Array;
  readonly #boneCount: number;
  /** Local and global matrices of the frame being made, when no ring cell holds them. */
  readonly #local: DataView;
  readonly #global: DataView;
  #plan: Plan = { open: [], base: undefined, derived: [] };
  #speed: number;
  #fps: number;
  #paused: boolean;
  /** Set by a seek for the next frame, which then does not follow from the one before. */
  #seeked = false;
  #jumped = false;
  /** Something changed that a paused session must show. */
  #dirty = false;

  constructor(name: string, animator: Animator, options: AnimationOptions, host: Host) {
    this.#animator = animator;
    const skeleton = animator.getSkeleton();
    const source = animator.getSourceInfo?.();
    this.#boneCount = skeleton.parents.length;
    const frameBytes = animator.getMemorySize();
    if (this.#boneCount === 0 || frameBytes !== posePayloadBytes(this.#boneCount, "f32")) {
      throw new Fault(
        "ENGINE_OPEN_FAILED",
        `animator ${name}: getMemorySize() gives ${frameBytes}, but ${this.#boneCount} bones take ${this.#boneCount * 64} bytes`,
      );
    }
    this.#parents = Int32Array.from(skeleton.parents);
    this.#local = new DataView(new ArrayBuffer(frameBytes));
    this.#global = new DataView(new ArrayBuffer(frameBytes));
    this.definition = { ...skeleton, animator: name, ...(source ? { source } : {}) };
    this.layouts = poseLayouts(skeleton.bone_names);
    this.#speed = options.speed;
    this.#fps = options.fps;
    this.#paused = options.paused;
    animator.setLoop?.(options.loop);
    if (host.resume) this.#restore(host.resume);
  }

  periodUs(): number {
    return 1_000_000 / this.#fps;
  }

  mediaTimeS(): number {
    return this.#animator.getTime?.() ?? 0;
  }

  flags(): number {
    return (this.#paused ? FRAME_FLAG.paused : 0) | (this.#jumped ? FRAME_FLAG.discontinuity : 0);
  }

  tick(t: Tick, open: readonly OpenVariant[]): boolean {
    const redraw = t.dtS === 0;
    if (this.#paused && !redraw && !this.#dirty) return false;
    this.#dirty = false;
    this.#jumped = this.#seeked;
    this.#seeked = false;
    const dtS = this.#paused ? 0 : t.dtS;
    if (open.length === 0 && this.#animator.advance) {
      this.#animator.advance(dtS, this.#speed);
      return true;
    }
    if (open !== this.#plan.open) this.#plan = this.#planFor(open);
    const base = this.#plan.base?.payload() ?? this.#local;
    this.#animator.writeFrameToBuffer(base, 0, dtS, this.#speed);
    if (this.#plan.derived.length > 0) this.#derive(base);
    return true;
  }

  /** Who gets what, worked out once for each set of listeners. */
  #planFor(open: readonly OpenVariant[]): Plan {
    const wanted = open.flatMap((stream) => {
      const form = parsePoseVariant(stream.variant);
      return form ? [{ stream, form }] : [];
    });
    const base = wanted.find(
      ({ form }) => form.dtype === "f32" && form.space === "local" && form.order === "row",
    );
    return { open, base: base?.stream, derived: wanted.filter((one) => one !== base) };
  }

  #derive(base: DataView): void {
    let haveGlobal = false;
    for (const { stream, form } of this.#plan.derived) {
      if (form.space === "global" && !haveGlobal) {
        globalMatrices(this.#global, base, this.#parents);
        haveGlobal = true;
      }
      const from = form.space === "global" ? this.#global : base;
      convertPose(stream.payload(), from, this.#boneCount, form.dtype, form.order);
    }
  }

  command(name: string, value: Record<string, unknown>): unknown {
    this.#dirty = true;
    switch (name) {
      case "play":
        this.#paused = false;
        return undefined;
      case "pause":
        this.#paused = true;
        return undefined;
      case "speed":
        this.#speed = Number(value["speed"]);
        return undefined;
      case "fps":
        this.#fps = Number(value["fps"]);
        return undefined;
      case "seek":
        return this.#seek(Number(value["time"]));
      case "loop":
        return this.#setLoop(value as unknown as Loop);
      default:
        return this.#own(name, value);
    }
  }

  #seek(timeS: number): void {
    if (!this.#animator.seek) throw new Fault("COMMAND_UNKNOWN", "this animator cannot seek");
    this.#animator.seek(timeS);
    this.#seeked = true;
  }

  #setLoop(loop: Loop): void {
    if (!this.#animator.setLoop)
      throw new Fault("COMMAND_UNKNOWN", "this animator has no loop to set");
    this.#animator.setLoop(loop);
  }

  #own(name: string, value: Record<string, unknown>): unknown {
    const { commands = {} } = this.#animator;
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command) {
      try {
        return command.call(commands, value);
      } catch (error) {
        // An animator refuses by throwing; that is the client's affair and no reason to end the session.
        throw error instanceof Fault
          ? error
          : new Fault("INVALID_ARGUMENT", `${name}: ${messageOf(error)}`);
      }
    }
    const names = ["play", "pause", "speed", "fps", "seek", "loop", ...Object.keys(commands)];
    throw new Fault(
      "COMMAND_UNKNOWN",
      `there is no command "${name}"; there are: ${names.join(", ")}`,
    );
  }

  describe(): Record<string, unknown> {
    const loop = this.#animator.getLoop?.();
    return {
      paused: this.#paused,
      speed: this.#speed,
      fps: this.#fps,
      time_s: this.mediaTimeS(),
      ...(loop ? { loop } : {}),
      bones: this.#boneCount,
      animator: this.definition.animator,
      ...(this.definition.source ? { source: this.definition.source } : {}),
    };
  }

  save(): Uint8Array {
    const own = this.#animator.save?.();
    const state = new Uint8Array(STATE_BYTES + (own?.byteLength ?? 0));
    new Float64Array(state.buffer, 0, STATE_FLOATS).set([
      this.#speed,
      this.#fps,
      this.#paused ? 1 : 0,
    ]);
    if (own) state.set(own, STATE_BYTES);
    return state;
  }

  #restore(state: Uint8Array): void {
    const [speed = 1, fps = LIMITS.defaultFps, paused = 0] = new Float64Array(
      state.buffer.slice(state.byteOffset, state.byteOffset + STATE_BYTES),
    );
    this.#speed = speed;
    this.#fps = fps;
    this.#paused = paused !== 0;
    const own = state.slice(STATE_BYTES);
    if (own.byteLength > 0) this.#animator.restore?.(own);
  }

  close(): void {
    this.#animator.close?.();
  }
}
