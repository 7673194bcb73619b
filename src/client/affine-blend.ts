/**
 * Blends two poses. Each matrix is taken apart into translation, rotation and scale: translation and scale go linearly, the
 * rotation by normalised quaternion interpolation along the shorter arc (J. Blow, "Understanding Slerp, Then Not Using It",
 * 2004). Blending the matrices themselves would shrink a limb in mid-turn, by 3 % at 30° between frames; the quaternion's
 * angle is off by less than 0.1° there. Local matrices are T·R·S, so taking them apart loses nothing; a global one may be
 * sheared below a non-uniform scale, and is then blended linearly, which keeps it exact at both ends.
 */
import type { Order } from "../protocol/layouts.ts";

type Numbers = Float32Array | Float64Array;

/** Cosine between axes above which a matrix counts as sheared; float32 noise stays below it by a factor of a hundred. */
const SHEAR_COSINE = 1e-3;

/** A matrix taken apart: scale along each axis, and the rotation as a quaternion. */
interface Parts {
  sx: number;
  sy: number;
  sz: number;
  x: number;
  y: number;
  z: number;
  w: number;
}

const newParts = (): Parts => ({ sx: 1, sy: 1, sz: 1, x: 0, y: 0, z: 0, w: 1 });

/** Scratch: nothing is allocated per frame. */
const partsA = newParts();
const partsB = newParts();

/** Writes the pose `share` of the way from `a` to `b` (0 to 1) into `out`; all three have 16 numbers per bone. */
export function blendPoses(
  out: Numbers,
  a: Numbers,
  b: Numbers,
  share: number,
  order: Order,
): void {
  for (let at = 0; at + 16 <= out.length; at += 16) blendMatrix(out, a, b, at, share, order);
}

function blendMatrix(
  out: Numbers,
  a: Numbers,
  b: Numbers,
  at: number,
  share: number,
  order: Order,
): void {
  // Offsets of the next row and the next column in memory.
  const row = order === "row" ? 4 : 1;
  const column = order === "row" ? 1 : 4;
  for (let i = 0; i < 16; i++) out[at + i] = mix(a[at + i] ?? 0, b[at + i] ?? 0, share);
  if (!takeApart(partsA, a, at, row, column) || !takeApart(partsB, b, at, row, column)) return;
  // Both signs of a quaternion are the same rotation; the nearer one is the shorter way.
  const dot = partsA.x * partsB.x + partsA.y * partsB.y + partsA.z * partsB.z + partsA.w * partsB.w;
  const toB = dot < 0 ? -share : share;
  const toA = 1 - share;
  const x = partsA.x * toA + partsB.x * toB;
  const y = partsA.y * toA + partsB.y * toB;
  const z = partsA.z * toA + partsB.z * toB;
  const w = partsA.w * toA + partsB.w * toB;
  const n = 2 / (x * x + y * y + z * z + w * w);
  const sx = mix(partsA.sx, partsB.sx, share);
  const sy = mix(partsA.sy, partsB.sy, share);
  const sz = mix(partsA.sz, partsB.sz, share);
  out[at] = (1 - n * (y * y + z * z)) * sx;
  out[at + row] = n * (x * y + z * w) * sx;
  out[at + 2 * row] = n * (x * z - y * w) * sx;
  out[at + column] = n * (x * y - z * w) * sy;
  out[at + column + row] = (1 - n * (x * x + z * z)) * sy;
  out[at + column + 2 * row] = n * (y * z + x * w) * sy;
  out[at + 2 * column] = n * (x * z + y * w) * sz;
  out[at + 2 * column + row] = n * (y * z - x * w) * sz;
  out[at + 2 * column + 2 * row] = (1 - n * (x * x + y * y)) * sz;
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

/** Scale and rotation of the matrix at `at`; false where there is no such pair: sheared, or flat in one axis. */
function takeApart(parts: Parts, m: Numbers, at: number, row: number, column: number): boolean {
  let r00 = m[at] ?? 0;
  let r10 = m[at + row] ?? 0;
  let r20 = m[at + 2 * row] ?? 0;
  let r01 = m[at + column] ?? 0;
  let r11 = m[at + column + row] ?? 0;
  let r21 = m[at + column + 2 * row] ?? 0;
  let r02 = m[at + 2 * column] ?? 0;
  let r12 = m[at + 2 * column + row] ?? 0;
  let r22 = m[at + 2 * column + 2 * row] ?? 0;
  const determinant =
    r00 * (r11 * r22 - r12 * r21) - r01 * (r10 * r22 - r12 * r20) + r02 * (r10 * r21 - r11 * r20);
  // A mirrored matrix is a rotation with one axis turned round: by convention x.
  const sx = Math.sqrt(r00 * r00 + r10 * r10 + r20 * r20) * (determinant < 0 ? -1 : 1);
  const sy = Math.sqrt(r01 * r01 + r11 * r11 + r21 * r21);
  const sz = Math.sqrt(r02 * r02 + r12 * r12 + r22 * r22);
  if (sx === 0 || sy === 0 || sz === 0) return false;
  r00 /= sx;
  r10 /= sx;
  r20 /= sx;
  r01 /= sy;
  r11 /= sy;
  r21 /= sy;
  r02 /= sz;
  r12 /= sz;
  r22 /= sz;
  const skew = Math.max(
    Math.abs(r00 * r01 + r10 * r11 + r20 * r21),
    Math.abs(r00 * r02 + r10 * r12 + r20 * r22),
    Math.abs(r01 * r02 + r11 * r12 + r21 * r22),
  );
  if (!(skew < SHEAR_COSINE)) return false;
  parts.sx = sx;
  parts.sy = sy;
  parts.sz = sz;
  // The largest of the four components comes from a root, the others by division (S. Shepperd, 1978).
  const trace = r00 + r11 + r22;
  if (trace > 0) {
    const s = 2 * Math.sqrt(trace + 1);
    setRotation(parts, (r21 - r12) / s, (r02 - r20) / s, (r10 - r01) / s, s / 4);
  } else if (r00 > r11 && r00 > r22) {
    const s = 2 * Math.sqrt(1 + r00 - r11 - r22);
    setRotation(parts, s / 4, (r01 + r10) / s, (r02 + r20) / s, (r21 - r12) / s);
  } else if (r11 > r22) {
    const s = 2 * Math.sqrt(1 + r11 - r00 - r22);
    setRotation(parts, (r01 + r10) / s, s / 4, (r12 + r21) / s, (r02 - r20) / s);
  } else {
    const s = 2 * Math.sqrt(1 + r22 - r00 - r11);
    setRotation(parts, (r02 + r20) / s, (r12 + r21) / s, s / 4, (r10 - r01) / s);
  }
  return true;
}

function setRotation(parts: Parts, x: number, y: number, z: number, w: number): void {
  parts.x = x;
  parts.y = y;
  parts.z = z;
  parts.w = w;
}
