/**
 * The little linear algebra that reading clips needs, in float64: axis rotations, and a matrix taken apart into
 * translation, rotation and scale. Sampling and forward kinematics are not here: see src/native/fk.ts.
 */
import { CLIP_RANGE } from "../../../native/clip-layout.ts";
import type { Quaternion, Vector3 } from "./description.ts";

/** Length of a quaternion or vector given as numbers. */
function lengthOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? 0) ** 2;
  return Math.sqrt(sum);
}

/** The quaternion scaled to length 1, or undefined where its length is outside the range of the clip format. */
export function normaliseQuaternion(q: ArrayLike<number>): Quaternion | undefined {
  const length = lengthOf(q);
  if (!(length >= CLIP_RANGE.minRotation && length <= CLIP_RANGE.maxRotation)) return undefined;
  return [(q[0] ?? 0) / length, (q[1] ?? 0) / length, (q[2] ?? 0) / length, (q[3] ?? 0) / length];
}

/**
 * Multiplies the quaternion in `q` (x, y, z, w) from the right by a turn of `degrees` about axis 0, 1 or 2, in place:
 * the next rotation of an intrinsic (moving axes) sequence.
 */
export function turnAboutAxis(q: Float64Array, axis: number, degrees: number): void {
  const half = degrees * (Math.PI / 360);
  const sine = Math.sin(half);
  const cosine = Math.cos(half);
  const x = q[0] ?? 0;
  const y = q[1] ?? 0;
  const z = q[2] ?? 0;
  const w = q[3] ?? 0;
  if (axis === 0) {
    q[0] = x * cosine + w * sine;
    q[1] = y * cosine + z * sine;
    q[2] = z * cosine - y * sine;
    q[3] = w * cosine - x * sine;
  } else if (axis === 1) {
    q[0] = x * cosine - z * sine;
    q[1] = y * cosine + w * sine;
    q[2] = z * cosine + x * sine;
    q[3] = w * cosine - y * sine;
  } else {
    q[0] = x * cosine + y * sine;
    q[1] = y * cosine - x * sine;
    q[2] = z * cosine + w * sine;
    q[3] = w * cosine - z * sine;
  }
}

interface Decomposed {
  readonly translation: Vector3;
  readonly rotation: Quaternion;
  readonly scale: Vector3;
  /** Largest difference of an element of T·R·S from the matrix, relative to the largest element of its 3×3 part. */
  readonly error: number;
}

/**
 * Takes an affine matrix (16 numbers, column-major) apart into T·R·S. Exact but for rounding when the columns are
 * orthogonal, whatever their lengths and handedness (a mirror becomes a negative scale, a zero column a zero scale);
 * a sheared matrix has no such form and gives its Gram-Schmidt neighbour, with the error stated.
 */
export function decomposeMatrix(m: ArrayLike<number>): Decomposed {
  const columns = [column(m, 0), column(m, 1), column(m, 2)] as const;
  // The longest column keeps its direction: the shortest ones carry the least information about the rotation.
  const order = ([0, 1, 2] as const).toSorted(
    (a, b) => lengthOf(columns[b]) - lengthOf(columns[a]),
  );
  const [i = 0, j = 1, k = 2] = order;
  const largest = Math.max(...columns.flat().map(Math.abs));
  const basis: [Vector3, Vector3, Vector3] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  if (largest > 0) {
    const first = unit(columns[i]) ?? [1, 0, 0];
    const second = perpendicular(columns[j], first, largest);
    const third = cross(first, second);
    // (i, j, k) is an odd permutation when j does not follow i: the third axis then points the other way.
    const sign = j === (i + 1) % 3 ? 1 : -1;
    basis[i] = first;
    basis[j] = second;
    basis[k] = [third[0] * sign, third[1] * sign, third[2] * sign];
  }
  const scale: Vector3 = [
    dot(basis[0], columns[0]),
    dot(basis[1], columns[1]),
    dot(basis[2], columns[2]),
  ];
  let error = 0;
  for (const axis of [0, 1, 2] as const) {
    for (const row of [0, 1, 2] as const) {
      error = Math.max(error, Math.abs(columns[axis][row] - basis[axis][row] * scale[axis]));
    }
  }
  return {
    translation: [m[12] ?? 0, m[13] ?? 0, m[14] ?? 0],
    rotation: quaternionOfBasis(basis),
    scale,
    error: largest > 0 ? error / largest : 0,
  };
}

function column(m: ArrayLike<number>, index: number): Vector3 {
  return [m[index * 4] ?? 0, m[index * 4 + 1] ?? 0, m[index * 4 + 2] ?? 0];
}

function dot(a: Vector3, b: Vector3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vector3, b: Vector3): Vector3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(v: Vector3): Vector3 | undefined {
  const length = lengthOf(v);
  return length > 0 ? [v[0] / length, v[1] / length, v[2] / length] : undefined;
}

/** The unit vector nearest to `v` that is perpendicular to the unit vector `to`; any such one where `v` does not tell. */
function perpendicular(v: Vector3, to: Vector3, largest: number): Vector3 {
  const along = dot(v, to);
  const rest: Vector3 = [v[0] - along * to[0], v[1] - along * to[1], v[2] - along * to[2]];
  const found = lengthOf(rest) > largest * 1e-12 ? unit(rest) : undefined;
  if (found) return found;
  // The axis that leans least on `to` is surely not parallel to it.
  const x = Math.abs(to[0]);
  const leaning = Math.min(x, Math.abs(to[1]), Math.abs(to[2]));
  const axis: Vector3 =
    leaning === x ? [1, 0, 0] : leaning === Math.abs(to[1]) ? [0, 1, 0] : [0, 0, 1];
  return unit(cross(to, axis)) ?? [0, 1, 0];
}

/** Quaternion of a right-handed orthonormal basis, by the largest of its four components (Shepperd 1978). */
function quaternionOfBasis([x, y, z]: readonly [Vector3, Vector3, Vector3]): Quaternion {
  const trace = x[0] + y[1] + z[2];
  let q: Quaternion;
  if (trace >= x[0] && trace >= y[1] && trace >= z[2]) {
    q = [y[2] - z[1], z[0] - x[2], x[1] - y[0], 1 + trace];
  } else if (x[0] >= y[1] && x[0] >= z[2]) {
    q = [1 + x[0] - y[1] - z[2], x[1] + y[0], z[0] + x[2], y[2] - z[1]];
  } else if (y[1] >= z[2]) {
    q = [x[1] + y[0], 1 - x[0] + y[1] - z[2], y[2] + z[1], z[0] - x[2]];
  } else {
    q = [z[0] + x[2], y[2] + z[1], 1 - x[0] - y[1] + z[2], x[1] - y[0]];
  }
  return normaliseQuaternion(q) ?? [0, 0, 0, 1];
}
