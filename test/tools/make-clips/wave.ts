/**
 * A greeting: the body shifts its weight, looks up, raises the right hand, waves and comes to rest. Times in seconds, lengths in centimetres,
 * angles in degrees; arms as in pose.ts.
 */
import { type Curve, type Key, keyed, periodicNoise, smoothed } from "./curves.ts";
import { standing } from "./feet.ts";
import { curledBy, OPEN_HAND, RESTING_HAND } from "./hands.ts";
import { type BodyPose, orientation } from "./pose.ts";
import {
  type ArmScore,
  armThrough,
  armWith,
  handBetween,
  keysOf,
  looseBehind,
  type Meter,
} from "./score.ts";

export const WAVE_PERIOD_S = 6;

const METER: Meter = { period: WAVE_PERIOD_S, rounding: 0.075 };

const RIGHT_ARM: ArmScore = {
  flexion: keysOf("0:-1 0.32:-4 0.95:36 1.3:28 3.3:27 3.75:24 4.3:-4 4.75:-1"),
  abduction: keysOf("0:8 0.32:6 1:54 1.3:50 3.3:49 3.75:30 4.3:6 4.75:8"),
  inwardTwist: keysOf("0:8 0.35:10 0.8:-36 1.15:-70 3.3:-68 3.75:-30 4.25:8"),
  elbow: keysOf("0:15 0.32:20 0.8:102 1.15:118 3.3:114 3.7:84 4.25:13 4.65:19 5.1:15"),
  pronation: keysOf("0:22 0.4:24 1.1:8 3.4:8 4.3:24"),
  wristFlexion: keysOf("0:4 0.5:14 0.95:8 1.2:-10 3.3:-10 3.8:12 4.3:8 4.8:3"),
  wristRadial: keysOf("0:2 1.2:-3 3.3:-3 4.2:2"),
  shrug: keysOf("0:-2 0.5:1 1.1:3 3.4:2 4.4:-2.5"),
  reach: keysOf("0:1 1.1:4 3.4:3 4.4:1"),
};

const LEFT_ARM: ArmScore = {
  flexion: keysOf("0:-2 0.8:-6 1.4:-4 3.4:-4 4.2:1 4.9:-2"),
  abduction: keysOf("0:8 0.9:11 3.4:10 4.4:7.5"),
  elbow: keysOf("0:14 0.9:20 1.6:17 3.5:18 4.4:12 5:15"),
  inwardTwist: keysOf("0:10"),
};

/** Strokes a second; each is a swing out and back of the forearm. */
const STROKE_HZ = 1.9;
const FIRST_STROKE_S = 1.12;
const STROKE_SIZE: readonly Key[] = keysOf("0:0 1.05:0 1.4:1 2.7:0.9 3.1:0.6 3.45:0");

function channel(...keys: readonly string[]): Curve {
  return keyed(METER.period, METER.rounding * 1.5, keysOf(...keys));
}

const PELVIS = {
  x: channel("0:-3.6 0.25:-4.2 1.15:2.8 3.4:2.4 4.5:-3.2 5.2:-3.8"),
  z: channel("0:0.5 0.4:0 1.2:1.4 3.4:1.2 4.4:0.2"),
  y: channel("0:95.85 0.38:95.4 1.1:96 3.4:95.95 4.3:95.6 5:95.85"),
  yaw: channel("0:4 0.4:5 1.2:-3 3.4:-2 4.5:4"),
  list: channel("0:-2.4 0.3:-2.8 1.2:2.2 3.4:1.8 4.5:-2.2"),
};

const CHEST = {
  yaw: channel("0:3 0.4:6 1.2:-5 3.4:-4 4.5:3"),
  tilt: channel("0:-0.5 0.4:1.5 1.15:-3.5 3.4:-2.5 4.1:1 4.9:-0.5"),
  list: channel("0:1.2 0.35:0.4 1.15:3.8 3.4:3 4.4:0.4"),
};

// The eyes move first: the head turns before the arm rises and leaves before it is down.
const HEAD = {
  yaw: channel("0:15 0.18:16 0.62:-5 1.6:-2 3.3:-3 3.9:9 4.8:14"),
  tilt: channel("0:4 0.4:6 0.95:-6 1.4:-3 3.2:-2 3.55:2 4.4:5"),
  list: channel("0:0.5 0.5:0 1.2:-4.5 2.2:-3 3.2:-4 4.2:0.5"),
};

// Two breaths per loop; the chest rises faster than it falls.
const breath = smoothed(3, 0.18, (time) =>
  Math.sin((2 * Math.PI * time) / 3 - 0.35 * Math.cos((2 * Math.PI * time) / 3)),
);

const STROKE_GROWTH = keyed(METER.period, 0.06, STROKE_SIZE);
const stroke: Curve = (time) =>
  STROKE_GROWTH(time) * Math.sin(2 * Math.PI * STROKE_HZ * (time - FIRST_STROKE_S));
// Wrist and fingers hang behind the forearm.
const wristBehind = looseBehind(METER, 3.4, stroke);
const fingersBehind = looseBehind(METER, 4.5, stroke);

const rightArm = armThrough(METER, RIGHT_ARM);
const leftArm = armThrough(METER, LEFT_ARM);
const rightHand = handBetween(
  METER,
  [RESTING_HAND, OPEN_HAND],
  keysOf("0:0 0.55:0.1 1.15:1 3.2:1 3.9:0"),
  31,
);
const leftHand = handBetween(
  METER,
  [RESTING_HAND, OPEN_HAND],
  keysOf("0:0 1:0.2 2:0.05 4:0.1"),
  37,
);

const drift = [41, 43, 47, 53, 59].map((seed) => periodicNoise(METER.period, 5, seed));

function drifting(index: number, time: number): number {
  return drift[index]?.(time) ?? 0;
}

const FEET = {
  Left: standing({ groundCm: [10, 1.5], yaw: 11, pitch: 0 }),
  Right: standing({ groundCm: [-11, -1.5], yaw: -13, pitch: 0 }),
} as const;

/** The greeting at a time in seconds; repeats after `WAVE_PERIOD_S`. */
export function waveBody(time: number): BodyPose {
  const swing = stroke(time);
  const inhaled = breath(time);
  return {
    pelvisCm: [
      PELVIS.x(time) + 0.25 * drifting(0, time) - 0.25 * swing,
      PELVIS.y(time) + 0.12 * inhaled,
      PELVIS.z(time) + 0.2 * drifting(1, time),
    ],
    pelvis: orientation(PELVIS.yaw(time), 3, PELVIS.list(time)),
    chest: orientation(
      CHEST.yaw(time - 0.05) + 0.8 * swing,
      CHEST.tilt(time - 0.05) - 0.9 * inhaled,
      CHEST.list(time - 0.05) + 0.7 * swing + 0.3 * drifting(2, time),
    ),
    head: orientation(
      HEAD.yaw(time) + 0.8 * drifting(3, time),
      HEAD.tilt(time) + 0.6 * drifting(4, time) - 0.3 * inhaled,
      HEAD.list(time) - 0.8 * swing,
    ),
    arms: {
      Left: armWith(leftArm(time), { shrug: 0.9 * inhaled, abduction: 0.3 * inhaled }),
      Right: armWith(rightArm(time), {
        elbow: -17 * swing,
        inwardTwist: 6 * swing,
        abduction: 2 * swing,
        wristRadial: -15 * wristBehind(time),
        wristFlexion: 3 * wristBehind(time),
        shrug: 0.9 * inhaled,
      }),
    },
    hands: {
      Left: leftHand(time),
      Right: curledBy(
        rightHand(time),
        (finger) => (finger === "Pinky" || finger === "Ring" ? 5 : 3) * fingersBehind(time),
      ),
    },
    feet: FEET,
  };
}
