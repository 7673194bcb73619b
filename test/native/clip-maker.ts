/** Clip blocks for tests of src/native, written by this file's own reading of soma.h: it shares no code with what it tests. */

export interface TestTrack {
  readonly kind: "constant" | "step" | "linear" | "cubic";
  /** Rows of 3 or 4 numbers; for cubic three rows a key: in-tangent, value, out-tangent. */
  readonly values: readonly (readonly number[])[];
  /** Uneven key times in seconds; otherwise the keys are uniform. */
  readonly timesS?: readonly number[];
  readonly startS?: number;
  readonly stepS?: number;
  readonly wraps?: boolean;
}

export interface TestJoint {
  readonly parent: number;
  readonly translation: TestTrack;
  readonly rotation: TestTrack;
  readonly scale: TestTrack;
}

export interface TestClip {
  readonly startS: number;
  readonly endS: number;
  readonly wrapS: number;
  readonly joints: readonly TestJoint[];
}

export function tracksOf(joint: TestJoint): readonly [TestTrack, TestTrack, TestTrack] {
  return [joint.translation, joint.rotation, joint.scale];
}

export function keyCount(track: TestTrack): number {
  return track.kind === "cubic" ? track.values.length / 3 : track.values.length;
}

export function clipBlock(clip: TestClip): SharedArrayBuffer {
  const joints = clip.joints.length;
  const tracks = clip.joints.flatMap(tracksOf);
  const parentsAt = 64;
  const tracksAt = parentsAt + Math.ceil((joints * 4) / 8) * 8;
  const numbers: number[] = [];
  let end = tracksAt + tracks.length * 40;
  const place = (values: readonly number[]): number => {
    const at = end;
    numbers.push(...values);
    end += values.length * 4;
    return at;
  };
  const placed = tracks.map((track) => ({
    track,
    timesAt: track.timesS ? place(track.timesS) : 0,
    valuesAt: place(track.values.flat()),
  }));
  const block = new SharedArrayBuffer(Math.ceil(end / 8) * 8);
  const view = new DataView(block);
  const words = [0x50494c43, 1, joints, 0, block.byteLength, 0, parentsAt, tracksAt];
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word, true);
  view.setFloat64(32, clip.startS, true);
  view.setFloat64(40, clip.endS, true);
  view.setFloat64(48, clip.wrapS, true);
  for (const [index, joint] of clip.joints.entries())
    view.setInt32(parentsAt + index * 4, joint.parent, true);
  for (const [index, { track, timesAt, valuesAt }] of placed.entries()) {
    const at = tracksAt + index * 40;
    view.setUint32(at, ["constant", "step", "linear", "cubic"].indexOf(track.kind), true);
    view.setUint32(at + 4, keyCount(track), true);
    view.setUint32(at + 8, timesAt, true);
    view.setUint32(at + 12, valuesAt, true);
    view.setFloat64(at + 16, track.startS ?? 0, true);
    view.setFloat64(at + 24, track.stepS ?? 0, true);
    view.setUint32(at + 32, track.wraps ? 1 : 0, true);
  }
  new Float32Array(block, tracksAt + tracks.length * 40, numbers.length).set(numbers);
  return block;
}

/** mulberry32: seeded, the same on every machine. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function randomRotation(random: () => number, length: number): number[] {
  for (;;) {
    const q = Array.from({ length: 4 }, () => random() * 2 - 1);
    const norm = Math.hypot(...q);
    if (norm > 0.2 && norm < 1) return q.map((v) => (v / norm) * length);
  }
}

/** Near neighbours of the row before, as captures have them. */
function nearby(row: readonly number[], random: () => number, spread: number): number[] {
  return row.map((v) => v + (random() - 0.5) * spread);
}

function randomTrack(width: number, random: () => number, wraps: boolean): TestTrack {
  const kind =
    (["constant", "step", "linear", "linear", "cubic"] as const)[Math.floor(random() * 5)] ??
    "linear";
  const keys = kind === "constant" ? 1 : 1 + Math.floor(random() * 6);
  const spread = [4, 0.1, 1e-4, 0][Math.floor(random() * 4)] ?? 4;
  const length = random() < 0.3 ? 0.5 + random() * 1.5 : 1;
  const values: number[][] = [];
  let row =
    width === 4
      ? randomRotation(random, length)
      : Array.from({ length: width }, () => random() * 6 - 3);
  for (let key = 0; key < keys; key++) {
    const tangent = (): number[] => Array.from({ length: width }, () => random() * 4 - 2);
    if (kind === "cubic") values.push(tangent());
    values.push(row.map(Math.fround));
    if (kind === "cubic") values.push(tangent());
    row =
      spread === 4 && width === 4 ? randomRotation(random, length) : nearby(row, random, spread);
    if (width === 4 && random() < 0.2) row = row.map((v) => -v);
  }
  const rows = values.map((numbers) => numbers.map(Math.fround));
  if (kind === "constant") return { kind, values: rows };
  if (random() < 0.4) {
    let time = random() - 1;
    const timesS = Array.from({ length: keys }, () => Math.fround((time += 0.01 + random() * 0.5)));
    return { kind, values: rows, timesS };
  }
  return {
    kind,
    values: rows,
    startS: random() - 0.5,
    stepS: 0.01 + random() * 0.5,
    wraps: wraps && random() < 0.5,
  };
}

/** A valid clip with every kind of track, keys far apart and close together, and quaternions of either sign. */
export function randomClip(random: () => number, joints: number): TestClip {
  const startS = random() - 0.5;
  const endS = startS + random() * 2;
  const wraps = random() < 0.5;
  return {
    startS,
    endS,
    wrapS: wraps ? endS - startS + 0.01 + random() * 0.5 : 0,
    joints: Array.from({ length: joints }, (_, index) => ({
      parent: Math.floor(random() * (index + 1)) - 1,
      translation: randomTrack(3, random, wraps),
      rotation: randomTrack(4, random, wraps),
      scale: randomTrack(3, random, wraps),
    })),
  };
}

/** What a capture looks like: `joints` joints, rotations at 120 Hz, the root moves, everything else is constant. */
export function captureClip(joints: number, frames: number): TestClip {
  const random = randomSource(joints * 31 + frames);
  const stepS = 1 / 120;
  const uniform = { startS: 0, stepS, wraps: true };
  const still: TestTrack = { kind: "constant", values: [[1, 1, 1]] };
  return {
    startS: 0,
    endS: (frames - 1) * stepS,
    wrapS: frames * stepS,
    joints: Array.from({ length: joints }, (_, index) => {
      const axis = randomRotation(random, 1).slice(0, 3);
      const norm = Math.hypot(...axis);
      const speed = random() * 4;
      const rotations = Array.from({ length: frames }, (_, frame) => {
        const half = Math.sin(speed * frame * stepS) * 0.6;
        return [...axis.map((v) => (v / norm) * Math.sin(half)), Math.cos(half)].map(Math.fround);
      });
      const walk = Array.from({ length: frames }, (_, frame) =>
        [frame * 0.5, 90 + Math.sin(frame / 9), 0].map(Math.fround),
      );
      const offset = [random() * 20, random() * 20, 0].map(Math.fround);
      return {
        parent: index === 0 ? -1 : index % 5 === 1 ? 0 : index - 1,
        translation:
          index === 0
            ? { kind: "linear", values: walk, ...uniform }
            : { kind: "constant", values: [offset] },
        rotation: { kind: "linear", values: rotations, ...uniform },
        scale: still,
      };
    }),
  };
}
