/**
 * One leg through a gait cycle on a treadmill: contact from heel strike to toe-off without sliding, then swing along a spline that leaves
 * and meets the ground at the belt's speed. Phases are shares of the cycle from this foot's strike; the body does not travel.
 */
import { type Curve, clampedSpline, type Key, wrap } from "./curves.ts";
import { pitchOf, standing } from "./feet.ts";
import { AXIS_X, AXIS_Y, compose, turn } from "./math.ts";
import type { FootPose } from "./pose.ts";

type Ways = readonly [number, number, number, number];

/** What a leg does in one cycle; lengths in centimetres, angles in degrees. */
export interface LegCycle {
  readonly periodS: number;
  readonly speedCmPerS: number;
  /** Share of the cycle in contact. */
  readonly duty: number;
  /** Under the ankle at strike, ahead of the pelvis, as if flat. */
  readonly strikeZCm: number;
  /** Distance of the foot's line from the median plane. */
  readonly trackXCm: number;
  readonly toeOut: number;
  /** Toes up at strike; flat again at `flatPhase`. */
  readonly strikePitch: number;
  readonly flatPhase: number;
  /** From here the heel rises as a power of time, to `toeOffPitch` at the end of contact. */
  readonly heelRisePhase: number;
  readonly heelRisePower: number;
  readonly toeOffPitch: number;
  /** Share of the belt's motion that the foot already has as it strikes; a real heel lands with some speed over the ground left. */
  readonly strikeMatch: number;
  /** Way-points of the swing at 1/5, 2/5, 3/5 and 4/5 of it. */
  readonly swing: {
    readonly ankleZCm: Ways;
    readonly ankleYCm: Ways;
    readonly pitch: Ways;
    readonly toes: Ways;
    /** Greatest sideways excursion, outwards. */
    readonly outCm: number;
  };
}

function stancePitch(leg: LegCycle, phase: number): number {
  if (phase < leg.flatPhase) return leg.strikePitch * (1 - phase / leg.flatPhase) ** 2;
  if (phase < leg.heelRisePhase) return 0;
  const rise = (phase - leg.heelRisePhase) / (leg.duty - leg.heelRisePhase);
  return leg.toeOffPitch * rise ** leg.heelRisePower;
}

/** The left foot in contact at a phase in [0, duty]; also beyond it, where the formula goes on, for slopes at the ends. */
function inContact(leg: LegCycle, phase: number): FootPose {
  const z = leg.strikeZCm - leg.speedCmPerS * leg.periodS * phase;
  return standing({ groundCm: [leg.trackXCm, z], yaw: leg.toeOut, pitch: stancePitch(leg, phase) });
}

function swingCurve(leg: LegCycle, ways: Ways, of: (foot: FootPose) => number): Curve {
  const step = 1e-4;
  const before = of(inContact(leg, leg.duty - step));
  const off = of(inContact(leg, leg.duty));
  const strike = of(inContact(leg, 0));
  const after = of(inContact(leg, step));
  const length = 1 - leg.duty;
  const keys: readonly Key[] = [
    [leg.duty, off],
    [leg.duty + length * 0.2, ways[0]],
    [leg.duty + length * 0.4, ways[1]],
    [leg.duty + length * 0.6, ways[2]],
    [leg.duty + length * 0.8, ways[3]],
    [1, strike],
  ];
  return clampedSpline(keys, (off - before) / step, (leg.strikeMatch * (after - strike)) / step);
}

/** Pose of the left foot by phase. */
export function footCycle(leg: LegCycle): (phase: number) => FootPose {
  const { swing } = leg;
  const z = swingCurve(leg, swing.ankleZCm, (foot) => foot.ankleCm[2]);
  const y = swingCurve(leg, swing.ankleYCm, (foot) => foot.ankleCm[1]);
  const pitch = swingCurve(leg, swing.pitch, pitchOf);
  const toes = swingCurve(leg, swing.toes, (foot) => foot.toeExtension);
  const xAtToeOff = inContact(leg, leg.duty).ankleCm[0];
  const xAtStrike = inContact(leg, 0).ankleCm[0];
  return (time) => {
    const phase = wrap(time, 1);
    if (phase <= leg.duty) return inContact(leg, phase);
    const share = (phase - leg.duty) / (1 - leg.duty);
    const bulge = swing.outCm * Math.sin(Math.PI * share) ** 2;
    return {
      ankleCm: [xAtToeOff + (xAtStrike - xAtToeOff) * share + bulge, y(phase), z(phase)],
      orientation: compose(turn(AXIS_Y, leg.toeOut), turn(AXIS_X, -pitch(phase))),
      toeExtension: toes(phase),
    };
  };
}

/** The same foot on the other side of the body. */
export function mirrorFoot(foot: FootPose): FootPose {
  const [x, y, z, w] = foot.orientation;
  return {
    ankleCm: [-foot.ankleCm[0], foot.ankleCm[1], foot.ankleCm[2]],
    orientation: [x, -y, -z, w],
    toeExtension: foot.toeExtension,
  };
}
