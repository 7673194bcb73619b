/**
 * Sixteen counts at 112.5 beats a minute: step-touch to either side, hip and shoulder isolations, a rolling turn to the right, and back in
 * side steps. Times in beats, lengths in centimetres, angles in degrees; arms as in pose.ts.
 */
import { type Curve, type Key, keyed, minimumJerk, periodicNoise, wrap } from "./curves.ts";
import { blendHands, LOOSE_FIST, OPEN_HAND, RESTING_HAND } from "./hands.ts";
import { type ArmPose, type BodyPose, orientation } from "./pose.ts";
import {
  type ArmKey,
  armThrough,
  armWith,
  handBetween,
  keysOf,
  type Meter,
  scoreOf,
} from "./score.ts";
import { type Step, steppingFoot } from "./steps.ts";

export const DANCE_BEATS = 16;
export const BEAT_S = 60 / 112.5;

const METER: Meter = { period: DANCE_BEATS, rounding: 0.13 };

function channel(...keys: readonly string[]): Curve {
  return keyed(METER.period, METER.rounding, keysOf(...keys));
}

const RIGHT_STEPS: readonly Step[] = [
  { lift: 0.1, plant: 0.92, ballCm: [-32, 13], heightCm: 5 },
  { lift: 3.1, plant: 3.9, ballCm: [-5, 16], heightCm: 4 },
  { lift: 4.1, plant: 4.8, ballCm: [-17, 13], heightCm: 4 },
  { lift: 8.05, plant: 8.75, ballCm: [-32, 6], heightCm: 4 },
  { lift: 10.05, plant: 10.85, ballCm: [-76, 12], heightCm: 5, bulgeZCm: 12 },
  { lift: 13.1, plant: 13.9, ballCm: [-44, 12], heightCm: 4 },
  { lift: 15.1, plant: 15.9, ballCm: [-13, 13], heightCm: 4 },
];

const LEFT_STEPS: readonly Step[] = [
  { lift: 1.1, plant: 1.9, ballCm: [-14, 16], heightCm: 4 },
  { lift: 2.1, plant: 2.92, ballCm: [13, 13], heightCm: 5 },
  { lift: 8.88, plant: 9.75, ballCm: [-52, -2], heightCm: 5, bulgeZCm: 14 },
  { lift: 11.1, plant: 11.9, ballCm: [-58, 15], heightCm: 4 },
  { lift: 12.1, plant: 12.9, ballCm: [-25, 12], heightCm: 5 },
  { lift: 14.1, plant: 14.9, ballCm: [13, 13], heightCm: 5 },
];

// Heels peel off before a step, touches stay on the ball, and the turn is danced on the balls of both feet.
const RIGHT_HEEL = channel(
  "0:22 0.5:26 0.95:2 1.15:0 2.85:8 3.1:24 3.5:30 3.95:26 4.2:22 4.85:2 5:0 5.6:0 6:15 6.6:0",
  "7.1:0 7.7:14 8.1:22 8.5:20 8.9:14 9.6:18 10.05:26 10.5:26 10.9:8 11.2:0 12.7:6 13.1:24",
  "13.5:26 13.95:4 14.2:0 14.8:6 15.1:24 15.5:26 15.9:16",
);
const LEFT_HEEL = channel(
  "0:0 0.8:6 1.1:22 1.5:30 1.95:26 2.15:24 2.5:22 2.95:2 3.2:0 4.4:0 5:15 5.6:0 6.4:0 7:14",
  "7.5:0 8.05:0 8.45:16 8.88:33 9.4:26 9.8:16 10.4:18 10.9:22 11.2:28 11.5:30 11.95:26 12.15:22",
  "12.5:22 12.95:2 13.2:0 13.85:0 14.15:22 14.5:24 14.95:2 15.2:0",
);

/** One full turn to the right between two beats; before and after it the body faces the front. */
function turned(time: number): number {
  return -360 * minimumJerk((wrap(time, DANCE_BEATS) - 8.1) / 3.1);
}

const RIGHT_YAW = channel(
  "0.2:-10 0.7:-14 3.2:-14 3.7:-4 4.2:-4 4.6:-14 8.1:-14 8.7:-34 9.4:-6 10.7:-10 13.2:-10 13.7:-8 15.2:-8 15.7:-10",
);
const LEFT_YAW = channel(
  "0:10 1.2:10 1.7:2 2.2:2 2.7:12 8.2:12 8.6:22 9.3:-14 9.8:10 11.2:12 11.7:4 12.2:4 12.7:12 14.2:12 14.7:10",
);

const rightFoot = steppingFoot(
  DANCE_BEATS,
  RIGHT_STEPS,
  RIGHT_HEEL,
  (t) => turned(t) + RIGHT_YAW(t),
);
const leftFoot = steppingFoot(DANCE_BEATS, LEFT_STEPS, LEFT_HEEL, (t) => turned(t) + LEFT_YAW(t));

const PELVIS = {
  x: channel(
    "0:8 1:-24 1.6:-30 2.05:-26 3:5 3.6:11 4.1:8 4.6:0 5:-9 5.3:-9 6:9 6.3:9 7:-9 7.5:5 8:8 8.5:-5",
    "9:-24 9.5:-37 10:-48 11:-68 11.6:-74 12.05:-70 13:-35 13.5:-28 14:-33 15:0 15.5:9",
  ),
  z: channel("0:4 1:3 2:6 3:3 4:6 5:3 6:5 7:3 8:3 9:4 9.5:5 10:2 11:1 12:6 13:3 14:5 15:3"),
  // Down on the beat, up in between: the groove; high through the turn.
  y: channel(
    "0:93.7 0.5:95.1 1:92.5 1.5:95.5 2:93.9 2.5:94.9 3:92.5 3.5:95.5 4:94.1 4.5:95.3 5:93.3",
    "5.5:95.1 6:93.3 6.5:95.1 7:93.3 7.25:94.3 7.5:93.7 8:92 8.5:93.6 9:94 9.5:95 10:94.2",
    "10.5:94.4 11:92.8 11.5:95.6 12:93.4 12.5:93.2 13:91.6 13.5:94.6 14:92.4 14.5:93.2 15:90.1",
    "15.5:93.1",
  ),
  yaw: channel("0:0 1:-8 2:8 3:8 4:-8 5:7 6:-7 7:7 7.5:-4 8:12 8.6:-6 11:4 12:-8 13:8 14:-4 15:8"),
  tilt: channel("0:5 1:8 2:4 3:8 4:4 5:6 6:6 7:6 8:9 9.5:3 11:8 12:4 13:8 14:5 15:8"),
  list: channel(
    "0:3 1:-2 1.6:-5 2:-3 3:2 3.6:5 4:3 5:-8 5.4:-7 6:8 6.4:7 7:-8 7.5:6 8:4 9:-2 10:0 11:-2",
    "11.6:-5 12:-2 13:3 13.6:-3 14:-3 15:3 15.6:5",
  ),
};

const CHEST = {
  yaw: channel(
    "0:2 1:8 2:-12 3:-8 4:12 5:-8 6:8 7:-8 7.5:4 8:20 8.7:-16 9.5:-12 10.5:-4 11.2:8 12:10 13:-12",
    "14:10 15:-12",
  ),
  tilt: channel(
    "0:1 1:3 2:-2 3:3 4:-2 5:1 5.5:-2 6:1 6.5:-2 7:-5 7.5:-1 8:5 9.5:-2 11:2 12:5 12.5:-3 13:2",
    "14:-2 15:2",
  ),
  list: channel(
    "0:-2 1:4 2:-4 3:-4 4:4 5:6 6:-6 7:6 7.5:-4 8:-3 9:2 10:3 11:4 12:-3 13:-5 14:4 15:-5",
  ),
};

const HEAD = {
  // Against the chest: the face stays with the audience, then comes round before the body (spotting).
  yaw: channel(
    "0:0 1:-10 2:4 3:10 4:-4 5:-8 6:8 7:0 8:-8 8.9:48 9.45:8 10:-48 10.9:-4 12:-8 13:12 14:-6",
    "15:10",
  ),
  tilt: channel("0:3 0.5:0 1:4 2:0 3:4 4:0 5:2 6:2 7:-6 8:6 9.5:1 11:3 12:6 12.5:0 13:4 14:0 15:4"),
  list: channel("0:0 1:4 2:-5 3:-4 4:5 5:-6 6:6 7:-4 8:0 11:0 12:-5 13:-3 14:4 15:-3"),
};

// Counts 1-4 open on the step and gather on the touch; 5-8 reach up on the side of the hip, then both, then wind up; 9-12 hold the turn close,
// open out of it and clap; 13-16 swing from side to side.
// The shapes that the arms go through.
const OPEN: ArmPose = {
  flexion: 4,
  abduction: 60,
  inwardTwist: 0,
  elbow: 22,
  pronation: 34,
  wristFlexion: -24,
  wristRadial: -4,
  shrug: -2,
  reach: -4,
};
const GATHERED: ArmPose = {
  flexion: 34,
  abduction: 26,
  inwardTwist: 40,
  elbow: 104,
  pronation: 8,
  wristFlexion: 8,
  wristRadial: 4,
  shrug: 2,
  reach: 6,
};
const UP: ArmPose = {
  flexion: 62,
  abduction: 118,
  inwardTwist: -18,
  elbow: 34,
  pronation: 20,
  wristFlexion: -14,
  wristRadial: -6,
  shrug: 3,
  reach: 2,
};
const AT_HIP: ArmPose = {
  flexion: -8,
  abduction: 34,
  inwardTwist: 46,
  elbow: 92,
  pronation: 30,
  wristFlexion: 14,
  wristRadial: 4,
  shrug: 6,
  reach: -1,
};
const BOTH_UP: ArmPose = {
  flexion: 70,
  abduction: 112,
  inwardTwist: -20,
  elbow: 44,
  pronation: 20,
  wristFlexion: -12,
  wristRadial: -4,
  shrug: 5,
  reach: 0,
};
const PULLED_DOWN: ArmPose = {
  flexion: 40,
  abduction: 72,
  inwardTwist: -40,
  elbow: 104,
  pronation: 16,
  wristFlexion: 6,
  wristRadial: 2,
  shrug: 8,
  reach: -2,
};
const WOUND_UP: ArmPose = {
  flexion: -10,
  abduction: 52,
  inwardTwist: 4,
  elbow: 34,
  pronation: 34,
  wristFlexion: -8,
  wristRadial: 0,
  shrug: -2,
  reach: -5,
};
const ACROSS: ArmPose = {
  flexion: 42,
  abduction: 12,
  inwardTwist: 66,
  elbow: 84,
  pronation: 14,
  wristFlexion: 8,
  wristRadial: 4,
  shrug: 2,
  reach: 9,
};
const ROUNDED: ArmPose = {
  flexion: 40,
  abduction: 30,
  inwardTwist: 46,
  elbow: 66,
  pronation: 14,
  wristFlexion: 8,
  wristRadial: 4,
  shrug: 0,
  reach: 7,
};
const BURST: ArmPose = {
  flexion: 8,
  abduction: 84,
  inwardTwist: -4,
  elbow: 16,
  pronation: 40,
  wristFlexion: -16,
  wristRadial: -6,
  shrug: -3,
  reach: -4,
};
const CLAPPING: ArmPose = {
  flexion: 48,
  abduction: 14,
  inwardTwist: 36,
  elbow: 74,
  pronation: -6,
  wristFlexion: 0,
  wristRadial: 6,
  shrug: 3,
  reach: 9,
};
const ASIDE: ArmPose = {
  flexion: 6,
  abduction: 74,
  inwardTwist: 0,
  elbow: 20,
  pronation: 36,
  wristFlexion: -24,
  wristRadial: -4,
  shrug: -1,
  reach: -4,
};

const RIGHT_ARM: readonly ArmKey[] = [
  [0, CLAPPING],
  [1, OPEN],
  [2, GATHERED],
  [3, OPEN],
  [4, GATHERED],
  [5, UP],
  [6, AT_HIP],
  [7, BOTH_UP],
  [7.5, PULLED_DOWN],
  [8, WOUND_UP],
  [8.8, ROUNDED],
  [10, ROUNDED],
  [11, BURST],
  [12, CLAPPING],
  [13, ACROSS],
  [14, ASIDE],
  [15, ACROSS],
];

const LEFT_ARM: readonly ArmKey[] = [
  [0, CLAPPING],
  [1, OPEN],
  [2, GATHERED],
  [3, OPEN],
  [4, GATHERED],
  [5, AT_HIP],
  [6, UP],
  [7, BOTH_UP],
  [7.5, PULLED_DOWN],
  [8, ACROSS],
  [8.8, ROUNDED],
  [10, ROUNDED],
  [11, BURST],
  [12, CLAPPING],
  [13, ASIDE],
  [14, ACROSS],
  [15, ASIDE],
];

const rightArm = armThrough(METER, scoreOf(RIGHT_ARM));
const leftArm = armThrough(METER, scoreOf(LEFT_ARM));

const HALF_FIST = blendHands(RESTING_HAND, LOOSE_FIST, 0.35);
const SPREADING: readonly Key[] = keysOf(
  "0:0.5 1:0.9 2:0.1 3:0.9 4:0.1 5:0.6 6:0.5 7:1 8:0.3 10:0.2 11:1 12:0.9 13:0.6 14:0.7 15:0.6",
);
const rightHand = handBetween(METER, [HALF_FIST, OPEN_HAND], SPREADING, 61);
const leftHand = handBetween(METER, [HALF_FIST, OPEN_HAND], SPREADING, 67);

const drift = [71, 73, 79].map((seed) => periodicNoise(DANCE_BEATS, 9, seed));

function drifting(index: number, time: number): number {
  return drift[index]?.(time) ?? 0;
}

// The chest follows the hips and the head the chest, each a little late.
const CHEST_DELAY = 0.08;
const HEAD_DELAY = 0.12;

/** The dance at a time in beats; repeats after `DANCE_BEATS`. */
export function danceBody(beat: number): BodyPose {
  const facing = turned(beat);
  const chestYaw = CHEST.yaw(beat - CHEST_DELAY);
  return {
    pelvisCm: [PELVIS.x(beat), PELVIS.y(beat), PELVIS.z(beat)],
    pelvis: orientation(facing + PELVIS.yaw(beat), PELVIS.tilt(beat), PELVIS.list(beat)),
    chest: orientation(
      facing + chestYaw + 0.5 * drifting(0, beat),
      CHEST.tilt(beat - CHEST_DELAY),
      CHEST.list(beat - CHEST_DELAY),
    ),
    head: orientation(
      facing + 0.3 * chestYaw + HEAD.yaw(beat - HEAD_DELAY) + drifting(1, beat),
      HEAD.tilt(beat - HEAD_DELAY) + 0.6 * drifting(2, beat),
      HEAD.list(beat - HEAD_DELAY),
    ),
    arms: {
      Left: armWith(leftArm(beat), { abduction: drifting(0, beat) }),
      Right: armWith(rightArm(beat), { abduction: drifting(1, beat) }),
    },
    hands: { Left: leftHand(beat), Right: rightHand(beat) },
    feet: { Left: leftFoot(beat), Right: rightFoot(beat) },
  };
}
