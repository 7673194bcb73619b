/**
 * From a body described as an animator or anatomist would (pelvis, chest, head, shoulder and elbow angles, where the feet are) to the local
 * rotation of each joint. Owns the anatomy: axes, signs, two-bone legs, shoulder rhythm. Knows no time.
 */
import { type HandShape, handRotations } from "./hands.ts";
import {
  AXIS_X,
  AXIS_Y,
  AXIS_Z,
  add,
  clamp,
  compose,
  cross,
  degrees,
  dot,
  fromAxes,
  IDENTITY,
  inverse,
  length,
  mirrorRotation,
  multiply,
  normalize,
  partOf,
  type Quat,
  rotate,
  scale,
  subtract,
  turn,
  turnByVector,
  type Vec3,
} from "./math.ts";
import { offsetOf, SHANK_CM, SIDES, type Side, SKELETON, THIGH_CM } from "./skeleton.ts";

/** Arm angles in degrees; all zero is the arm hanging straight, palm to the thigh. Signs are alike on both sides. */
export interface ArmPose {
  /** Shoulder, towards the front; behind is negative. With abduction it is one rotation vector, so no order of turns matters. */
  readonly flexion: number;
  /** Shoulder, away from the body. */
  readonly abduction: number;
  /** About the upper arm, inwards; outwards is negative. */
  readonly inwardTwist: number;
  readonly elbow: number;
  /** Forearm, palm turned to the back (hanging) or down (forearm in front). */
  readonly pronation: number;
  /** Towards the palm. */
  readonly wristFlexion: number;
  /** Towards the thumb. */
  readonly wristRadial: number;
  /** Collar bone, up, beyond what the raised arm brings about by itself. */
  readonly shrug: number;
  /** Collar bone, forwards. */
  readonly reach: number;
}

export interface FootPose {
  readonly ankleCm: Vec3;
  /** Of the foot in the world; identity is flat, toes to +Z. */
  readonly orientation: Quat;
  /** Toes bent up against the foot, degrees. */
  readonly toeExtension: number;
}

/** A whole body. Orientations are in the world; identity faces +Z, upright. */
export interface BodyPose {
  readonly pelvisCm: Vec3;
  readonly pelvis: Quat;
  readonly chest: Quat;
  readonly head: Quat;
  readonly arms: Readonly<Record<Side, ArmPose>>;
  readonly hands: Readonly<Record<Side, HandShape>>;
  readonly feet: Readonly<Record<Side, FootPose>>;
}

/** Joint rotations relative to their parents, in the order of `SKELETON`, and where the root is. */
export interface SolvedPose {
  readonly rootCm: Vec3;
  readonly rotations: readonly Quat[];
}

/** Yaw to the left, then tilt to the front, then list with the left side up; degrees. */
export function orientation(yaw: number, tilt: number, list: number): Quat {
  return compose(turn(AXIS_Y, yaw), turn(AXIS_X, tilt), turn(AXIS_Z, list));
}

/** The relaxed arm that others are written as changes of. */
export const RESTING_ARM: ArmPose = {
  flexion: -2,
  abduction: 7,
  inwardTwist: 8,
  elbow: 14,
  pronation: 22,
  wristFlexion: 4,
  wristRadial: 2,
  shrug: -2,
  reach: 1,
};

// Shares of the bend between pelvis and chest, lowest joint first: the lumbar spine bends more than the thoracic.
const SPINE_SHARES = [
  ["Spine", 0.36],
  ["Spine1", 0.36],
  ["Spine2", 0.28],
] as const;
const NECK_SHARE = 0.45;
/** From the T-pose to the hanging left arm. */
const LOWERED = turn(AXIS_Z, -90);
// A hinge must not pass straight: at full reach its plane is undefined and the knee snaps.
const STRAIGHT_LEG_CM = (THIGH_CM + SHANK_CM) * 0.9998;

/** Beyond the first 30° of elevation the collar bone follows the arm, to about a fifth (Inman 1944; here without the scapula's share). */
function collarRise(elevation: number): number {
  const beyond = elevation - 30;
  const softness = 8;
  const following = softness * Math.log1p(Math.exp(clamp(beyond / softness, -30, 30)));
  return Math.min(22, 0.19 * following);
}

function armRotations(side: Side, arm: ArmPose, out: Map<string, Quat>): void {
  const elevation = Math.hypot(arm.flexion, arm.abduction);
  const outwards = elevation < 1e-9 ? 1 : Math.abs(arm.abduction) / elevation;
  const collar = compose(
    turn(AXIS_Z, arm.shrug + collarRise(elevation) * (0.6 + 0.4 * outwards)),
    turn(AXIS_Y, -arm.reach),
  );
  const upper = compose(
    turnByVector([-arm.flexion, 0, arm.abduction]),
    LOWERED,
    turn(AXIS_X, arm.inwardTwist),
  );
  // The radius turns about the ulna along the whole forearm: most of it shows at the forearm joint, the rest at the wrist.
  const forearm = multiply(turn(AXIS_Y, -arm.elbow), turn(AXIS_X, arm.pronation * 0.6));
  const hand = compose(
    turn(AXIS_X, arm.pronation * 0.4),
    turn(AXIS_Z, -arm.wristFlexion),
    turn(AXIS_Y, -arm.wristRadial),
  );
  const put = (joint: string, rotation: Quat): void => {
    out.set(`${side}${joint}`, side === "Left" ? rotation : mirrorRotation(rotation));
  };
  put("Shoulder", collar);
  put("Arm", multiply(inverse(collar), upper));
  put("ForeArm", forearm);
  put("Hand", hand);
}

function legRotations(side: Side, body: BodyPose, out: Map<string, Quat>): void {
  const foot = body.feet[side];
  const hipCm = add(body.pelvisCm, rotate(body.pelvis, offsetOf(`${side}UpLeg`)));
  const span = subtract(foot.ankleCm, hipCm);
  const reachCm = length(span);
  if (reachCm > STRAIGHT_LEG_CM) {
    throw new RangeError(
      `${side} foot is ${reachCm.toFixed(2)} cm from the hip, the leg ${STRAIGHT_LEG_CM.toFixed(2)}`,
    );
  }
  const down = scale(span, 1 / reachCm);
  // The knee's hinge lies half-way between the hip's and the foot's: a knee points over its foot.
  const hinge = add(rotate(body.pelvis, AXIS_X), rotate(foot.orientation, AXIS_X));
  const axis = normalize(subtract(hinge, scale(down, dot(hinge, down))));
  const front = cross(down, axis);
  const cosine = (THIGH_CM ** 2 + reachCm ** 2 - SHANK_CM ** 2) / (2 * THIGH_CM * reachCm);
  const sine = Math.sqrt(1 - cosine * cosine);
  const up = scale(add(scale(down, cosine), scale(front, sine)), -1);
  const thigh = fromAxes(axis, up, cross(axis, up));
  const bend = (THIGH_CM ** 2 + SHANK_CM ** 2 - reachCm ** 2) / (2 * THIGH_CM * SHANK_CM);
  const knee = turn(AXIS_X, 180 - degrees(Math.acos(clamp(bend, -1, 1))));
  out.set(`${side}UpLeg`, multiply(inverse(body.pelvis), thigh));
  out.set(`${side}Leg`, knee);
  out.set(`${side}Foot`, multiply(inverse(multiply(thigh, knee)), foot.orientation));
  out.set(`${side}ToeBase`, turn(AXIS_X, -foot.toeExtension));
}

/** Joint rotations of a body. Throws RangeError when a foot is out of the leg's reach, naming the foot. */
export function solvePose(body: BodyPose): SolvedPose {
  const rotations = new Map<string, Quat>([["Hips", body.pelvis]]);
  const spine = multiply(inverse(body.pelvis), body.chest);
  for (const [joint, share] of SPINE_SHARES) rotations.set(joint, partOf(spine, share));
  const neck = multiply(inverse(body.chest), body.head);
  rotations.set("Neck", partOf(neck, NECK_SHARE));
  rotations.set("Head", partOf(neck, 1 - NECK_SHARE));
  for (const side of SIDES) {
    armRotations(side, body.arms[side], rotations);
    legRotations(side, body, rotations);
    for (const [joint, rotation] of handRotations(side, body.hands[side])) {
      rotations.set(joint, rotation);
    }
  }
  return {
    rootCm: body.pelvisCm,
    rotations: SKELETON.map(({ name }) => rotations.get(name) ?? IDENTITY),
  };
}

/** Where each joint is in the world, centimetres, in the order of `SKELETON`. */
export function jointPositionsCm(pose: SolvedPose): readonly Vec3[] {
  const positions: Vec3[] = [];
  const orientations: Quat[] = [];
  for (const [index, joint] of SKELETON.entries()) {
    const local = pose.rotations[index] ?? IDENTITY;
    const parent = orientations[joint.parent];
    const origin = positions[joint.parent];
    if (parent === undefined || origin === undefined) {
      positions.push(pose.rootCm);
      orientations.push(local);
    } else {
      positions.push(add(origin, rotate(parent, joint.offsetCm)));
      orientations.push(multiply(parent, local));
    }
  }
  return positions;
}
