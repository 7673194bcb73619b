/**
 * The figures of the walk and the run. Foot paths were fitted by least squares (Nelder-Mead) so that hip, knee and ankle follow the published
 * curves, under the condition that no contact slides and no leg is overstretched. Sources, for values rounded to the degree:
 * walk: D. A. Winter, "The Biomechanics and Motor Control of Human Gait" (1991), natural cadence; arms: M. P. Murray et al. (1967);
 * pelvis: J. B. Saunders et al. (1953), J. Perry (1992); run: T. F. Novacheck, "The biomechanics of running" (1998).
 */
import { type Curve, wrap } from "./curves.ts";
import type { LegCycle } from "./gait.ts";
import type { GaitStyle } from "./gait-body.ts";
import { blendHands, LOOSE_FIST, RESTING_HAND } from "./hands.ts";

const GRAVITY_CM_PER_S2 = 981;

const WALK_LEG: LegCycle = {
  periodS: 64 / 60,
  speedCmPerS: 125.3,
  duty: 0.61,
  strikeZCm: 31.6,
  trackXCm: 5,
  toeOut: 6,
  strikePitch: 19.8,
  flatPhase: 0.111,
  heelRisePhase: 0.253,
  heelRisePower: 3.62,
  toeOffPitch: -61.3,
  strikeMatch: 0.5,
  swing: {
    ankleZCm: [-29.4, -17.7, 8.9, 26.25],
    ankleYCm: [22.55, 20.15, 10.9, 8.75],
    pitch: [-68.5, -44.5, -8, 7.8],
    toes: [18, 5, 2, 6],
    outCm: 0.8,
  },
};

/** 1.25 m/s at 112 steps a minute. */
export const WALK: GaitStyle = {
  leg: WALK_LEG,
  pelvis: {
    heightCm: 94.35,
    riseCm: (phase) => -1.4 * Math.cos(4 * Math.PI * (phase - 0.025)),
    swayCm: { mean: 0, amplitude: 2, peak: 0.28 },
    surgeCm: { mean: 0, amplitude: 0.3, peak: 0.2 },
    yaw: { mean: 0, amplitude: 4.5, peak: 0.5 },
    tilt: { mean: 5, amplitude: 1, peak: 0.1 },
    list: { mean: 0, amplitude: 3.5, peak: 0.17 },
  },
  chest: {
    yaw: { mean: 0, amplitude: 4.5, peak: 0.02 },
    tilt: { mean: 1.5, amplitude: 0.9, peak: 0.08 },
    list: { mean: 0, amplitude: 1.4, peak: 0.7 },
  },
  headTilt: { mean: 2, amplitude: 0.8, peak: 0.3 },
  arm: {
    flexion: { mean: -4, amplitude: 17, peak: 0.52 },
    abduction: { mean: 7.5, amplitude: 1.2, peak: 0.05 },
    inwardTwist: { mean: 12, amplitude: 6, peak: 0.55 },
    elbow: { mean: 23, amplitude: 11, peak: 0.58 },
    pronation: { mean: 26, amplitude: 6, peak: 0.6 },
    wristFlexion: { mean: 2, amplitude: 5, peak: 0.86 },
    reach: { mean: 1, amplitude: 2.5, peak: 0.52 },
    shrug: -2,
    wristRadial: 2,
  },
  hand: RESTING_HAND,
  fingerSway: 3,
  liveliness: 0.7,
};

const RUN_LEG: LegCycle = {
  periodS: 44 / 60,
  speedCmPerS: 262,
  duty: 0.362,
  strikeZCm: 17.2,
  trackXCm: 2.5,
  toeOut: 5,
  strikePitch: 10.9,
  flatPhase: 0.075,
  heelRisePhase: 0.095,
  heelRisePower: 2.085,
  toeOffPitch: -56.8,
  strikeMatch: 0.5,
  swing: {
    ankleZCm: [-41.7, -23.5, -1.3, 22.75],
    ankleYCm: [24, 29.9, 19.75, 13.1],
    pitch: [-64.2, -66.9, -36.8, 0.8],
    toes: [16, 4, 2, 5],
    outCm: 0.8,
  },
};

/**
 * Height of a runner's pelvis above that at strike, centimetres, by phase: free fall while no foot bears, and over each contact a half-sine
 * of force whose impulse makes good the fall. Twice differentiable in between, exact in flight.
 */
function bouncing({ periodS, duty }: LegCycle): Curve {
  const stepS = periodS / 2;
  const contactS = duty * periodS;
  const peak = (Math.PI / 2) * GRAVITY_CM_PER_S2 * (stepS / contactS);
  const landing = (-GRAVITY_CM_PER_S2 * (stepS - contactS)) / 2;
  const rate = Math.PI / contactS;
  return (phase) => {
    const timeS = wrap(phase, 0.5) * periodS;
    if (timeS <= contactS) {
      const pushed = (peak / rate) * (timeS - Math.sin(rate * timeS) / rate);
      return landing * timeS - (GRAVITY_CM_PER_S2 * timeS * timeS) / 2 + pushed;
    }
    const leftS = stepS - timeS;
    // Backwards from the next strike.
    return -landing * leftS - (GRAVITY_CM_PER_S2 * leftS * leftS) / 2;
  };
}

/** 2.6 m/s at 164 steps a minute. */
export const RUN: GaitStyle = {
  leg: RUN_LEG,
  pelvis: {
    heightCm: 94.9,
    riseCm: bouncing(RUN_LEG),
    swayCm: { mean: 0, amplitude: 1, peak: 0.18 },
    surgeCm: { mean: 0, amplitude: 0.6, peak: 0.4 },
    yaw: { mean: 0, amplitude: 6, peak: 0.48 },
    tilt: { mean: 10, amplitude: 2, peak: 0.1 },
    list: { mean: 0, amplitude: 4, peak: 0.19 },
  },
  chest: {
    yaw: { mean: 0, amplitude: 9, peak: 0.99 },
    tilt: { mean: 9, amplitude: 1.5, peak: 0.18 },
    list: { mean: 0, amplitude: 2, peak: 0.7 },
  },
  headTilt: { mean: 3, amplitude: 1, peak: 0.2 },
  arm: {
    flexion: { mean: -16, amplitude: 30, peak: 0.5 },
    abduction: { mean: 12, amplitude: 3, peak: 0.02 },
    inwardTwist: { mean: 10, amplitude: 7, peak: 0.5 },
    elbow: { mean: 92, amplitude: 9, peak: 0.62 },
    pronation: { mean: 8, amplitude: 8, peak: 0.6 },
    wristFlexion: { mean: 6, amplitude: 6, peak: 0.8 },
    reach: { mean: 3, amplitude: 5, peak: 0.5 },
    shrug: 0,
    wristRadial: 4,
  },
  hand: blendHands(RESTING_HAND, LOOSE_FIST, 0.55),
  fingerSway: 4,
  liveliness: 1,
};
