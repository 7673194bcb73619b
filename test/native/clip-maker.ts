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
  /** Linear, with the times that all tracks in lanes have. */
  readonly shared?: boolean;
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
  /** Joints of each group, rising. All else is sampled track by track. */
  readonly groups?: readonly (readonly number[])[];
}

export function tracksOf(joint: TestJoint): readonly [TestTrack, TestTrack, TestTrack] {
  return [joint.translation, joint.rotation, joint.scale];
}

export function keyCount(track: TestTrack): number {
  return track.kind === "cubic" ? track.values.length / 3 : track.values.length;
}

interface LanePlace {
  readonly at: number;
  readonly moves: boolean;
}

/** The three tracks of a group's property as their lanes hold them. */
interface GroupProperty {
  readonly tracks: readonly TestTrack[];
  readonly moves: boolean;
  /** Lanes that are not there after all. */
  readonly apart: number;
  /** Scales of one are left out. */
  readonly absent: boolean;
}

function groupProperty(clip: TestClip, joints: readonly number[], property: number): GroupProperty {
  const tracks = joints.map((joint) => {
    const found = clip.joints[joint];
    const track = found && tracksOf(found)[property];
    if (!track) throw new Error(`no joint ${joint}`);
    return track;
  });
  const isOdd = (track: TestTrack): boolean => track.kind !== "constant" && track.shared !== true;
  const hasOdd = tracks.some(isOdd);
  if (hasOdd && property !== 0) throw new Error("only translations may be apart");
  return {
    tracks,
    moves: !hasOdd && tracks.some(({ shared }) => shared),
    apart: hasOdd
      ? tracks.reduce((bits, { kind }, lane) => bits | (kind === "constant" ? 0 : 1 << lane), 0)
      : 0,
    absent:
      property === 2 &&
      tracks.every(({ kind, values }) => kind === "constant" && values[0]?.every((v) => v === 1)),
  };
}

/** One part of the block after another; parts are filled once all are placed. */
class Parts {
  readonly fills: ((view: DataView) => void)[] = [];
  end: number;

  constructor(end: number) {
    this.end = end;
  }

  numbers(values: readonly number[]): number {
    const at = this.end;
    this.fills.push((view) => {
      for (const [index, value] of values.entries()) view.setFloat32(at + index * 4, value, true);
    });
    this.end += values.length * 4;
    return at;
  }

  words(values: readonly number[]): number {
    const at = this.end;
    this.fills.push((view) => {
      for (const [index, value] of values.entries()) view.setUint32(at + index * 4, value, true);
    });
    this.end += values.length * 4;
    return at;
  }

  doubles(at: number, values: readonly number[]): void {
    this.fills.push((view) => {
      for (const [index, value] of values.entries()) view.setFloat64(at + index * 8, value, true);
    });
  }
}

/** A constant is repeated; a lane in no use holds what would show if it were used. */
function laneValue(track: TestTrack | undefined, key: number, component: number): number {
  if (!track) return Number.NaN;
  return (track.values[key] ?? track.values[0])?.[component] ?? 0;
}

/** Lanes, groups and rest; answers where each track is, and where soma_lanes is. */
function putLanes(parts: Parts, clip: TestClip): { at: number; places: Map<number, LanePlace> } {
  const places = new Map<number, LanePlace>();
  const groups = clip.groups ?? [];
  const shared = clip.joints.flatMap(tracksOf).find((track) => track.shared);
  if (groups.length === 0 || !shared) return { at: 0, places };
  const keys = keyCount(shared);
  const all = groups.map((joints) =>
    [0, 1, 2].map((property) => groupProperty(clip, joints, property)),
  );
  const keyNumbers = all
    .flat()
    .reduce(
      (sum, { moves, tracks }) => sum + (moves ? 8 * (tracks[0]?.values[0]?.length ?? 0) : 0),
      0,
    );
  const rows = Array.from({ length: keys }, () => [] as number[]);
  const stillAt = parts.end;
  const still: number[] = [];
  const offsets: { moves: boolean; at: number }[][] = [];
  for (const properties of all) {
    const own: { moves: boolean; at: number }[] = [];
    for (const { tracks, moves, absent } of properties) {
      const width = tracks[0]?.values[0]?.length ?? 0;
      const into = moves ? rows : [still];
      own.push({ moves, at: absent ? -1 : (into[0]?.length ?? 0) * 4 });
      if (absent) continue;
      for (const [key, row] of into.entries())
        for (let i = 0; i < width; i++)
          for (let lane = 0; lane < 8; lane++) row.push(laneValue(tracks[lane], key, i));
    }
    offsets.push(own);
  }
  parts.numbers(still);
  const rowsAt = parts.numbers(rows.flat());
  const records = groups.flatMap((joints, index) => {
    const own = offsets[index] ?? [];
    const lanesAt = own.map(({ moves, at }) => (at < 0 ? 0 : (moves ? rowsAt : stillAt) + at));
    const apart = all[index]?.[0]?.apart ?? 0;
    for (const [lane, joint] of joints.entries())
      for (const [property, { moves, at }] of own.entries())
        if (at >= 0 && !(property === 0 && apart & (1 << lane)))
          places.set(joint * 3 + property, { at: (lanesAt[property] ?? 0) + lane * 4, moves });
    const moving = own.reduce((bits, { moves }, property) => bits | (moves ? 1 << property : 0), 0);
    const lanes = Array.from({ length: 8 }, (_, lane) => joints[lane] ?? 0xffff_ffff);
    return [...lanes, joints.length, moving, apart, ...lanesAt];
  });
  const groupsAt = parts.words(records);
  const grouped = new Set(groups.flat());
  const rest = [...clip.joints.keys()].filter((joint) => !grouped.has(joint));
  const restAt = parts.words(rest);
  const timesAt = shared.timesS ? parts.numbers(shared.timesS) : 0;
  parts.end = Math.ceil(parts.end / 8) * 8;
  const wraps = shared.wraps ? 1 : 0;
  const timing = [2, keys, timesAt, 0, 0, 0, 0, 0, wraps, 0];
  const at = parts.words([
    ...timing,
    keyNumbers * 4,
    groups.length,
    groupsAt,
    rest.length,
    restAt,
    0,
  ]);
  parts.doubles(at + 16, [shared.startS ?? 0, shared.stepS ?? 0]);
  return { at, places };
}

export function clipBlock(clip: TestClip): SharedArrayBuffer {
  const joints = clip.joints.length;
  const tracks = clip.joints.flatMap(tracksOf);
  const parentsAt = 64;
  const tracksAt = parentsAt + Math.ceil((joints * 4) / 8) * 8;
  const parts = new Parts(tracksAt + tracks.length * 40);
  const lanes = putLanes(parts, clip);
  const timingOfLanes = tracks.find(({ shared }) => shared);
  const records = tracks.map((track, index) => {
    const lane = lanes.places.get(index);
    const timed = lane?.moves ? timingOfLanes : track;
    const isConstant = lane ? !lane.moves : track.kind === "constant";
    return { track, lane, timed: isConstant ? undefined : timed };
  });
  const timesOf = new Map<readonly number[], number>();
  const placed = records.map(({ track, lane, timed }) => {
    const timesS = timed?.timesS;
    if (timesS && !timesOf.has(timesS)) timesOf.set(timesS, parts.numbers(timesS));
    return {
      kind: timed ? ["constant", "step", "linear", "cubic"].indexOf(timed.kind) : 0,
      keys: timed ? keyCount(timed) : 1,
      timesAt: timesS ? (timesOf.get(timesS) ?? 0) : 0,
      valuesAt: lane ? lane.at : parts.numbers(track.values.flat()),
      startS: timed?.startS ?? 0,
      stepS: timed?.stepS ?? 0,
      flags: (timed?.wraps ? 1 : 0) | (lane ? 2 : 0),
    };
  });
  const block = new SharedArrayBuffer(Math.ceil(parts.end / 8) * 8);
  const view = new DataView(block);
  for (const fill of parts.fills) fill(view);
  // The timing of the lanes lists the same times as the tracks in them.
  if (lanes.at > 0 && timingOfLanes?.timesS)
    view.setUint32(
      lanes.at + 8,
      timesOf.get(timingOfLanes.timesS) ?? view.getUint32(lanes.at + 8, true),
      true,
    );
  const words = [0x50494c43, 2, joints, 0, block.byteLength, 0, parentsAt, tracksAt];
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word, true);
  view.setFloat64(32, clip.startS, true);
  view.setFloat64(40, clip.endS, true);
  view.setFloat64(48, clip.wrapS, true);
  view.setUint32(56, lanes.at, true);
  for (const [index, joint] of clip.joints.entries())
    view.setInt32(parentsAt + index * 4, joint.parent, true);
  for (const [index, track] of placed.entries()) {
    const at = tracksAt + index * 40;
    const head = [track.kind, track.keys, track.timesAt, track.valuesAt];
    for (const [i, word] of head.entries()) view.setUint32(at + i * 4, word, true);
    view.setFloat64(at + 16, track.startS, true);
    view.setFloat64(at + 24, track.stepS, true);
    view.setUint32(at + 32, track.flags, true);
  }
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

/** A linear track with the times of all lanes; rotations are unit but for float32 rounding. */
function sharedTrack(
  width: number,
  random: () => number,
  times: Partial<TestTrack>,
  keys: number,
): TestTrack {
  const spread = [4, 0.1, 1e-4, 0][Math.floor(random() * 4)] ?? 4;
  const unit = (row: readonly number[]): number[] => row.map((v) => v / Math.hypot(...row));
  const values: number[][] = [];
  let row =
    width === 4 ? randomRotation(random, 1) : Array.from({ length: width }, () => random() * 6 - 3);
  for (let key = 0; key < keys; key++) {
    values.push(row.map(Math.fround));
    row = spread === 4 && width === 4 ? randomRotation(random, 1) : nearby(row, random, spread);
    if (width === 4) row = unit(random() < 0.2 ? row.map((v) => -v) : row);
  }
  return { kind: "linear", values, shared: true, ...times };
}

/** Joints that fit into lanes, with some that do not between them. */
function randomLanes(random: () => number, clip: TestClip, wraps: boolean): TestClip {
  const keys = 1 + Math.floor(random() * 6);
  let time = random() - 1;
  const times: Partial<TestTrack> =
    random() < 0.3
      ? { timesS: Array.from({ length: keys }, () => Math.fround((time += 0.01 + random() * 0.5))) }
      : { startS: random() - 0.5, stepS: 0.01 + random() * 0.5, wraps: wraps && random() < 0.7 };
  const track = (width: number, moving: number): TestTrack => {
    if (random() < moving) return sharedTrack(width, random, times, keys);
    const value =
      width === 4 ? randomRotation(random, 1) : [random() * 6 - 3, random() * 6 - 3, random()];
    return { kind: "constant", values: [value.map(Math.fround)] };
  };
  const one: TestTrack = { kind: "constant", values: [[1, 1, 1]] };
  const moving = random();
  const inLanes: number[] = [];
  const joints = clip.joints.map((joint, index) => {
    if (random() < 0.2) return joint;
    inLanes.push(index);
    return {
      parent: joint.parent,
      translation: random() < 0.1 ? joint.translation : track(3, moving * 0.6),
      rotation: track(4, 0.2 + moving * 0.8),
      scale: random() < 0.7 ? one : track(3, moving * 0.5),
    };
  });
  const groups: number[][] = [];
  // In their order, so that groups of eight in a row occur, or mixed.
  if (random() < 0.5) inLanes.sort(() => random() - 0.5);
  while (inLanes.length > 0) {
    const size = random() < 0.6 ? 8 : 1 + Math.floor(random() * 8);
    groups.push(inLanes.splice(0, size).sort((a, b) => a - b));
  }
  return { ...clip, joints, groups };
}

/** A valid clip with every kind of track, keys far apart and close together, and quaternions of either sign; half of them with lanes. */
export function randomClip(random: () => number, joints: number): TestClip {
  const startS = random() - 0.5;
  const endS = startS + random() * 2;
  const wraps = random() < 0.5;
  const clip: TestClip = {
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
  return random() < 0.5 ? clip : randomLanes(random, clip, wraps);
}

/** The clip with all joints in lanes, eight by eight. */
export function inLanes(clip: TestClip): TestClip {
  const indices = [...clip.joints.keys()];
  const groups = indices
    .filter((index) => index % 8 === 0)
    .map((first) => indices.slice(first, first + 8));
  return { ...clip, groups };
}

/** What a capture looks like: `joints` joints, rotations at 120 Hz, the root moves, everything else is constant. */
export function captureClip(joints: number, frames: number): TestClip {
  const random = randomSource(joints * 31 + frames);
  const stepS = 1 / 120;
  const uniform = { startS: 0, stepS, wraps: true, shared: true };
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
            ? { kind: "linear", values: walk, ...uniform, shared: false }
            : { kind: "constant", values: [offset] },
        rotation: { kind: "linear", values: rotations, ...uniform },
        scale: still,
      };
    }),
  };
}
