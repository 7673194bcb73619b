/**
 * The built-in clips, judged from the committed files alone: read with three.js, measured against anatomy, the floor, gravity and a human
 * walker. Only the first and the last group know the generator: committed bytes are a fresh run's, and files say what was meant.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { builtInClipFiles, builtInClips } from "../../tools/make-clips/clips.ts";
import {
  add,
  cross,
  degrees,
  dot,
  inverse,
  length,
  multiply,
  type Quat,
  rotate,
  scale,
  subtract,
  type Vec3,
} from "../../tools/make-clips/math.ts";
import { jointPositionsCm } from "../../tools/make-clips/pose.ts";
import {
  positionCm,
  type ReadClip,
  readClip,
  rotationOf,
} from "../../tools/make-clips/read-clip.ts";
import { requiredData, testWith } from "../../tools/requirement.ts";

const FOLDER = resolve(import.meta.dir, "../../../src/assets/clips");
const FILES = ["walk.bvh", "run.bvh", "wave.bvh", "dance.glb"] as const;
type File = (typeof FILES)[number];
const SIDES = ["Left", "Right"] as const;
type Side = (typeof SIDES)[number];

// Contact geometry of the foot, in the ankle's frame and as heights of joints over the sole, from the skeleton's table.
const HEEL_CM: Vec3 = [0, -6.9, -5.5];
const BALL_HEIGHT_CM = 1.8;
const TOE_HEIGHT_CM = 1;

const clips = new Map<File, ReadClip>();

beforeAll(async () => {
  for (const file of FILES) clips.set(file, await readClip(join(FOLDER, file)));
});

function clipOf(file: File): ReadClip {
  const clip = clips.get(file);
  if (clip === undefined) throw new Error(`${file} was not read`);
  return clip;
}

function indexOf(clip: ReadClip, name: string): number {
  const index = clip.names.indexOf(name);
  if (index < 0) throw new Error(`no joint ${name}`);
  return index;
}

function frames(clip: ReadClip): number[] {
  return Array.from({ length: clip.frameCount }, (_, frame) => frame);
}

const paths = new WeakMap<ReadClip, Map<string, Vec3[]>>();

function remembered(clip: ReadClip, name: string, make: () => Vec3[]): Vec3[] {
  const known = paths.get(clip) ?? new Map<string, Vec3[]>();
  paths.set(clip, known);
  const path = known.get(name) ?? make();
  known.set(name, path);
  return path;
}

function pathOf(clip: ReadClip, name: string): Vec3[] {
  return remembered(clip, name, () => {
    const joint = indexOf(clip, name);
    return frames(clip).map((frame) => positionCm(clip, frame, joint));
  });
}

function heelPath(clip: ReadClip, side: Side): Vec3[] {
  return remembered(clip, `${side} heel`, () => {
    const ankle = indexOf(clip, `${side}Foot`);
    return frames(clip).map((frame) =>
      add(
        positionCm(clip, frame, ankle),
        rotate(rotationOf(clip, "worldRotations", frame, ankle), HEEL_CM),
      ),
    );
  });
}

function angleBetween(a: Vec3, b: Vec3): number {
  return degrees(Math.atan2(length(cross(a, b)), dot(a, b)));
}

function angleOf(q: Quat): number {
  return degrees(2 * Math.atan2(Math.hypot(q[0], q[1], q[2]), Math.abs(q[3])));
}

/** Flexion of the knee in each frame from three joint positions: 0 is straight. */
function kneeFlexion(clip: ReadClip, side: Side): number[] {
  const hip = pathOf(clip, `${side}UpLeg`);
  const knee = pathOf(clip, `${side}Leg`);
  const ankle = pathOf(clip, `${side}Foot`);
  return knee.map((at, frame) => {
    const thigh = subtract(at, hip[frame] ?? at);
    return angleBetween(thigh, subtract(ankle[frame] ?? at, at));
  });
}

/** Runs of at least `shortest` frames for which a condition holds, as [first, last]. */
function runsWhere(
  count: number,
  shortest: number,
  holds: (frame: number) => boolean,
): [number, number][] {
  const runs: [number, number][] = [];
  let start = -1;
  for (let frame = 0; frame <= count; frame += 1) {
    const now = frame < count && holds(frame);
    if (now && start < 0) start = frame;
    if (!now && start >= 0) {
      if (frame - start >= shortest) runs.push([start, frame - 1]);
      start = -1;
    }
  }
  return runs;
}

interface Contact {
  readonly point: string;
  readonly path: readonly Vec3[];
  readonly first: number;
  readonly last: number;
}

/**
 * When heel, ball or toe tip bears: within 0.03 cm of its resting height for at least 5 frames. While the ball bears, the tip does not count: in
 * a pivot the toes turn about the ball.
 */
function contacts(clip: ReadClip): Contact[] {
  return SIDES.flatMap((side) => {
    const heel = heelPath(clip, side);
    const ball = pathOf(clip, `${side}ToeBase`);
    const tip = pathOf(clip, `${side}Toe_End`);
    const rests = (path: readonly Vec3[], heightCm: number, frame: number): boolean =>
      Math.abs((path[frame]?.[1] ?? 99) - heightCm) < 0.03;
    const onBall = (frame: number): boolean => rests(ball, BALL_HEIGHT_CM, frame);
    const onTip = (frame: number): boolean => !onBall(frame) && rests(tip, TOE_HEIGHT_CM, frame);
    return (
      [
        [`${side} heel`, heel, (frame: number) => rests(heel, 0, frame)],
        [`${side} ball`, ball, onBall],
        [`${side} toe tip`, tip, onTip],
      ] as const
    ).flatMap(([point, path, bears]) =>
      runsWhere(path.length, 5, bears).map(([first, last]) => ({ point, path, first, last })),
    );
  });
}

/** How far a bearing point strays from one place on a floor that moves back at `beltCmPerS`, in this contact. */
function slideCm(clip: ReadClip, { path, first, last }: Contact, beltCmPerS: number): number {
  const places = path
    .slice(first, last + 1)
    .map(([x, , z], index) => [x, z + (beltCmPerS * index) / clip.rateHz] as const);
  const spread = (axis: 0 | 1): number => {
    const values = places.map((place) => place[axis]);
    return Math.max(...values) - Math.min(...values);
  };
  return Math.hypot(spread(0), spread(1));
}

/** Belt speed seen by the left ball half-way through its longest contact. */
function beltSpeed(clip: ReadClip): number {
  const [longest] = contacts(clip)
    .filter(({ point }) => point === "Left ball")
    .sort((a, b) => b.last - b.first - (a.last - a.first));
  if (longest === undefined) throw new Error("no contact");
  const middle = (longest.first + longest.last) >> 1;
  const z = (frame: number): number => longest.path[frame]?.[2] ?? 0;
  return ((z(middle - 1) - z(middle + 1)) * clip.rateHz) / 2;
}

// Shares of the body's mass and places of the segments' centres (share of the way from first to second joint), after
// D. A. Winter, "Biomechanics and Motor Control of Human Movement", table 4.1.
const SEGMENTS: readonly (readonly [from: string, to: string, share: number, centre: number])[] = [
  ["Neck", "HeadTop_End", 0.081, 0.6],
  ["Hips", "Spine1", 0.281, 0.3],
  ["Spine1", "Neck", 0.216, 0.5],
  ...SIDES.flatMap(
    (side) =>
      [
        [`${side}Arm`, `${side}ForeArm`, 0.028, 0.436],
        [`${side}ForeArm`, `${side}Hand`, 0.016, 0.43],
        [`${side}Hand`, `${side}HandMiddle2`, 0.006, 0.506],
        [`${side}UpLeg`, `${side}Leg`, 0.1, 0.433],
        [`${side}Leg`, `${side}Foot`, 0.0465, 0.433],
        [`${side}Foot`, `${side}ToeBase`, 0.0145, 0.5],
      ] as const,
  ),
];

function centreOfMass(clip: ReadClip): Vec3[] {
  const total = SEGMENTS.reduce((sum, [, , share]) => sum + share, 0);
  const paths = SEGMENTS.map(
    ([from, to, share, centre]) =>
      [pathOf(clip, from), pathOf(clip, to), share / total, centre] as const,
  );
  return frames(clip).map((frame) =>
    paths.reduce<Vec3>(
      (sum, [from, to, share, centre]) => {
        const a = from[frame] ?? [0, 0, 0];
        const b = to[frame] ?? [0, 0, 0];
        return add(sum, scale(add(a, scale(subtract(b, a), centre)), share));
      },
      [0, 0, 0],
    ),
  );
}

/** Signed distance of a point to the convex hull of others on the floor; inside is negative. */
function outsideHullCm(
  point: readonly [number, number],
  others: readonly (readonly [number, number])[],
): number {
  // Support function over directions: exact to 1 - cos(0.25°) of the hull's size.
  let worst = Number.NEGATIVE_INFINITY;
  for (let step = 0; step < 720; step += 1) {
    const [dx, dz] = [Math.cos((Math.PI * step) / 360), Math.sin((Math.PI * step) / 360)];
    const reach = Math.max(...others.map(([x, z]) => x * dx + z * dz));
    worst = Math.max(worst, point[0] * dx + point[1] * dz - reach);
  }
  return worst;
}

/** Floor outline of the feet that bear in a frame; soles are 8 cm wide. */
function support(clip: ReadClip, frame: number): (readonly [number, number])[] {
  return SIDES.flatMap((side) => {
    const ankle = indexOf(clip, `${side}Foot`);
    const across = scale(rotate(rotationOf(clip, "worldRotations", frame, ankle), [1, 0, 0]), 4);
    const heel = heelPath(clip, side)[frame];
    const points: [Vec3 | undefined, number][] = [
      [heel, 0],
      [pathOf(clip, `${side}ToeBase`)[frame], BALL_HEIGHT_CM],
      [pathOf(clip, `${side}Toe_End`)[frame], TOE_HEIGHT_CM],
    ];
    return points.flatMap(([point, heightCm]) =>
      point === undefined || point[1] > heightCm + 0.5
        ? []
        : ([
            [point[0] + across[0], point[2] + across[2]],
            [point[0] - across[0], point[2] - across[2]],
          ] as const),
    );
  });
}

describe("the committed files", () => {
  test("are what the generator makes, byte for byte, on every run", async () => {
    const first = builtInClipFiles();
    const second = builtInClipFiles();
    expect([...first.keys()]).toEqual([...FILES]);
    for (const file of FILES) {
      const committed = new Uint8Array(await Bun.file(join(FOLDER, file)).arrayBuffer());
      expect(Bun.SHA256.hash(first.get(file) ?? "", "hex")).toBe(Bun.SHA256.hash(committed, "hex"));
      expect(Bun.SHA256.hash(second.get(file) ?? "", "hex")).toBe(
        Bun.SHA256.hash(committed, "hex"),
      );
    }
  });

  test.each([...FILES])("%s is small enough to embed", async (file) => {
    expect((await stat(join(FOLDER, file))).size).toBeLessThanOrEqual(600_000);
  });

  test("read back as the poses that were meant", () => {
    for (const meant of builtInClips()) {
      const file = FILES.find((name) => name.startsWith(meant.name));
      if (file === undefined) throw new Error(`${meant.name} has no file`);
      const clip = clipOf(file);
      expect(clip.frameCount).toBe(meant.frames.length);
      let worstCm = 0;
      for (const [frame, pose] of meant.frames.entries()) {
        for (const [joint, point] of jointPositionsCm(pose).entries()) {
          worstCm = Math.max(worstCm, length(subtract(point, positionCm(clip, frame, joint))));
        }
      }
      // Three decimals of a degree over six joints and a metre; the reader's float32.
      expect(worstCm).toBeLessThan(0.01);
    }
  });
});

describe.each([...FILES])("%s, the body", (file) => {
  test("is the full humanoid, parents first", () => {
    const { names, parents } = clipOf(file);
    expect(names).toHaveLength(65);
    expect(new Set(names).size).toBe(65);
    expect(parents.every((parent, joint) => parent < joint)).toBe(true);
    expect(parents.filter((parent) => parent < 0)).toHaveLength(1);
    const fingers = ["Thumb", "Index", "Middle", "Ring", "Pinky"].flatMap((finger) =>
      [1, 2, 3].map((bone) => `Hand${finger}${bone}`),
    );
    const limbs = ["Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase"];
    expect(names).toEqual(
      expect.arrayContaining([
        ...["Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"],
        ...SIDES.flatMap((side) => [...limbs, ...fingers].map((name) => `${side}${name}`)),
      ]),
    );
  });

  test("has rigid bones, alike on both sides", () => {
    const clip = clipOf(file);
    for (const [joint, name] of clip.names.entries()) {
      const parent = clip.parents[joint] ?? -1;
      if (parent < 0) continue;
      const lengthsCm = frames(clip).map((frame) =>
        length(subtract(positionCm(clip, frame, joint), positionCm(clip, frame, parent))),
      );
      const [first = 0] = lengthsCm;
      // Float32 world positions, a few metres at most.
      expect(Math.max(...lengthsCm) - Math.min(...lengthsCm)).toBeLessThan(1e-3);
      const twin = clip.names.indexOf(name.replace(/^Left/, "Right"));
      const twinParent = clip.parents[twin] ?? 0;
      const twinCm = length(subtract(positionCm(clip, 0, twin), positionCm(clip, 0, twinParent)));
      expect(Math.abs(twinCm - first)).toBeLessThan(1e-3);
    }
  });

  test("never sinks into the floor", () => {
    const clip = clipOf(file);
    for (const side of SIDES) {
      const lowest = (path: readonly Vec3[]): number => Math.min(...path.map(([, y]) => y));
      expect(lowest(heelPath(clip, side))).toBeGreaterThan(-0.02);
      expect(lowest(pathOf(clip, `${side}ToeBase`))).toBeGreaterThan(BALL_HEIGHT_CM - 0.02);
      expect(lowest(pathOf(clip, `${side}Toe_End`))).toBeGreaterThan(TOE_HEIGHT_CM - 0.02);
    }
  });

  test("does not slide where a foot bears", () => {
    const clip = clipOf(file);
    const isGait = file === "walk.bvh" || file === "run.bvh";
    const belt = isGait ? beltSpeed(clip) : 0;
    const found = contacts(clip);
    // Both feet bear, in every cycle.
    expect(found.filter(({ point }) => point.startsWith("Left")).length).toBeGreaterThan(1);
    expect(found.filter(({ point }) => point.startsWith("Right")).length).toBeGreaterThan(1);
    for (const contact of found) expect(slideCm(clip, contact, belt)).toBeLessThan(0.5);
  });

  test("keeps knees and elbows hinges that bend one way", () => {
    const clip = clipOf(file);
    for (const side of SIDES) {
      const knee = indexOf(clip, `${side}Leg`);
      const elbow = indexOf(clip, `${side}ForeArm`);
      const outwards = side === "Left" ? 1 : -1;
      for (const frame of frames(clip)) {
        const [x, y, z, w] = rotationOf(clip, "localRotations", frame, knee);
        expect(Math.hypot(y, z)).toBeLessThan(1e-4);
        const kneeDeg = degrees(2 * Math.atan2(x * Math.sign(w), Math.abs(w)));
        expect(kneeDeg).toBeGreaterThan(2);
        expect(kneeDeg).toBeLessThan(140);
        const forearm = rotate(rotationOf(clip, "localRotations", frame, elbow), [outwards, 0, 0]);
        expect(Math.abs(forearm[1])).toBeLessThan(1e-4);
        const elbowDeg = degrees(Math.atan2(forearm[2], forearm[0] * outwards));
        expect(elbowDeg).toBeGreaterThan(2);
        expect(elbowDeg).toBeLessThan(145);
      }
    }
  });

  // Ranges of motion of the American Academy of Orthopaedic Surgeons (1965), widened where a joint here stands for several: the ankle under
  // load, neck and head together, wrist with the forearm's turn.
  test("stays within the ranges of its other joints", () => {
    const clip = clipOf(file);
    const between = (joint: string, from: number, to: number, of: (q: Quat) => number): void => {
      const index = indexOf(clip, joint);
      for (const frame of frames(clip)) {
        const angle = of(rotationOf(clip, "localRotations", frame, index));
        if (!(angle >= from && angle <= to)) {
          throw new Error(`${joint} frame ${frame}: ${angle.toFixed(1)}° not in ${from}…${to}°`);
        }
      }
    };
    const pitch = (q: Quat): number => {
      const forward = rotate(q, [0, 0, 1]);
      return degrees(Math.asin(forward[1]));
    };
    for (const side of SIDES) {
      const inwards = side === "Left" ? -1 : 1;
      const bone: Vec3 = [-inwards, 0, 0];
      // The thigh's direction in the pelvis: to the front, to the outside.
      between(`${side}UpLeg`, -30, 110, (q) => {
        const down = rotate(q, [0, -1, 0]);
        return degrees(Math.atan2(down[2], -down[1]));
      });
      between(
        `${side}UpLeg`,
        -25,
        45,
        (q) => -inwards * degrees(Math.asin(rotate(q, [0, -1, 0])[0])),
      );
      between(`${side}Foot`, -50, 35, pitch);
      between(`${side}ToeBase`, -5, 65, pitch);
      between(`${side}Shoulder`, 0, 40, (q) => angleBetween(rotate(q, bone), bone));
      between(`${side}Hand`, 0, 75, (q) => angleBetween(rotate(q, bone), bone));
      for (const finger of ["Index", "Middle", "Ring", "Pinky"]) {
        for (const phalanx of [1, 2, 3]) {
          between(
            `${side}Hand${finger}${phalanx}`,
            -10,
            100,
            (q) => -degrees(Math.asin(rotate(q, bone)[1])),
          );
        }
      }
    }
    for (const joint of ["Spine", "Spine1", "Spine2"]) between(joint, 0, 20, angleOf);
    for (const joint of ["Neck", "Head"]) between(joint, 0, 45, angleOf);
  });

  test("has no pop: angular velocity and its change from frame to frame are bounded", () => {
    const clip = clipOf(file);
    for (const joint of clip.names.keys()) {
      let before: Vec3 | undefined;
      for (let frame = 1; frame < clip.frameCount; frame += 1) {
        const a = rotationOf(clip, "localRotations", frame - 1, joint);
        const b = rotationOf(clip, "localRotations", frame, joint);
        const [x, y, z, w] = multiply(inverse(a), b);
        const turned: Vec3 = scale([x, y, z], degrees(2 * Math.sign(w)) * clip.rateHz);
        // A runner's knee reaches 900°/s (Novacheck 1998); a foot's strike is the hardest change.
        expect(length(turned)).toBeLessThan(1100);
        if (before !== undefined) expect(length(subtract(turned, before))).toBeLessThan(330);
        before = turned;
      }
    }
  });

  test("loops without a seam in place or speed", () => {
    const clip = clipOf(file);
    const last = clip.frameCount - 1;
    for (const joint of clip.names.keys()) {
      const at = (frame: number): Vec3 => positionCm(clip, frame, joint);
      expect(length(subtract(at(last), at(0)))).toBeLessThan(0.02);
      const into = subtract(at(last), at(last - 1));
      const out = subtract(at(1), at(0));
      const jump = length(subtract(out, into));
      // No larger than the changes of speed that the joint makes anywhere in the clip.
      let usual = 0;
      for (let frame = 1; frame < last; frame += 1) {
        const change = subtract(
          subtract(at(frame + 1), at(frame)),
          subtract(at(frame), at(frame - 1)),
        );
        usual = Math.max(usual, length(change));
      }
      expect(jump).toBeLessThanOrEqual(usual + 0.01);
    }
  });
});

describe("the walk", () => {
  const CYCLES = 4;

  function cycleFrames(clip: ReadClip): number {
    return (clip.frameCount - 1) / CYCLES;
  }

  test("is the same on both sides, half a cycle apart", () => {
    const clip = clipOf("walk.bvh");
    const half = cycleFrames(clip) / 2;
    for (const [joint, name] of clip.names.entries()) {
      if (!name.startsWith("Left")) continue;
      const twin = indexOf(clip, name.replace("Left", "Right"));
      // Legs follow one table; arms and hands are each a little irregular.
      const toleranceCm = /UpLeg|Leg|Foot|Toe/.test(name) ? 0.05 : 2.5;
      for (let frame = 0; frame + half < clip.frameCount; frame += 1) {
        const [x, y, z] = positionCm(clip, frame, joint);
        const mirrored = positionCm(clip, frame + half, twin);
        expect(length(subtract(mirrored, [-x, y, z]))).toBeLessThan(toleranceCm);
      }
    }
  });

  /** One cycle from the strike of the left heel, in hundredths. */
  function leftCycle(clip: ReadClip, values: readonly number[]): number[] {
    const count = cycleFrames(clip);
    const heel = heelPath(clip, "Left");
    const strike = frames(clip).find(
      (frame) => frame > 0 && (heel[frame]?.[1] ?? 9) < 0.03 && (heel[frame - 1]?.[1] ?? 0) >= 0.03,
    );
    if (strike === undefined) throw new Error("the heel never strikes");
    return Array.from({ length: 100 }, (_, percent) => {
      const place = strike + (percent * count) / 100;
      const low = Math.floor(place);
      const share = place - low;
      const value = (frame: number): number => values[frame % (clip.frameCount - 1)] ?? 0;
      return value(low) * (1 - share) + value(low + 1) * share;
    });
  }

  // Landmarks with their spread of two standard deviations: D. A. Winter, "The Biomechanics and Motor Control of Human Gait" (1991), and
  // J. Perry, "Gait Analysis" (1992).
  test("bends its knee as people do", () => {
    const clip = clipOf("walk.bvh");
    const knee = leftCycle(clip, kneeFlexion(clip, "Left"));
    const greatest = (from: number, to: number): number => Math.max(...knee.slice(from, to));
    expect(knee[0]).toBeWithin(0, 12);
    expect(greatest(8, 22)).toBeWithin(12, 25);
    expect(Math.min(...knee.slice(30, 48))).toBeWithin(2, 12);
    expect(greatest(62, 82)).toBeWithin(57, 71);
    expect(knee.indexOf(greatest(0, 100))).toBeWithin(68, 77);
  });

  test("swings its thigh and lifts its foot as people do", () => {
    const clip = clipOf("walk.bvh");
    const hip = pathOf(clip, "LeftUpLeg");
    const thigh = leftCycle(
      clip,
      pathOf(clip, "LeftLeg").map((knee, frame) => {
        const [, y, z] = subtract(knee, hip[frame] ?? knee);
        return degrees(Math.atan2(z, -y));
      }),
    );
    expect(Math.max(...thigh)).toBeWithin(17, 30);
    expect(Math.min(...thigh)).toBeWithin(-20, -8);
    expect(thigh.indexOf(Math.min(...thigh))).toBeWithin(46, 58);
    const toe = leftCycle(
      clip,
      pathOf(clip, "LeftToe_End").map(([, y]) => y - TOE_HEIGHT_CM),
    );
    // Winter (1991): the toe clears the ground by 0.6 to 2.5 cm in mid-swing.
    expect(Math.min(...toe.slice(74, 88))).toBeWithin(0.6, 3);
  });

  test("carries its weight between its feet and over the bearing one", () => {
    const clip = clipOf("walk.bvh");
    const mass = centreOfMass(clip);
    const left = pathOf(clip, "LeftFoot");
    const right = pathOf(clip, "RightFoot");
    for (const frame of frames(clip)) {
      const [x] = mass[frame] ?? [99, 0, 0];
      expect(x).toBeGreaterThan(right[frame]?.[0] ?? 0);
      expect(x).toBeLessThan(left[frame]?.[0] ?? 0);
    }
    const heights = mass.map(([, y]) => y);
    // Rises and falls by 2 to 5 cm at this speed (Saunders et al. 1953; Gard et al. 2004).
    expect(Math.max(...heights) - Math.min(...heights)).toBeWithin(2, 5);
  });

  test("keeps its head stiller than its hips", () => {
    const clip = clipOf("walk.bvh");
    const yawOf = (name: string): number => {
      const joint = indexOf(clip, name);
      const yaws = frames(clip).map((frame) => {
        const [x, , z] = rotate(rotationOf(clip, "worldRotations", frame, joint), [0, 0, 1]);
        return degrees(Math.atan2(x, z));
      });
      return Math.max(...yaws) - Math.min(...yaws);
    };
    expect(yawOf("Head")).toBeLessThan(0.6 * yawOf("Hips"));
  });

  const capture = "animation/bvh/07_01.bvh";
  testWith([{ data: capture }], "has the knee of a captured walker", async () => {
    const human = await readClip(requiredData(capture));
    /** Mean cycle between greatest flexions, in hundredths. */
    const meanCycle = (clip: ReadClip, side: Side): number[] => {
      const knee = kneeFlexion(clip, side);
      const reach = Math.round(clip.rateHz / 3);
      const peaks = knee.flatMap((value, frame) =>
        frame > 0 &&
        frame < knee.length - 1 &&
        value > 45 &&
        value === Math.max(...knee.slice(Math.max(0, frame - reach), frame + reach + 1))
          ? [frame]
          : [],
      );
      expect(peaks.length).toBeGreaterThan(1);
      return Array.from({ length: 100 }, (_, percent) => {
        const samples = peaks.slice(1).map((next, index) => {
          const from = peaks[index] ?? 0;
          return knee[Math.round(from + ((next - from) * percent) / 100)] ?? 0;
        });
        return samples.reduce((sum, value) => sum + value, 0) / samples.length;
      });
    };
    const ours = meanCycle(clipOf("walk.bvh"), "Left");
    const [left = [], right = []] = SIDES.map((side) => meanCycle(human, side));
    const theirs = left.map((value, at) => (value + (right[at] ?? value)) / 2);
    // The capture's skeleton has a zero of its own (its push-off reads 0°), so shapes are compared and not angles: the range, and the second,
    // smaller flexion that takes the weight after the swing. Tolerances are two standard deviations between healthy subjects (Winter 1991).
    const range = (row: readonly number[]): number => Math.max(...row) - Math.min(...row);
    const loading = (row: readonly number[]): { at: number; size: number } => {
      const greatest = Math.max(...row.slice(25, 55));
      const before = Math.min(...row.slice(10, row.indexOf(greatest, 25)));
      return { at: row.indexOf(greatest, 25), size: greatest - before };
    };
    expect(Math.abs(range(ours) - range(theirs))).toBeLessThan(15);
    expect(Math.abs(loading(ours).at - loading(theirs).at)).toBeLessThan(8);
    expect(Math.abs(loading(ours).size - loading(theirs).size)).toBeLessThan(8);
  });
});

describe("the run", () => {
  test("flies between steps, in free fall", () => {
    const clip = clipOf("run.bvh");
    const hips = pathOf(clip, "Hips");
    const feet = SIDES.flatMap((side) => [
      heelPath(clip, side),
      pathOf(clip, `${side}ToeBase`).map(([x, y, z]): Vec3 => [x, y - BALL_HEIGHT_CM, z]),
      pathOf(clip, `${side}Toe_End`).map(([x, y, z]): Vec3 => [x, y - TOE_HEIGHT_CM, z]),
    ]);
    const flights = runsWhere(clip.frameCount, 4, (frame) =>
      feet.every((path) => (path[frame]?.[1] ?? 0) > 0.05),
    );
    // Eight steps.
    expect(flights.length).toBeGreaterThanOrEqual(7);
    for (const [first, last] of flights) {
      for (let frame = first + 1; frame < last; frame += 1) {
        const y = (at: number): number => hips[at]?.[1] ?? 0;
        const fall = (y(frame + 1) - 2 * y(frame) + y(frame - 1)) * clip.rateHz ** 2;
        // Three decimals in the file make ±7 cm/s² of the second difference.
        expect(fall).toBeWithin(-990, -972);
      }
    }
  });

  test("lifts its knee, bends its elbow and leans as joggers do", () => {
    const clip = clipOf("run.bvh");
    const knee = kneeFlexion(clip, "Left");
    expect(Math.max(...knee)).toBeWithin(80, 110);
    const elbow = indexOf(clip, "LeftForeArm");
    const bends = frames(clip).map((frame) =>
      angleBetween(rotate(rotationOf(clip, "localRotations", frame, elbow), [1, 0, 0]), [1, 0, 0]),
    );
    expect(bends.reduce((sum, value) => sum + value, 0) / bends.length).toBeWithin(80, 105);
    const neck = pathOf(clip, "Neck");
    const leans = pathOf(clip, "Hips").map((hips, frame) => {
      const [, y, z] = subtract(neck[frame] ?? hips, hips);
      return degrees(Math.atan2(z, y));
    });
    expect(leans.reduce((sum, value) => sum + value, 0) / leans.length).toBeWithin(3, 13);
  });
});

describe("the greeting", () => {
  test("stands: its centre of mass stays over its feet", () => {
    const clip = clipOf("wave.bvh");
    const mass = centreOfMass(clip);
    const outline = support(clip, 0);
    for (const [x, , z] of mass) expect(outsideHullCm([x, z], outline)).toBeLessThan(-2);
  });

  test("waves the right hand at the height of the head, four strokes or more", () => {
    const clip = clipOf("wave.bvh");
    const hand = pathOf(clip, "RightHandMiddle1");
    const head = pathOf(clip, "Head");
    const up = frames(clip).filter((frame) => (hand[frame]?.[1] ?? 0) > (head[frame]?.[1] ?? 999));
    expect(up.length / clip.rateHz).toBeGreaterThan(1.5);
    const xs = up.map((frame) => hand[frame]?.[0] ?? 0);
    const turns = xs.filter((x, at) => {
      const [before, after] = [xs[at - 1], xs[at + 1]];
      return before !== undefined && after !== undefined && (x - before) * (after - x) < 0;
    });
    expect(turns.length).toBeGreaterThanOrEqual(7);
    expect(Math.max(...xs) - Math.min(...xs)).toBeGreaterThan(12);
  });
});

describe("the dance", () => {
  test("keeps time: both feet come down on beats at 112.5 a minute", () => {
    const clip = clipOf("dance.glb");
    const beatFrames = (60 / 112.5) * clip.rateHz;
    expect((clip.frameCount - 1) / beatFrames).toBeCloseTo(16, 4);
    const strikes = SIDES.flatMap((side) =>
      runsWhere(
        clip.frameCount,
        3,
        (frame) => (pathOf(clip, `${side}ToeBase`)[frame]?.[1] ?? 0) > BALL_HEIGHT_CM + 0.3,
      ).map(([, last]) => (last + 1) / beatFrames),
    );
    expect(strikes.length).toBeGreaterThanOrEqual(12);
    // On the count or up to 0.3 of a beat (0.16 s) before it: a foot lands, then takes the weight on the count.
    for (const strike of strikes) expect(Math.ceil(strike) - strike).toBeLessThan(0.3);
  });

  test("turns once around and faces the front again", () => {
    const clip = clipOf("dance.glb");
    const hips = indexOf(clip, "Hips");
    let turned = 0;
    let before = 0;
    for (const frame of frames(clip)) {
      const [x, , z] = rotate(rotationOf(clip, "worldRotations", frame, hips), [0, 0, 1]);
      const yaw = degrees(Math.atan2(x, z));
      if (frame > 0) turned += ((yaw - before + 540) % 360) - 180;
      before = yaw;
    }
    expect(turned).toBeCloseTo(-360, 1);
  });

  test("is in balance whenever it is slow", () => {
    const clip = clipOf("dance.glb");
    const mass = centreOfMass(clip);
    let checked = 0;
    for (let frame = 1; frame + 1 < clip.frameCount; frame += 1) {
      const [ax, , az] = mass[frame - 1] ?? [0, 0, 0];
      const [bx, , bz] = mass[frame + 1] ?? [0, 0, 0];
      const speed = (Math.hypot(bx - ax, bz - az) * clip.rateHz) / 2;
      if (speed > 15) continue;
      checked += 1;
      const [x, , z] = mass[frame] ?? [0, 0, 0];
      expect(outsideHullCm([x, z], support(clip, frame))).toBeLessThan(4);
    }
    expect(checked).toBeGreaterThan(40);
  });
});
