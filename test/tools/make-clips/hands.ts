/**
 * Finger joints from a few readable numbers: how far each finger is curled and how far the hand is spread.
 * Owns the proportions between the joints of a finger; knows no arm.
 */
import {
  AXIS_Y,
  AXIS_Z,
  cross,
  dot,
  mirrorRotation,
  multiply,
  normalize,
  type Quat,
  scale,
  subtract,
  turn,
  type Vec3,
} from "./math.ts";
import { FINGERS, type Finger, offsetOf, type Side } from "./skeleton.ts";

export interface HandShape {
  /** Flexion of the knuckle, degrees; the joints beyond follow it. 0 is a straight finger, 85 a fist. */
  readonly curl: Readonly<Record<Finger, number>>;
  /** Angle between neighbouring fingers, degrees. */
  readonly spread: number;
}

/** A hand at rest: the little finger is curled most (the long flexors' tone), the thumb lies beside the index. */
export const RESTING_HAND: HandShape = {
  curl: { Thumb: 14, Index: 19, Middle: 25, Ring: 29, Pinky: 31 },
  spread: 2,
};

export const OPEN_HAND: HandShape = {
  curl: { Thumb: 2, Index: 5, Middle: 4, Ring: 6, Pinky: 8 },
  spread: 7,
};

export const LOOSE_FIST: HandShape = {
  curl: { Thumb: 38, Index: 52, Middle: 58, Ring: 62, Pinky: 64 },
  spread: 0,
};

/** A hand `share` of the way from one to another. */
export function blendHands(from: HandShape, to: HandShape, share: number): HandShape {
  const curl = (finger: Finger): number =>
    from.curl[finger] + (to.curl[finger] - from.curl[finger]) * share;
  return {
    curl: {
      Thumb: curl("Thumb"),
      Index: curl("Index"),
      Middle: curl("Middle"),
      Ring: curl("Ring"),
      Pinky: curl("Pinky"),
    },
    spread: from.spread + (to.spread - from.spread) * share,
  };
}

/** The hand with each finger curled further by its own amount, degrees. */
export function curledBy(hand: HandShape, extra: (finger: Finger) => number): HandShape {
  const curl = (finger: Finger): number => hand.curl[finger] + extra(finger);
  return {
    curl: {
      Thumb: curl("Thumb"),
      Index: curl("Index"),
      Middle: curl("Middle"),
      Ring: curl("Ring"),
      Pinky: curl("Pinky"),
    },
    spread: hand.spread,
  };
}

// Share of `spread` by which each finger leaves the middle one, towards the thumb.
const FAN: Record<Finger, number> = { Thumb: 1.5, Index: 1, Middle: 0.1, Ring: -0.8, Pinky: -1.8 };

// The thumb bends across the palm, about a third out of the plane in which the fingers bend.
const THUMB_ALONG = normalize(offsetOf("LeftHandThumb2"));
const THUMB_AXIS = ((): Vec3 => {
  const aim: Vec3 = [0.45, -0.55, -0.7];
  const bend = subtract(aim, scale(THUMB_ALONG, dot(aim, THUMB_ALONG)));
  return normalize(cross(THUMB_ALONG, bend));
})();

function leftFinger(finger: Finger, hand: HandShape): readonly [Quat, Quat, Quat] {
  const curl = hand.curl[finger];
  if (finger === "Thumb") {
    return [
      multiply(turn(AXIS_Y, -FAN.Thumb * hand.spread), turn(THUMB_AXIS, 0.5 * curl)),
      turn(THUMB_AXIS, 0.7 * curl),
      turn(THUMB_AXIS, 0.9 * curl),
    ];
  }
  // The middle joint bends a little more than the knuckle, the last about two thirds of the middle one.
  const middle = 1.2 * curl + 4;
  return [
    multiply(turn(AXIS_Y, -(FAN[finger] ?? 0) * hand.spread), turn(AXIS_Z, -curl)),
    turn(AXIS_Z, -middle),
    turn(AXIS_Z, -0.65 * middle),
  ];
}

/** Joint names and local rotations of the fingers of one hand. */
export function handRotations(side: Side, hand: HandShape): readonly (readonly [string, Quat])[] {
  return FINGERS.flatMap((finger) =>
    leftFinger(finger, hand).map(
      (rotation, index) =>
        [
          `${side}Hand${finger}${index + 1}`,
          side === "Left" ? rotation : mirrorRotation(rotation),
        ] as const,
    ),
  );
}
