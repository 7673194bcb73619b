/**
 * Choreography as a score: named channels, each a list of keys, played as smooth periodic curves. Owns the reading of scores for arms and
 * hands, which every choreography has; what is danced stands in the choreographies.
 */
import { type Curve, dragged, type Key, keyed, periodicNoise } from "./curves.ts";
import { blendHands, curledBy, type HandShape } from "./hands.ts";
import { type ArmPose, RESTING_ARM } from "./pose.ts";
import type { Finger } from "./skeleton.ts";

/** Channels that are left out keep the resting arm's value. */
export type ArmScore = Partial<Record<keyof ArmPose, readonly Key[]>>;

/** Keys written as "time:value time:value …". Throws RangeError for anything else. */
export function keysOf(...lines: readonly string[]): readonly Key[] {
  return lines
    .join(" ")
    .split(" ")
    .map((word): Key => {
      const [time = Number.NaN, value = Number.NaN, ...more] = word.split(":").map(Number);
      if (!Number.isFinite(time) || !Number.isFinite(value) || more.length > 0) {
        throw new RangeError(`"${word}" is no key`);
      }
      return [time, value];
    });
}

/** A time and the whole arm there. */
export type ArmKey = readonly [time: number, arm: ArmPose];

/** How a score is read: its period and rounding, in its own time unit. */
export interface Meter {
  readonly period: number;
  /** Standard deviation of the Gaussian that rounds the keys. */
  readonly rounding: number;
}

type ArmCurve = (time: number) => ArmPose;

const ARM_CHANNELS = [
  "flexion",
  "abduction",
  "inwardTwist",
  "elbow",
  "pronation",
  "wristFlexion",
  "wristRadial",
  "shrug",
  "reach",
] as const satisfies readonly (keyof ArmPose)[];

/** How far behind the shoulder each joint follows, as a share of the rounding: the arm unrolls like a whip. */
const ARM_DELAY: Record<keyof ArmPose, number> = {
  shrug: -0.4,
  reach: -0.4,
  flexion: 0,
  abduction: 0,
  inwardTwist: 0.2,
  elbow: 0.7,
  pronation: 0.9,
  wristFlexion: 1.4,
  wristRadial: 1.4,
};

/** An arm moving through its keys, outer joints behind inner ones. */
export function armThrough(meter: Meter, score: ArmScore): ArmCurve {
  const curves = ARM_CHANNELS.map((channel) => {
    const curve = keyed(
      meter.period,
      meter.rounding,
      score[channel] ?? [[0, RESTING_ARM[channel]]],
    );
    const delay = ARM_DELAY[channel] * meter.rounding;
    return [channel, (time: number) => curve(time - delay)] as const;
  });
  return (time) => {
    const pose: Record<keyof ArmPose, number> = { ...RESTING_ARM };
    for (const [channel, curve] of curves) pose[channel] = curve(time);
    return pose;
  };
}

/** The score of an arm that goes from shape to shape. */
export function scoreOf(keys: readonly ArmKey[]): ArmScore {
  const score: Partial<Record<keyof ArmPose, readonly Key[]>> = {};
  for (const channel of ARM_CHANNELS) {
    score[channel] = keys.map(([time, arm]) => [time, arm[channel]] as const);
  }
  return score;
}

/** An arm with a little added to some of its angles. */
export function armWith(arm: ArmPose, extra: Partial<ArmPose>): ArmPose {
  const pose: Record<keyof ArmPose, number> = { ...arm };
  for (const channel of ARM_CHANNELS) pose[channel] += extra[channel] ?? 0;
  return pose;
}

// The little finger trails the index by so many roundings.
const FINGER_DELAY: Record<Finger, number> = {
  Thumb: 0.2,
  Index: 0,
  Middle: 0.3,
  Ring: 0.7,
  Pinky: 1.1,
};

/** A hand going between two shapes along a share of 0 to 1, finger after finger, and never quite still. */
export function handBetween(
  meter: Meter,
  shapes: readonly [from: HandShape, to: HandShape],
  share: readonly Key[],
  seed: number,
): (time: number) => HandShape {
  const opening = keyed(meter.period, meter.rounding, share);
  const drift = periodicNoise(meter.period, 4, seed);
  return (time) => {
    const middle = blendHands(shapes[0], shapes[1], opening(time - meter.rounding));
    return curledBy(middle, (finger) => {
      const late = time - meter.rounding * (1 + FINGER_DELAY[finger]);
      const own = blendHands(shapes[0], shapes[1], opening(late));
      return own.curl[finger] - middle.curl[finger] + 1.5 * drift(late);
    });
  };
}

/** What a loosely held joint does behind a moving one: the difference between a curve and a spring that follows it. */
export function looseBehind(meter: Meter, naturalHz: number, curve: Curve): Curve {
  const follower = dragged(meter.period, { naturalHz, damping: 0.45 }, curve);
  return (time) => follower(time) - curve(time);
}
