/**
 * The humanoid that the built-in clips move: 65 joints, T-pose facing +Z, Y up, centimetres, all rest rotations identity.
 * Leg lengths are those of a 1.75 m adult after Drillis and Contini (1966), as tabulated by D. A. Winter, "Biomechanics and Motor Control
 * of Human Movement": thigh 0.245 H, shank 0.246 H, ankle 0.039 H, forearm 0.146 H. The upper arm starts at the humeral head, 2.5 cm below
 * the acromion that the table measures from, and the shoulders are set so that the span is 1.02 H.
 * Joint names are the common humanoid ones, so that retargeting tools find them.
 */
import type { Vec3 } from "./math.ts";

export interface Joint {
  readonly name: string;
  /** Index of the parent, which is always smaller; -1 for the root. */
  readonly parent: number;
  /** From the parent in rest pose, centimetres; for the root, its height in rest pose. */
  readonly offsetCm: Vec3;
  /** Leaves only: from the joint to the flesh's end. */
  readonly tipCm?: Vec3;
}

export type Side = "Left" | "Right";
export const SIDES: readonly Side[] = ["Left", "Right"];
export const FINGERS = ["Thumb", "Index", "Middle", "Ring", "Pinky"] as const;
export type Finger = (typeof FINGERS)[number];

export const THIGH_CM = 42.9;
export const SHANK_CM = 42.6;

/** The left foot about its ankle, foot flat, toes to +Z; the right one is alike. */
export const FOOT = {
  heelCm: [0, -6.9, -5.5] as Vec3,
  ballCm: [0, -5.1, 13] as Vec3,
  /** From the ball to the tip of the toes. */
  toeTipCm: [0, -0.8, 6.6] as Vec3,
  ankleHeightCm: 6.9,
} as const;

/** Where each left finger starts on the hand and the lengths of its phalanges; x is away from the wrist, z towards the thumb. */
const LEFT_FINGERS: Record<Finger, { rootCm: Vec3; along: Vec3; phalangesCm: Vec3 }> = {
  Thumb: { rootCm: [2.3, -1.1, 2.3], along: [0.72, -0.28, 0.63], phalangesCm: [3.9, 3.1, 2.2] },
  Index: { rootCm: [8.5, 0, 2.5], along: [1, 0, 0.04], phalangesCm: [3.9, 2.3, 1.8] },
  Middle: { rootCm: [8.6, 0.2, 0.5], along: [1, 0, 0], phalangesCm: [4.3, 2.7, 1.9] },
  Ring: { rootCm: [8.1, 0.1, -1.4], along: [1, 0, -0.05], phalangesCm: [3.9, 2.6, 1.9] },
  Pinky: { rootCm: [7.4, -0.2, -3.1], along: [1, 0, -0.11], phalangesCm: [3.1, 1.9, 1.7] },
};

type Row = readonly [name: string, parent: string, offsetCm: Vec3, tipCm?: Vec3];

function sided(side: Side, [x, y, z]: Vec3): Vec3 {
  return side === "Left" ? [x, y, z] : [-x, y, z];
}

function fingerRows(side: Side): Row[] {
  return FINGERS.flatMap((finger) => {
    const { rootCm, along, phalangesCm } = LEFT_FINGERS[finger];
    const size = Math.hypot(...along);
    const name = `${side}Hand${finger}`;
    const step = (lengthCm: number): Vec3 =>
      sided(side, [
        (along[0] * lengthCm) / size,
        (along[1] * lengthCm) / size,
        (along[2] * lengthCm) / size,
      ]);
    const [proximal, middle, distal] = phalangesCm;
    // The fourth joint lies under the nail; the rest of the last phalanx is its tip.
    return [
      [`${name}1`, `${side}Hand`, sided(side, rootCm)],
      [`${name}2`, `${name}1`, step(proximal)],
      [`${name}3`, `${name}2`, step(middle)],
      [`${name}4`, `${name}3`, step(distal * 0.75), step(distal * 0.25)],
    ] as const;
  });
}

function armRows(side: Side): Row[] {
  return [
    [`${side}Shoulder`, "Spine2", sided(side, [2.3, 12.2, 2])],
    [`${side}Arm`, `${side}Shoulder`, sided(side, [14.5, -0.8, -3.2])],
    [`${side}ForeArm`, `${side}Arm`, sided(side, [30, 0, 0])],
    [`${side}Hand`, `${side}ForeArm`, sided(side, [25.3, 0, 0])],
    ...fingerRows(side),
  ];
}

function legRows(side: Side): Row[] {
  return [
    [`${side}UpLeg`, "Hips", sided(side, [8.8, -4.6, 0.4])],
    [`${side}Leg`, `${side}UpLeg`, [0, -THIGH_CM, 0]],
    [`${side}Foot`, `${side}Leg`, [0, -SHANK_CM, 0]],
    [`${side}ToeBase`, `${side}Foot`, FOOT.ballCm],
    [`${side}Toe_End`, `${side}ToeBase`, FOOT.toeTipCm, [0, 0, 0.8]],
  ];
}

const ROWS: readonly Row[] = [
  ["Hips", "", [0, 97, 0]],
  ["Spine", "Hips", [0, 9.6, -1.2]],
  ["Spine1", "Spine", [0, 11.8, 0.2]],
  ["Spine2", "Spine1", [0, 12.6, -1]],
  ["Neck", "Spine2", [0, 15.6, -0.8]],
  ["Head", "Neck", [0, 9.6, 2.6]],
  ["HeadTop_End", "Head", [0, 18, 0.4], [0, 0.8, 0]],
  ...armRows("Left"),
  ...armRows("Right"),
  ...legRows("Left"),
  ...legRows("Right"),
];

const INDEX_BY_NAME = new Map(ROWS.map((row, index) => [row[0], index]));

/** Depth-first, parents before children. */
export const SKELETON: readonly Joint[] = ROWS.map(([name, parent, offsetCm, tipCm]) => ({
  name,
  parent: INDEX_BY_NAME.get(parent) ?? -1,
  offsetCm,
  ...(tipCm === undefined ? {} : { tipCm }),
}));

/** The index of a joint in `SKELETON`. Throws RangeError for a name that is not there. */
function jointIndex(name: string): number {
  const index = INDEX_BY_NAME.get(name);
  if (index === undefined) throw new RangeError(`the skeleton has no joint ${name}`);
  return index;
}

/** Rest offset of a named joint from its parent, centimetres. */
export function offsetOf(name: string): Vec3 {
  return SKELETON[jointIndex(name)]?.offsetCm ?? [0, 0, 0];
}
