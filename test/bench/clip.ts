/**
 * The clip every server of a benchmark plays, and what its poses must be. A body of 65 joints whose rotations are seeded
 * sums of sines, written as BVH text, so that the benchmark needs no file of anybody else's.
 * The expected poses come from the generator's own angles in float64: no parser and no kernel under test takes part.
 */

export const BENCH_CLIP = {
  fileName: "bench.bvh",
  jointCount: 65,
  frameCount: 120,
  frameRateHz: 60,
} as const;

interface Joint {
  readonly name: string;
  readonly parent: number;
  readonly offset: readonly [number, number, number];
}

/** One rotation channel: two sines with whole cycles over the clip, so that the motion loops. */
interface Channel {
  readonly amplitudeDeg: readonly [number, number];
  readonly cycles: readonly [number, number];
  readonly phase: readonly [number, number];
}

/** Intrinsic rotation order of every joint, as BVH lists it: R = Rz · Rx · Ry. */
const AXES = ["Z", "X", "Y"] as const;

function chain(
  joints: Joint[],
  parent: number,
  name: string,
  count: number,
  step: Joint["offset"],
): number {
  let last = parent;
  for (let i = 0; i < count; i++) {
    joints.push({ name: `${name}${i + 1}`, parent: last, offset: step });
    last = joints.length - 1;
  }
  return last;
}

/** 1 + 5 spine and head, 2 × (4 arm + 5 × 4 fingers), 2 × 5 leg, 1 jaw = 65, parents before children. Units: cm. */
function buildSkeleton(): readonly Joint[] {
  const joints: Joint[] = [{ name: "Hips", parent: -1, offset: [0, 0, 0] }];
  const chest = chain(joints, 0, "Spine", 3, [0, 12, 0.5]);
  const head = chain(joints, chest, "Neck", 2, [0, 10, 1]);
  joints.push({ name: "Jaw", parent: head, offset: [0, 3, 8] });
  for (const [side, x] of [
    ["Left", 1],
    ["Right", -1],
  ] as const) {
    const hand = chain(joints, chest, `${side}Arm`, 4, [16 * x, 0, 0]);
    for (let finger = 0; finger < 5; finger++) {
      chain(joints, hand, `${side}Finger${finger + 1}`, 4, [3 * x, 0, 2 - finger]);
    }
    chain(joints, 0, `${side}Leg`, 5, [2 * x, -18, 1]);
  }
  return joints;
}

/** A small seeded generator (mulberry32): the same clip on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function buildChannels(jointCount: number): readonly (readonly Channel[])[] {
  const random = seededRandom(65);
  return Array.from({ length: jointCount }, () =>
    AXES.map(() => ({
      amplitudeDeg: [4 + 20 * random(), 6 * random()] as const,
      cycles: [1, 2 + Math.floor(2 * random())] as const,
      phase: [2 * Math.PI * random(), 2 * Math.PI * random()] as const,
    })),
  );
}

const skeleton = buildSkeleton();
const channels = buildChannels(skeleton.length);

function angleDeg(channel: Channel, frame: number): number {
  const turn = (2 * Math.PI * frame) / BENCH_CLIP.frameCount;
  const [a, b] = channel.amplitudeDeg;
  return (
    a * Math.sin(channel.cycles[0] * turn + channel.phase[0]) +
    b * Math.sin(channel.cycles[1] * turn + channel.phase[1])
  );
}

function rootPosition(frame: number): readonly [number, number, number] {
  const turn = (2 * Math.PI * frame) / BENCH_CLIP.frameCount;
  return [6 * Math.sin(turn), 95 + 2 * Math.sin(2 * turn), 4 * Math.cos(turn)];
}

function childrenOf(joint: number): readonly number[] {
  return skeleton.flatMap(({ parent }, index) => (parent === joint ? [index] : []));
}

/** Depth-first order: the order in which BVH lists joints and their channels. */
function depthFirst(joint = 0): readonly number[] {
  return [joint, ...childrenOf(joint).flatMap((child) => depthFirst(child))];
}

/** Breadth-first order, siblings as in the file: the order of the bones in a streamed frame. */
function breadthFirst(): readonly number[] {
  const order = [0];
  for (const joint of order) order.push(...childrenOf(joint));
  return order;
}

function hierarchyText(joint: number, indent: string): string {
  const at = skeleton[joint];
  if (at === undefined) throw new RangeError(`no joint ${joint}`);
  const rotations = AXES.map((axis) => `${axis}rotation`).join(" ");
  const root = at.parent < 0;
  const children = childrenOf(joint);
  const inner = `${indent}\t`;
  const body = children.map((child) => hierarchyText(child, inner)).join("");
  const end = `${inner}End Site\n${inner}{\n${inner}\tOFFSET 0 1 0\n${inner}}\n`;
  return (
    `${indent}${root ? "ROOT" : "JOINT"} ${at.name}\n${indent}{\n` +
    `${inner}OFFSET ${at.offset.join(" ")}\n` +
    `${inner}CHANNELS ${root ? `6 Xposition Yposition Zposition ${rotations}` : `3 ${rotations}`}\n` +
    `${children.length > 0 ? body : end}${indent}}\n`
  );
}

/** The clip as BVH text. */
export function benchClipText(): string {
  const order = depthFirst();
  const rows: string[] = [];
  for (let frame = 0; frame < BENCH_CLIP.frameCount; frame++) {
    const angles = order.flatMap((joint) =>
      (channels[joint] ?? []).map((channel) => angleDeg(channel, frame)),
    );
    rows.push([...rootPosition(frame), ...angles].map((value) => value.toFixed(6)).join(" "));
  }
  const frameTime = (1 / BENCH_CLIP.frameRateHz).toFixed(9);
  return (
    `HIERARCHY\n${hierarchyText(0, "")}MOTION\nFrames: ${BENCH_CLIP.frameCount}\nFrame Time: ${frameTime}\n` +
    `${rows.join("\n")}\n`
  );
}

type Quaternion = readonly [x: number, y: number, z: number, w: number];

function multiply(a: Quaternion, b: Quaternion): Quaternion {
  return [
    a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
    a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
    a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
    a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
  ];
}

function rotationAt(joint: number, frame: number): Quaternion {
  let rotation: Quaternion = [0, 0, 0, 1];
  (channels[joint] ?? []).forEach((channel, axis) => {
    const half = (angleDeg(channel, frame) * Math.PI) / 360;
    const s = Math.sin(half);
    const name = AXES[axis];
    const one: Quaternion = [
      name === "X" ? s : 0,
      name === "Y" ? s : 0,
      name === "Z" ? s : 0,
      Math.cos(half),
    ];
    rotation = multiply(rotation, one);
  });
  return rotation;
}

function slerp(a: Quaternion, b: Quaternion, share: number): Quaternion {
  const dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const sign = dot < 0 ? -1 : 1;
  const angle = Math.acos(Math.min(1, Math.abs(dot)));
  const straight = angle <= 1e-9;
  const far = straight ? 1 - share : Math.sin((1 - share) * angle) / Math.sin(angle);
  const near = sign * (straight ? share : Math.sin(share * angle) / Math.sin(angle));
  return [
    far * a[0] + near * b[0],
    far * a[1] + near * b[1],
    far * a[2] + near * b[2],
    far * a[3] + near * b[3],
  ];
}

/**
 * Local matrices of the clip at `timeS`, `T · R`, row-major, `[65][4][4]`, bones breadth-first.
 * `timeS` must lie before the last frame: how a server blends the end into the beginning is its own affair.
 */
export function expectedLocals(timeS: number): Float64Array {
  const position = timeS * BENCH_CLIP.frameRateHz;
  const frame = Math.min(Math.floor(position), BENCH_CLIP.frameCount - 2);
  const share = position - frame;
  const out = new Float64Array(BENCH_CLIP.jointCount * 16);
  breadthFirst().forEach((joint, slot) => {
    const [x, y, z, w] = slerp(rotationAt(joint, frame), rotationAt(joint, frame + 1), share);
    const now = rootPosition(frame);
    const next = rootPosition(frame + 1);
    const [tx, ty, tz] =
      joint === 0
        ? ([0, 1, 2] as const).map((axis) => now[axis] + share * (next[axis] - now[axis]))
        : (skeleton[joint]?.offset ?? []);
    out.set(
      // biome-ignore format: a matrix reads as four rows
      [
        1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), tx ?? Number.NaN,
        2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), ty ?? Number.NaN,
        2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), tz ?? Number.NaN,
        0, 0, 0, 1,
      ],
      slot * 16,
    );
  });
  return out;
}
