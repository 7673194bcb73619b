/**
 * Feet that step: where the ball of a foot stands, when it lifts and where it comes down. Between two steps the ball does not move; the foot
 * may raise its heel and pivot about it. Times in the choreography's unit.
 */
import { type Curve, minimumJerk, wrap } from "./curves.ts";
import { AXIS_X, AXIS_Y, add, compose, rotate, turn, type Vec3 } from "./math.ts";
import type { FootPose } from "./pose.ts";
import { FOOT } from "./skeleton.ts";

/** One step, from where the foot stood to a new place of its ball on the floor. */
export interface Step {
  readonly lift: number;
  readonly plant: number;
  readonly ballCm: readonly [x: number, z: number];
  /** Height of the ball half-way. */
  readonly heightCm: number;
  /** The way's bulge to the front half-way, to pass the other foot. */
  readonly bulgeZCm?: number;
}

const BALL_HEIGHT_CM = FOOT.ankleHeightCm + FOOT.ballCm[1];

/** 0 to 1 and back with no jerk at either end, highest in the middle. */
function hop(share: number): number {
  return share <= 0 || share >= 1 ? 0 : (4 * share * (1 - share)) ** 2;
}

function ballOf(steps: readonly Step[], period: number, time: number): Vec3 {
  const now = wrap(time, period);
  let index = steps.length - 1;
  for (const [at, step] of steps.entries()) {
    if (step.lift <= now) index = at;
  }
  // Before the first step of the round, the foot stands where the last one left it.
  const current = steps[index];
  const before = steps[(index + steps.length - 1) % steps.length];
  if (current === undefined || before === undefined) throw new RangeError("a foot without steps");
  const early = current.lift > now;
  const share = early ? 1 : (now - current.lift) / (current.plant - current.lift);
  const done = minimumJerk(share);
  const [x0, z0] = before.ballCm;
  const [x1, z1] = current.ballCm;
  return [
    x0 + (x1 - x0) * done,
    BALL_HEIGHT_CM + current.heightCm * hop(share),
    z0 + (z1 - z0) * done + (current.bulgeZCm ?? 0) * hop(share),
  ];
}

/**
 * A foot by time. `heelRaise` is the angle of the sole to the floor, degrees, at most 36 while the foot bears; `yaw` may turn while it bears:
 * that is a pivot on the ball.
 */
export function steppingFoot(
  period: number,
  steps: readonly Step[],
  heelRaise: Curve,
  yaw: Curve,
): (time: number) => FootPose {
  for (const [index, step] of steps.entries()) {
    const next = steps[index + 1];
    if (step.plant <= step.lift || (next !== undefined && next.lift < step.plant)) {
      throw new RangeError(`step ${index} is out of order`);
    }
  }
  return (time) => {
    const raise = heelRaise(time);
    const orientation = compose(turn(AXIS_Y, yaw(time)), turn(AXIS_X, raise));
    const [bx, by, bz] = FOOT.ballCm;
    const ballCm = ballOf(steps, period, time);
    // On the floor the toes lie flat; in the air they relax.
    const airborne = Math.min(1, Math.max(0, (ballCm[1] - BALL_HEIGHT_CM) / 6));
    return {
      ankleCm: add(ballCm, rotate(orientation, [-bx, -by, -bz])),
      orientation,
      toeExtension: raise * (1 - 0.7 * airborne),
    };
  };
}
