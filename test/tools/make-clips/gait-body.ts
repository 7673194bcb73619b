/**
 * A whole body that walks or runs on the spot: legs from the gait cycle, pelvis and chest turning against each other, arms swinging against
 * the legs with the forearm and hand behind them, the head kept still. Owns the coupling; the figures of each gait are in gaits.ts.
 */
import { type Curve, periodicNoise } from "./curves.ts";
import { footCycle, type LegCycle, mirrorFoot } from "./gait.ts";
import { curledBy, type HandShape } from "./hands.ts";
import { type ArmPose, type BodyPose, orientation } from "./pose.ts";
import type { Finger, Side } from "./skeleton.ts";

/** A swing about a mean: mean + amplitude · cos(2π(phase − peak)), with a share of the second harmonic. */
interface Swing {
  readonly mean: number;
  readonly amplitude: number;
  /** Phase of the greatest value. */
  readonly peak: number;
}

/** Lengths in centimetres, angles in degrees, phases in cycles from the left foot's strike. */
export interface GaitStyle {
  readonly leg: LegCycle;
  readonly pelvis: {
    readonly heightCm: number;
    readonly riseCm: Curve;
    readonly swayCm: Swing;
    /** Twice per cycle. */
    readonly surgeCm: Swing;
    readonly yaw: Swing;
    readonly tilt: Swing;
    readonly list: Swing;
  };
  readonly chest: {
    readonly yaw: Swing;
    /** Twice per cycle. */
    readonly tilt: Swing;
    readonly list: Swing;
  };
  /** Twice per cycle; against the rise and fall, so that the gaze stays level. */
  readonly headTilt: Swing;
  /** The left arm. */
  readonly arm: {
    readonly flexion: Swing;
    readonly abduction: Swing;
    readonly inwardTwist: Swing;
    readonly elbow: Swing;
    readonly pronation: Swing;
    readonly wristFlexion: Swing;
    readonly reach: Swing;
    readonly shrug: number;
    readonly wristRadial: number;
  };
  readonly hand: HandShape;
  /** How far the fingers give with the swing. */
  readonly fingerSway: number;
  /** Amplitude of the irregularity of a living walker, in degrees. */
  readonly liveliness: number;
}

function swung(swing: Swing, phase: number): number {
  return swing.mean + swing.amplitude * Math.cos(2 * Math.PI * (phase - swing.peak));
}

function swungTwice(swing: Swing, phase: number): number {
  return swing.mean + swing.amplitude * Math.cos(4 * Math.PI * (phase - swing.peak));
}

interface Noise {
  readonly headYaw: Curve;
  readonly headTilt: Curve;
  readonly chestList: Curve;
  readonly arms: Readonly<Record<Side, Curve>>;
  readonly fingers: Readonly<Record<Side, Curve>>;
}

function noiseOver(cycles: number, seed: number): Noise {
  const slow = (offset: number): Curve => periodicNoise(cycles, 3, seed + offset);
  return {
    headYaw: slow(1),
    headTilt: slow(2),
    chestList: slow(3),
    arms: { Left: slow(4), Right: slow(5) },
    fingers: { Left: slow(6), Right: slow(7) },
  };
}

function leftArm(style: GaitStyle, phase: number, give: number): ArmPose {
  const { arm } = style;
  const share = 1 + 0.02 * give * style.liveliness;
  return {
    flexion: arm.flexion.mean + (swung(arm.flexion, phase) - arm.flexion.mean) * share,
    abduction: swung(arm.abduction, phase) + 0.4 * give * style.liveliness,
    inwardTwist: swung(arm.inwardTwist, phase),
    elbow: swung(arm.elbow, phase) + 0.8 * give * style.liveliness,
    pronation: swung(arm.pronation, phase),
    wristFlexion: swung(arm.wristFlexion, phase),
    wristRadial: arm.wristRadial,
    shrug: arm.shrug,
    reach: swung(arm.reach, phase),
  };
}

function leftHand(style: GaitStyle, phase: number, give: number): HandShape {
  // Each finger trails the one before it a little, so that the hand opens like a fan and not like a rake.
  const lag: Record<Finger, number> = {
    Thumb: 0,
    Index: 0.02,
    Middle: 0.05,
    Ring: 0.08,
    Pinky: 0.11,
  };
  const after = style.arm.elbow.peak + 0.12;
  return curledBy(
    style.hand,
    (finger) =>
      style.fingerSway * Math.cos(2 * Math.PI * (phase - after - lag[finger])) +
      2 * give * style.liveliness,
  );
}

/** The body by phase; the result repeats after `cycles` cycles, of which no two are quite alike. */
export function gaitBody(
  style: GaitStyle,
  cycles: number,
  seed: number,
): (phase: number) => BodyPose {
  const leftFoot = footCycle(style.leg);
  const noise = noiseOver(cycles, seed);
  const { pelvis, chest } = style;
  return (phase) => {
    const opposite = phase + 0.5;
    const live = style.liveliness;
    return {
      pelvisCm: [
        swung(pelvis.swayCm, phase),
        pelvis.heightCm + pelvis.riseCm(phase),
        swungTwice(pelvis.surgeCm, phase),
      ],
      pelvis: orientation(
        swung(pelvis.yaw, phase),
        swungTwice(pelvis.tilt, phase),
        swung(pelvis.list, phase),
      ),
      chest: orientation(
        swung(chest.yaw, phase),
        swungTwice(chest.tilt, phase),
        swung(chest.list, phase) + 0.4 * live * noise.chestList(phase),
      ),
      head: orientation(
        0.15 * swung(chest.yaw, phase) + 1.6 * live * noise.headYaw(phase),
        swungTwice(style.headTilt, phase) + live * noise.headTilt(phase),
        0.2 * swung(chest.list, phase),
      ),
      arms: {
        Left: leftArm(style, phase, noise.arms.Left(phase)),
        Right: leftArm(style, opposite, noise.arms.Right(phase)),
      },
      hands: {
        Left: leftHand(style, phase, noise.fingers.Left(phase)),
        Right: leftHand(style, opposite, noise.fingers.Right(phase)),
      },
      feet: { Left: leftFoot(phase), Right: mirrorFoot(leftFoot(opposite)) },
    };
  };
}
