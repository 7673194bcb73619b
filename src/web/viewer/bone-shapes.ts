/** How a skeleton is drawn: which pieces there are, how thick, in which colour. Worked out once per skeleton. */
import { Quaternion, Vector3 } from "three";
import type { Skeleton } from "../../client/wire.ts";

export type Side = "left" | "right" | "middle";

/** A piece from a joint along a direction in that joint's own space. */
export interface BonePiece {
  /** Index of the joint it starts at and moves with. */
  readonly from: number;
  /** Index of the joint it ends at; undefined for the free end of a last joint. */
  readonly to: number | undefined;
  /** Where it ends in the bind pose, in the space of `from`. */
  readonly end: Vector3;
  /** Half of its width, in the clip's units. */
  readonly radius: number;
  /** A skull is drawn as an egg, everything else as a bone. */
  readonly isSkull: boolean;
  readonly side: Side;
}

export interface BoneShapes {
  readonly pieces: readonly BonePiece[];
  /** Radius of each joint's ball, in the clip's units. */
  readonly ballRadius: readonly number[];
  readonly sides: readonly Side[];
}

/** Joints that mark where the last bone ends, by the names that exporters give them. */
const END_MARKER = /([_.\- ]end|nub|site|tip|(thumb|index|middle|ring|pinky)4)$/i;
/** Half width of a head, as a part of the figure's size. */
const HEAD_RADIUS = 0.043;

const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high);

/** `size` is the figure's, in the clip's units. */
export function shapeBones(skeleton: Skeleton, size: number): BoneShapes {
  const { bone_names: names, parents } = skeleton;
  const sides = names.map(sideOf);
  const offsets = skeleton.bind_pose.positions.map(([x = 0, y = 0, z = 0]) => new Vector3(x, y, z));
  const childCount = names.map(() => 0);
  for (const parent of parents) if (parent >= 0) childCount[parent] = (childCount[parent] ?? 0) + 1;
  /** Whether nothing but a single line of joints leads from the scene's root to this joint. */
  const isStem = (joint: number): boolean =>
    joint < 0 || (childCount[joint] === 1 && isStem(parents[joint] ?? -1));
  const pieces: BonePiece[] = [];
  for (const [index, parent] of parents.entries()) {
    const offset = offsets[index] ?? new Vector3();
    const side = sides[index] ?? "middle";
    const length = offset.length();
    // Many files hang the body from a scene root on the floor: that is no limb.
    const isStand = parent >= 0 && isStem(parent) && length > 0.35 * size;
    if (parent >= 0 && length > 1e-4 * size && !isStand) {
      const isSkull = isHead(names[parent]) && END_MARKER.test(names[index] ?? "");
      const radius = isSkull ? HEAD_RADIUS * size : radiusOf(length, size, side);
      pieces.push({ from: parent, to: index, end: offset, radius, side, isSkull });
    }
    const isEnd = childCount[index] === 0 && !END_MARKER.test(names[index] ?? "");
    if (isEnd && parent >= 0 && length > 1e-4 * size) {
      pieces.push(freeEnd(index, offset, skeleton, size, side));
    }
  }
  return { pieces, sides, ballRadius: ballRadii(names.length, pieces, size) };
}

/** A trunk is wider for its length than a limb. */
function radiusOf(length: number, size: number, side: Side): number {
  const part = side === "middle" ? 0.2 : 0.14;
  return clamp(part * length, 0.0042 * size, 0.025 * size);
}

/** Files name joints, not the ends of the last bones; those go on as their own bone came, half as far. */
function freeEnd(
  index: number,
  offset: Vector3,
  skeleton: Skeleton,
  size: number,
  side: Side,
): BonePiece {
  const [x = 0, y = 0, z = 0, w = 1] = skeleton.bind_pose.rotations[index] ?? [];
  const direction = offset
    .clone()
    .normalize()
    .applyQuaternion(new Quaternion(x, y, z, w).invert());
  const isSkull = isHead(skeleton.bone_names[index]);
  const length = isSkull ? 0.1 * size : clamp(0.7 * offset.length(), 0.008 * size, 0.05 * size);
  const radius = isSkull ? HEAD_RADIUS * size : radiusOf(length, size, side) * 0.9;
  return {
    from: index,
    to: undefined,
    end: direction.multiplyScalar(length),
    radius,
    side,
    isSkull,
  };
}

function isHead(name: string | undefined): boolean {
  return /head$/i.test(name ?? "");
}

/** A ball is as wide as the thinnest piece at its joint allows, so that fingers stay fingers. A skull's end has none. */
function ballRadii(count: number, pieces: readonly BonePiece[], size: number): readonly number[] {
  const least = Array.from({ length: count }, () => Number.POSITIVE_INFINITY);
  for (const { from, to, radius, isSkull } of pieces) {
    for (const joint of to === undefined ? [from] : [from, to]) {
      const limit = !isSkull ? radius : joint === to ? 0 : 0.016 * size;
      least[joint] = Math.min(least[joint] ?? 0, limit);
    }
  }
  return least.map((radius) => (Number.isFinite(radius) ? 0.64 * radius : 0));
}

/** `LeftArm`, `l_arm`, `arm.L`, `mixamorig:LeftArm`, `LThumb` … */
export function sideOf(name: string): Side {
  const plain = name.replace(/^.*[:|]/, "");
  if (/left/i.test(plain) || /(^|[_.\- ])l([_.\- ]|\d|$)/i.test(plain) || /^L[A-Z]/.test(plain))
    return "left";
  if (/right/i.test(plain) || /(^|[_.\- ])r([_.\- ]|\d|$)/i.test(plain) || /^R[A-Z]/.test(plain))
    return "right";
  return "middle";
}
