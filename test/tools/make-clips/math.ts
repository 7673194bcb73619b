/**
 * Vectors and unit quaternions for the clip generator. Right-handed, Y up; angles are degrees at this module's border.
 * Holds nothing about bodies or files.
 */

/** x, y, z. */
export type Vec3 = readonly [number, number, number];
/** x, y, z, w of a unit quaternion; `multiply(a, b)` applies b first. */
export type Quat = readonly [number, number, number, number];

export const AXIS_X: Vec3 = [1, 0, 0];
export const AXIS_Y: Vec3 = [0, 1, 0];
export const AXIS_Z: Vec3 = [0, 0, 1];
export const IDENTITY: Quat = [0, 0, 0, 1];

const RADIANS_PER_DEGREE = Math.PI / 180;

function radians(degrees: number): number {
  return degrees * RADIANS_PER_DEGREE;
}

export function degrees(angleRad: number): number {
  return angleRad / RADIANS_PER_DEGREE;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

export function add(a: Vec3, b: Vec3): Vec3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function subtract(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function scale(a: Vec3, factor: number): Vec3 {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

export function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function length(a: Vec3): number {
  return Math.sqrt(dot(a, a));
}

/** The unit vector along a. Throws RangeError for a zero vector: here that is always a mistake of the choreography. */
export function normalize(a: Vec3): Vec3 {
  const size = length(a);
  if (size < 1e-9) throw new RangeError("a zero vector has no direction");
  return scale(a, 1 / size);
}

export function multiply(a: Quat, b: Quat): Quat {
  const [ax, ay, az, aw] = a;
  const [bx, by, bz, bw] = b;
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

/** The product of any number of rotations, leftmost applied last. */
export function compose(...rotations: readonly Quat[]): Quat {
  return rotations.reduce(multiply, IDENTITY);
}

export function inverse(q: Quat): Quat {
  return [-q[0], -q[1], -q[2], q[3]];
}

export function rotate(q: Quat, v: Vec3): Vec3 {
  const axis: Vec3 = [q[0], q[1], q[2]];
  const twice = scale(cross(axis, v), 2);
  return add(add(v, scale(twice, q[3])), cross(axis, twice));
}

/** Rotation by an angle about a unit axis. */
export function turn(axis: Vec3, angleDeg: number): Quat {
  const half = radians(angleDeg) / 2;
  const sine = Math.sin(half);
  return [axis[0] * sine, axis[1] * sine, axis[2] * sine, Math.cos(half)];
}

/** Rotation whose axis and angle are the direction and length, in degrees, of a vector. */
export function turnByVector(vectorDeg: Vec3): Quat {
  const angleDeg = length(vectorDeg);
  return angleDeg < 1e-12 ? IDENTITY : turn(scale(vectorDeg, 1 / angleDeg), angleDeg);
}

/** The same rotation, `share` of the way from none: about the same axis, so shares of one rotation commute and add up. */
export function partOf(q: Quat, share: number): Quat {
  const sign = q[3] < 0 ? -1 : 1;
  const sine = Math.hypot(q[0], q[1], q[2]);
  if (sine < 1e-12) return IDENTITY;
  const half = Math.atan2(sine, sign * q[3]) * share;
  const factor = (sign * Math.sin(half)) / sine;
  return [q[0] * factor, q[1] * factor, q[2] * factor, Math.cos(half)];
}

/** Rotation that carries the X, Y and Z axes onto the given right-handed orthonormal ones. */
export function fromAxes(x: Vec3, y: Vec3, z: Vec3): Quat {
  const trace = x[0] + y[1] + z[2];
  if (trace > 0) {
    const s = 2 * Math.sqrt(trace + 1);
    return [(y[2] - z[1]) / s, (z[0] - x[2]) / s, (x[1] - y[0]) / s, s / 4];
  }
  if (x[0] > y[1] && x[0] > z[2]) {
    const s = 2 * Math.sqrt(1 + x[0] - y[1] - z[2]);
    return [s / 4, (y[0] + x[1]) / s, (z[0] + x[2]) / s, (y[2] - z[1]) / s];
  }
  if (y[1] > z[2]) {
    const s = 2 * Math.sqrt(1 + y[1] - x[0] - z[2]);
    return [(y[0] + x[1]) / s, s / 4, (z[1] + y[2]) / s, (z[0] - x[2]) / s];
  }
  const s = 2 * Math.sqrt(1 + z[2] - x[0] - y[1]);
  return [(z[0] + x[2]) / s, (z[1] + y[2]) / s, s / 4, (x[1] - y[0]) / s];
}

/** Row r, column c of the rotation matrix, as `matrix[3 * r + c]`. */
export function matrixOf(q: Quat): readonly number[] {
  const x = rotate(q, AXIS_X);
  const y = rotate(q, AXIS_Y);
  const z = rotate(q, AXIS_Z);
  return [x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]];
}

/** The reflection of a rotation in the body's median plane x = 0. */
export function mirrorRotation(q: Quat): Quat {
  return [q[0], -q[1], -q[2], q[3]];
}
