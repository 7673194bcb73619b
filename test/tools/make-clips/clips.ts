/**
 * The built-in clips: which there are, how long, at what rate and in which file. Sampling ends on a copy of the first frame, so every clip
 * loops after (frames - 1) / rate seconds.
 */
import { writeBvh } from "./bvh.ts";
import { BEAT_S, DANCE_BEATS, danceBody } from "./dance.ts";
import { gaitBody } from "./gait-body.ts";
import { RUN, WALK } from "./gaits.ts";
import { writeGlb } from "./glb.ts";
import { type BodyPose, solvePose } from "./pose.ts";
import type { SampledClip } from "./sampled-clip.ts";
import { WAVE_PERIOD_S, waveBody } from "./wave.ts";

interface Choreography {
  readonly name: string;
  readonly format: "bvh" | "glb";
  readonly periodS: number;
  readonly body: (timeS: number) => BodyPose;
}

const RATE_HZ = 60;

const CYCLES = 4;

function gait(name: string, style: typeof WALK, seed: number): Choreography {
  const cycleS = style.leg.periodS;
  const body = gaitBody(style, CYCLES, seed);
  // Begin in mid-stance: a foot's strike has a kink of its own and should not fall on the loop's seam.
  return {
    name,
    format: "bvh",
    periodS: CYCLES * cycleS,
    body: (timeS) => body(timeS / cycleS + 0.25),
  };
}

const CHOREOGRAPHIES: readonly Choreography[] = [
  gait("walk", WALK, 11),
  gait("run", RUN, 23),
  { name: "wave", format: "bvh", periodS: WAVE_PERIOD_S, body: waveBody },
  {
    name: "dance",
    format: "glb",
    periodS: DANCE_BEATS * BEAT_S,
    body: (timeS) => danceBody(timeS / BEAT_S),
  },
];

function sample({ name, periodS, body }: Choreography): SampledClip {
  const count = Math.round(periodS * RATE_HZ);
  if (Math.abs(count - periodS * RATE_HZ) > 1e-6) {
    throw new RangeError(`${name}: ${periodS} s is no whole number of frames`);
  }
  const frames = Array.from({ length: count }, (_, frame) => solvePose(body(frame / RATE_HZ)));
  return { name, rateHz: RATE_HZ, frames: [...frames, ...frames.slice(0, 1)] };
}

/** The built-in clips as poses. */
export function builtInClips(): readonly SampledClip[] {
  return CHOREOGRAPHIES.map(sample);
}

/** File name and bytes of each built-in clip, the same on every run. */
export function builtInClipFiles(): ReadonlyMap<string, Uint8Array> {
  return new Map(
    CHOREOGRAPHIES.map((choreography) => {
      const clip = sample(choreography);
      const isText = choreography.format === "bvh";
      const bytes = isText ? new TextEncoder().encode(writeBvh(clip)) : writeGlb(clip);
      return [`${clip.name}.${choreography.format}`, bytes] as const;
    }),
  );
}
