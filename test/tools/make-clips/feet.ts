/**
 * Feet on the ground: where ankle, ball and toes are when a foot stands, rolls over heel, ball or toes. Contact points do not slide by
 * construction: a rolling foot turns about the point that bears it.
 */
import { AXIS_X, AXIS_Y, add, compose, degrees, rotate, turn, type Vec3 } from "./math.ts";
import type { FootPose } from "./pose.ts";
import { FOOT } from "./skeleton.ts";

/** A foot in contact. */
interface Stand {
  /** The ground point under the ankle while the foot is flat, centimetres. */
  readonly groundCm: readonly [x: number, z: number];
  /** Toes to the left, degrees. */
  readonly yaw: number;
  /** Degrees. Positive: toes up, bearing on the heel. Negative: heel up, bearing on the ball, then on the tip of the toes. */
  readonly pitch: number;
}

// The toes bend so far before the ball leaves the ground and the foot bears on the tip of the toes.
const TOE_RANGE_DEG = 38;
const TOE_SOFTNESS_DEG = 3;

/** How far the toes bend up when the heel is raised by so many degrees: all of it at first, then up to their range. */
function toeExtensionFor(heelRaise: number): number {
  const soft = (x: number): number => TOE_SOFTNESS_DEG * Math.log1p(Math.exp(x / TOE_SOFTNESS_DEG));
  return heelRaise - soft(heelRaise - TOE_RANGE_DEG) + soft(-TOE_RANGE_DEG);
}

/** Pose of a foot in contact with the floor y = 0. */
export function standing({ groundCm: [x, z], yaw, pitch }: Stand): FootPose {
  const heading = turn(AXIS_Y, yaw);
  const orientation = compose(heading, turn(AXIS_X, -pitch));
  const floor: Vec3 = [x, 0, z];
  if (pitch >= 0) {
    const [hx, hy, hz] = FOOT.heelCm;
    const heelCm = add(floor, rotate(heading, [hx, 0, hz]));
    return {
      ankleCm: add(heelCm, rotate(orientation, [-hx, -hy, -hz])),
      orientation,
      toeExtension: 0,
    };
  }
  const toeExtension = toeExtensionFor(-pitch);
  const [bx, by, bz] = FOOT.ballCm;
  const [tx, ty, tz] = FOOT.toeTipCm;
  const tipCm = add(floor, rotate(heading, [bx + tx, FOOT.ankleHeightCm + by + ty, bz + tz]));
  const toes = compose(heading, turn(AXIS_X, -pitch - toeExtension));
  const ballCm = add(tipCm, rotate(toes, [-tx, -ty, -tz]));
  return { ankleCm: add(ballCm, rotate(orientation, [-bx, -by, -bz])), orientation, toeExtension };
}

/** The pitch, as in `Stand`, of a foot. */
export function pitchOf(foot: FootPose): number {
  return degrees(Math.asin(rotate(foot.orientation, [0, 0, 1])[1]));
}
