/**
 * Writes a clip as BVH: hierarchy, then one row of channels per frame. Owns the choice of rotation orders and the spelling of numbers.
 * The last row repeats the first, so that a player whose loop lasts (frames - 1) × frame time has no seam.
 */

import { clamp, degrees, matrixOf, type Quat } from "./math.ts";
import type { SampledClip } from "./sampled-clip.ts";
import { SKELETON } from "./skeleton.ts";

type Axis = "X" | "Y" | "Z";
type Order = readonly [Axis, Axis, Axis];

// The middle angle of an Euler triple must stay clear of ±90°. One order does not do for a T-pose: a knee turns about X, an elbow about Y and
// a lowered arm about Z, so each kind of joint gets the order whose middle axis it hardly uses. BVH states the order joint by joint.
const ORDERS: readonly (readonly [pattern: RegExp, order: Order])[] = [
  [/ForeArm$/, ["Y", "Z", "X"]],
  [/(UpLeg|Leg|Arm)$/, ["X", "Y", "Z"]],
];
const USUAL_ORDER: Order = ["Z", "X", "Y"];
const GIMBAL_LIMIT_DEG = 75;

function orderOf(joint: string): Order {
  return ORDERS.find(([pattern]) => pattern.test(joint))?.[1] ?? USUAL_ORDER;
}

const AXES: readonly Axis[] = ["X", "Y", "Z"];

/** Angles a, b, c in degrees with R = R_first(a) · R_second(b) · R_third(c). */
function eulerDegrees(rotation: Quat, order: Order): readonly [number, number, number] {
  const [i, j, k] = order.map((axis) => AXES.indexOf(axis)) as [number, number, number];
  const matrix = matrixOf(rotation);
  const m = (row: number, column: number): number => matrix[3 * row + column] ?? 0;
  const sign = (j - i + 3) % 3 === 1 ? 1 : -1;
  return [
    degrees(Math.atan2(-sign * m(j, k), m(k, k))),
    degrees(Math.asin(clamp(sign * m(i, k), -1, 1))),
    degrees(Math.atan2(-sign * m(i, j), m(i, i))),
  ];
}

/** Three decimals: 0.001° over the length of an arm is 0.01 mm. No trailing zeros, no negative zero. */
function spell(value: number): string {
  const rounded = Math.round(value * 1000) / 1000;
  return rounded === 0 ? "0" : String(rounded);
}

function hierarchy(): string[] {
  const children = SKELETON.map((_, parent) =>
    SKELETON.flatMap((joint, index) => (joint.parent === parent ? [index] : [])),
  );
  const lines: string[] = ["HIERARCHY"];
  const write = (index: number, depth: number): void => {
    const joint = SKELETON[index];
    if (joint === undefined) return;
    const pad = "\t".repeat(depth);
    const rotations = orderOf(joint.name)
      .map((axis) => `${axis}rotation`)
      .join(" ");
    const isRoot = joint.parent < 0;
    // A root's offset would be added to its channels by some readers and not by others: it is zero.
    const offset = isRoot ? [0, 0, 0] : joint.offsetCm;
    lines.push(`${pad}${isRoot ? "ROOT" : "JOINT"} ${joint.name}`, `${pad}{`);
    lines.push(`${pad}\tOFFSET ${offset.map(spell).join(" ")}`);
    lines.push(
      isRoot
        ? `${pad}\tCHANNELS 6 Xposition Yposition Zposition ${rotations}`
        : `${pad}\tCHANNELS 3 ${rotations}`,
    );
    for (const child of children[index] ?? []) write(child, depth + 1);
    if (joint.tipCm !== undefined) {
      lines.push(`${pad}\tEnd Site`, `${pad}\t{`);
      lines.push(`${pad}\t\tOFFSET ${joint.tipCm.map(spell).join(" ")}`, `${pad}\t}`);
    }
    lines.push(`${pad}}`);
  };
  write(0, 0);
  return lines;
}

/** The angle that differs from `angle` by whole turns and is nearest to `previous`, so that a reader may interpolate rows. */
function unwrapped(angle: number, previous: number): number {
  return angle + 360 * Math.round((previous - angle) / 360);
}

/** The text of a BVH file. Throws RangeError where a joint comes too near the singularity of its rotation order. */
export function writeBvh(clip: SampledClip): string {
  const previous = SKELETON.map(() => [0, 0, 0] as readonly number[]);
  const rows = clip.frames.map((frame, frameIndex) => {
    const values: number[] = [...frame.rootCm];
    for (const [index, joint] of SKELETON.entries()) {
      const rotation = frame.rotations[index];
      if (rotation === undefined) throw new RangeError(`frame ${frameIndex} lacks ${joint.name}`);
      const angles = eulerDegrees(rotation, orderOf(joint.name));
      if (Math.abs(angles[1]) > GIMBAL_LIMIT_DEG) {
        throw new RangeError(`${clip.name} frame ${frameIndex}: ${joint.name} is near gimbal lock`);
      }
      const before = previous[index] ?? [0, 0, 0];
      const continuous = angles.map((angle, axis) => unwrapped(angle, before[axis] ?? 0));
      previous[index] = continuous;
      values.push(...continuous);
    }
    return values.map(spell).join(" ");
  });
  return [
    ...hierarchy(),
    "MOTION",
    `Frames: ${rows.length}`,
    `Frame Time: ${(1 / clip.rateHz).toFixed(7)}`,
    ...rows,
    "",
  ].join("\n");
}
