/** The animation engine as main knows it: its options and commands as schemas, and where its sessions run. */
import { z } from "zod";
import { Fault } from "../../core/fault.ts";
import { DEFAULT_POSE_FORM, POSE_VARIANTS, poseVariant } from "../../protocol/layouts.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { CommandSpec, EngineSpec, Prepared } from "../contract.ts";
import { type AnimationDefinition, LOOP_MODES } from "./animator.ts";
import { BUILT_IN_ANIMATORS } from "./animators/registry.ts";
import type { ClipLibrary } from "./library.ts";
import type { AnimationOptions } from "./options.ts";

/** A number in a range, refused with the range whatever was wrong with it: too big, NaN, not a number. */
function between(min: number, max: number, unit: string): z.ZodNumber {
  const message = `must be a number between ${min} and ${max} (${unit})`;
  return z.number({ error: message }).min(min, message).max(max, message);
}

const LONGEST_CLIP_S = 86_400;

const fps = between(LIMITS.minFps, LIMITS.maxFps, "frames per second").describe(
  "Frames per second of the stream.",
);
const speed = between(-LIMITS.maxSpeed, LIMITS.maxSpeed, "times real time").describe(
  "Playback speed: 1 is real time, negative plays backwards, 0 stands still.",
);
const time = between(0, LONGEST_CLIP_S, "seconds").describe("Seconds from the start of the clip.");
const mode = z
  .enum(LOOP_MODES)
  .describe("once holds the end, repeat starts again, pingpong turns round.");
const range = {
  start: time.optional().describe("Start of the range, seconds."),
  end: time.optional().describe("End of the range, seconds."),
};
const loop = z.union([
  mode.transform((name) => ({ mode: name })),
  z.boolean().transform((repeat) => ({ mode: repeat ? ("repeat" as const) : ("once" as const) })),
  z.strictObject({ mode, ...range }),
]);

const optionsSchema = z.strictObject({
  session_type: z.string().min(1).max(64).default("FK").describe("The animator: FK plays clips."),
  file: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe("Name of the clip, as GET /animations lists it."),
  take: z
    .union([z.string().min(1).max(256), z.int().min(0).max(9999)])
    .optional()
    .describe("Name or index of the take; the first where absent."),
  fps: fps.default(LIMITS.defaultFps),
  speed: speed.default(1),
  loop: loop.default({ mode: "repeat" }),
  paused: z.boolean().default(false),
  bvh_positions: z
    .enum(["add", "replace"])
    .default("add")
    .describe("How a BVH joint's position channels combine with its OFFSET; programs disagree."),
});

/** Facts of a running session that commands are checked against. */
function sourceOf(definition: unknown): AnimationDefinition["source"] {
  return (definition as AnimationDefinition).source;
}

/** First and last moment of the session's clip, seconds; of an animator without a clip nothing is known. */
function extentOf(definition: unknown): { startS: number; endS: number } {
  const source = sourceOf(definition);
  return source
    ? { startS: source.start_s, endS: source.start_s + source.duration_s }
    : { startS: 0, endS: Number.POSITIVE_INFINITY };
}

function requireInside(name: string, value: number | undefined, limit: number, unit: string): void {
  if (value === undefined || value <= limit) return;
  throw new Fault(
    "INVALID_ARGUMENT",
    `${name} must be between 0 and ${limit} (${unit}), not ${value}`,
  );
}

const seek: CommandSpec = {
  summary: "Go to a position: seconds, a frame of the clip, or a fraction of its length.",
  schema: z.union([
    z.object({ time }),
    z.object({ frame: z.int().min(0).describe("Frame of the clip, counted from 0.") }),
    z.object({ fraction: between(0, 1, "of the clip").describe("0 is the start, 1 the end.") }),
  ]),
  example: { time: 1.5 },
  resolve(value, definition) {
    const source = sourceOf(definition);
    const { startS, endS } = extentOf(definition);
    if ("fraction" in value) {
      if (!source)
        throw new Fault(
          "INVALID_ARGUMENT",
          "this session has no clip, so no fraction of it; use time",
        );
      return { time: startS + Number(value["fraction"]) * (endS - startS) };
    }
    if ("frame" in value) {
      const rateHz = source?.frame_rate_hz ?? LIMITS.defaultFps;
      const frame = Number(value["frame"]);
      const count = source?.frame_count ?? Math.floor((endS - startS) * rateHz);
      requireInside("frame", frame, count - 1, "frames");
      return { time: startS + frame / rateHz };
    }
    requireInside("time", Number(value["time"]), endS, "seconds");
    return { time: Number(value["time"]) };
  },
  answer: (value) => ({ status: "updated", time: value["time"] }),
};

const setLoop: CommandSpec = {
  summary: "Choose how playback ends: mode, and optionally a range of the clip.",
  schema: z.object({ mode, ...range }),
  example: { mode: "pingpong", start: 0.5, end: 2 },
  resolve(value, definition) {
    const { startS, endS } = extentOf(definition);
    const { start, end } = value as { start?: number; end?: number };
    requireInside("start", start, endS, "seconds");
    requireInside("end", end, endS, "seconds");
    if ((start ?? startS) >= (end ?? endS)) {
      throw new Fault(
        "INVALID_ARGUMENT",
        `start must be before end: ${start ?? startS} is not before ${end ?? endS}`,
      );
    }
    return value;
  },
  answer: (value) => ({ status: "updated", loop: value }),
};

const commands: Readonly<Record<string, CommandSpec>> = {
  play: {
    summary: "Start or go on.",
    schema: z.object({}),
    example: {},
    answer: () => ({ status: "playing" }),
  },
  pause: {
    summary: "Stop the clip's time; the stream falls silent until something changes.",
    schema: z.object({}),
    example: {},
    answer: () => ({ status: "paused" }),
  },
  speed: {
    summary: "Set the playback speed.",
    schema: z.union([
      z.object({ speed }),
      z.object({ playback_speed: speed }).transform((value) => ({ speed: value.playback_speed })),
    ]),
    example: { speed: -0.5 },
    answer: (value) => ({ status: "updated", speed: value["speed"] }),
  },
  fps: {
    summary: "Set the stream's frame rate.",
    schema: z.object({ fps }),
    example: { fps: 120 },
    answer: (value) => ({ status: "updated", fps: value["fps"] }),
  },
  seek,
  loop: setLoop,
};

export interface AnimationSettings {
  readonly library: ClipLibrary;
  /** Names of animators that come from plug-ins. */
  readonly pluginAnimators: readonly string[];
}

export function animationSpec(settings: AnimationSettings): EngineSpec<AnimationOptions> {
  const { library, pluginAnimators } = settings;
  const names = [...Object.keys(BUILT_IN_ANIMATORS), ...pluginAnimators];
  return {
    name: "animation",
    options: optionsSchema,
    commands,
    openCommands: true,
    ports: {
      pose: {
        kind: "frames",
        variants: POSE_VARIANTS,
        defaultVariant: poseVariant(DEFAULT_POSE_FORM),
      },
    },
    async prepare(options): Promise<Prepared<AnimationOptions>> {
      const type = options.session_type;
      if (!names.includes(type)) {
        throw new Fault(
          "ANIMATOR_UNKNOWN",
          `there is no session type "${type}"; there are: ${names.join(", ")}`,
          {
            session_types: names,
          },
        );
      }
      // Animators from plug-ins read their source themselves, in a worker of their own.
      if (pluginAnimators.includes(type)) {
        const source =
          options.file === undefined
            ? undefined
            : await library.find(options.file).catch(() => undefined);
        return { options: source ? { ...options, source } : options, place: "dedicated" };
      }
      if (options.file === undefined) {
        throw new Fault(
          "REQUEST_INVALID",
          "name a clip: options.file, or animation_file in the seed's form",
        );
      }
      const source = await library.find(options.file);
      const key = [
        source.path,
        source.modifiedMs,
        source.bytes,
        options.take ?? "",
        options.bvh_positions,
      ].join("|");
      return { options: { ...options, source }, place: "pool", assetKey: key };
    },
  };
}
