/**
 * Finds out how a clip lies in space: which axis is up, how tall the figure is, where the floor is. Clips come in metres,
 * centimetres or inches, with Y or Z up, and say so nowhere; the skeleton itself tells.
 */
import { Vector3 } from "three";

export type UpAxis = "y" | "z";

export interface Figure {
  readonly up: UpAxis;
  /** Largest extent of the skeleton, in the clip's own units. */
  readonly size: number;
}

export interface Joint {
  readonly name: string;
  readonly position: Vector3;
}

/** Joints of the bind pose and of the first frame tell size and up; empty skeletons count as one unit tall. */
export function measureFigure(bind: readonly Joint[], first: readonly Joint[]): Figure {
  const size = Math.max(extentOf(bind), extentOf(first));
  return { up: upAxisOf(bind) ?? upAxisOf(first) ?? "y", size: size > 0 ? size : 1 };
}

/** Largest extent along any axis. */
function extentOf(joints: readonly Joint[]): number {
  const { min, max } = boundsOf(joints);
  return Math.max(0, max.x - min.x, max.y - min.y, max.z - min.z);
}

export function boundsOf(joints: readonly Joint[]): {
  readonly min: Vector3;
  readonly max: Vector3;
} {
  const min = new Vector3(
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  );
  const max = min.clone().negate();
  for (const { position } of joints) {
    min.min(position);
    max.max(position);
  }
  return { min, max };
}

/** The direction in which the head lies from the middle of the body; undefined where nothing is called a head. */
function upAxisOf(joints: readonly Joint[]): UpAxis | undefined {
  const head = joints.find(({ name }) => /head/i.test(name));
  if (!head) return undefined;
  const { min, max } = boundsOf(joints);
  const middle = min.add(max).multiplyScalar(0.5);
  const toHead = head.position.clone().sub(middle);
  return Math.abs(toHead.z) > Math.abs(toHead.y) ? "z" : "y";
}

/**
 * Height of the floor, given the lowest joint so far and the figure's size, both along the up axis. Most clips put the
 * floor at zero, with the feet's joints a little above it.
 */
export function floorOf(lowest: number, size: number): number {
  return lowest > -0.02 * size && lowest < 0.12 * size ? 0 : lowest;
}
