/**
 * Reads a BVH file into a clip. Refuses damaged files with CLIP_INVALID, the line, and what would be right; tolerates a
 * row count that is off by one, and says so.
 *
 * The meaning of the format, which has no standard (after Biovision's and J. Lander's descriptions):
 *   - A joint's rotation is the product of its rotation channels in the order they are listed, about moving axes, degrees:
 *     `Zrotation Yrotation Xrotation` is Rz·Ry·Rx.
 *   - A joint's translation is OFFSET + position channels. Some tools write positions that replace the OFFSET instead;
 *     the two agree where OFFSET is zero, as it is in most captures. `positions: "replace"` reads the others, and a
 *     warning names the joints where the choice matters.
 *   - Rest rotations are the identity: axes and units are the file's own. End sites are not joints.
 *   - The clip repeats: its period is frames × frame time, the last frame blends into the first.
 */
import { assert } from "../../../core/assert.ts";
import { Fault } from "../../../core/fault.ts";
import { type BvhHead, type BvhJoint, readBvhHead } from "./bvh-hierarchy.ts";
import { BvhScanner, bvhFault } from "./bvh-scanner.ts";
import type {
  ClipJoint,
  ClipLimits,
  ClipTrack,
  KeyTimes,
  ReadClip,
  TakeInfo,
} from "./description.ts";
import { turnAboutAxis } from "./rotation.ts";

export interface BvhOptions {
  /** Whether position channels are added to OFFSET (the default) or replace it. */
  readonly positions?: "add" | "replace";
}

/** Keys of one joint, in file order of joints; absent where it has no such channels. */
interface JointKeys {
  readonly joint: BvhJoint;
  readonly translations?: Float32Array;
  readonly rotations?: Float32Array;
}

/** The one take of a BVH file as its header tells it. */
export function bvhTakes(head: BvhHead, frameCount = head.frameCount): readonly TakeInfo[] {
  return [{ name: "take_0", durationS: frameCount * head.frameTimeS, rateHz: 1 / head.frameTimeS }];
}

/** Reads a whole file. Throws CLIP_INVALID, or CLIP_TOO_LARGE beyond `limits`. */
export function readBvh(bytes: Uint8Array, limits: ClipLimits, options: BvhOptions = {}): ReadClip {
  const scanner = new BvhScanner(bytes);
  const head = readBvhHead(scanner, limits);
  const warnings = warnAboutJoints(head, options.positions ?? "add");
  const { frameCount, keys } = readMotion(
    scanner,
    head,
    limits,
    options.positions ?? "add",
    warnings,
  );
  const closed = closesItself(keys);
  const times: KeyTimes = {
    kind: "uniform",
    startS: 0,
    stepS: head.frameTimeS,
    keyCount: frameCount,
    wraps: !closed,
  };
  const joints = breadthFirst(head.joints).map(({ fileIndex, parent }) =>
    makeJoint(keys[fileIndex], parent, times),
  );
  const moves = joints.some(
    (joint) => joint.translation.kind !== "constant" || joint.rotation.kind !== "constant",
  );
  const endS = (frameCount - 1) * head.frameTimeS;
  const durationS = closed ? endS : frameCount * head.frameTimeS;
  return {
    description: {
      joints,
      startS: 0,
      endS,
      wrapS: moves && !closed ? durationS : 0,
      durationS,
    },
    takes: bvhTakes(head, frameCount),
    takeIndex: 0,
    warnings,
  };
}

/** Largest difference of a quaternion or, relative to 1 or its own size, a position that is still the same pose. */
const SAME_POSE = 1e-4;

/**
 * Whether the last frame repeats the first, as loops are often exported. Such a clip is one frame shorter than its rows: to blend
 * the last frame into the first would hold that pose for a frame at every turn.
 */
function closesItself(keys: readonly JointKeys[]): boolean {
  const moves = keys.some(
    ({ translations, rotations }) => moved(translations, 3) || moved(rotations, 4),
  );
  if (!moves) return false;
  return keys.every(
    ({ translations, rotations }) =>
      (!translations || ends(translations, 3)) && (!rotations || ends(rotations, 4)),
  );
}

/** Whether any key differs from the first. */
function moved(values: Float32Array | undefined, width: number): boolean {
  return values?.some((value, at) => value !== values[at % width]) ?? false;
}

/** Whether the last key of `width` numbers is the first; a quaternion may have the other sign. */
function ends(values: Float32Array, width: number): boolean {
  const first = values.subarray(0, width);
  const last = values.subarray(values.length - width);
  const sign =
    width === 4 && first.reduce((dot, value, at) => dot + value * (last[at] ?? 0), 0) < 0 ? -1 : 1;
  return first.every(
    (value, at) =>
      Math.abs(value - sign * (last[at] ?? Number.NaN)) <= SAME_POSE * Math.max(1, Math.abs(value)),
  );
}

/** File index and new parent index of each joint, in breadth-first order. */
export function breadthFirst(
  joints: readonly { readonly parent: number }[],
): readonly { readonly fileIndex: number; readonly parent: number }[] {
  const children: number[][] = joints.map(() => []);
  const order: { fileIndex: number; parent: number }[] = [];
  for (const [index, { parent }] of joints.entries()) {
    if (parent < 0) order.push({ fileIndex: index, parent: -1 });
    else children[parent]?.push(index);
  }
  for (let at = 0; at < order.length; at++) {
    for (const child of children[order[at]?.fileIndex ?? -1] ?? [])
      order.push({ fileIndex: child, parent: at });
  }
  return order;
}

function warnAboutJoints(head: BvhHead, positions: "add" | "replace"): string[] {
  const warnings: string[] = [];
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name } of head.joints) (seen.has(name) ? repeated : seen).add(name);
  if (repeated.size > 0) {
    warnings.push(`joint names repeat (${list([...repeated])}): tell these bones apart by index`);
  }
  const doubtful = head.joints.filter(
    (joint) =>
      joint.offset.some((v) => v !== 0) &&
      joint.channels.some((channel) => channel.kind === "position"),
  );
  if (doubtful.length > 0 && positions === "add") {
    const names = list(doubtful.map((joint) => joint.name));
    warnings.push(
      `${names}: OFFSET and position channels are added; if the figure stands too high, read with positions "replace"`,
    );
  }
  return warnings;
}

function list(names: readonly string[]): string {
  const shown = names
    .slice(0, 5)
    .map((name) => `'${name}'`)
    .join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function readMotion(
  scanner: BvhScanner,
  head: BvhHead,
  limits: ClipLimits,
  positions: "add" | "replace",
  warnings: string[],
): { frameCount: number; keys: readonly JointKeys[] } {
  // A column takes at least two bytes, so a count that the file cannot hold allocates nothing.
  const capacity = Math.min(
    head.frameCount,
    Math.ceil((scanner.bytes.length - scanner.position + 1) / (2 * head.columnCount)),
  );
  const trackCount = head.joints.reduce(
    (sum, joint) => sum + new Set(joint.channels.map((channel) => channel.kind)).size,
    0,
  );
  if (trackCount * capacity > limits.maxKeys) {
    throw new Fault(
      "CLIP_TOO_LARGE",
      `the clip may have ${trackCount * capacity} keys; at most ${limits.maxKeys} are allowed`,
    );
  }
  const keys = head.joints.map((joint) => allocateKeys(joint, capacity));
  const row = new Float64Array(head.columnCount);
  const rotation = new Float64Array(4);
  let frame = 0;
  while (frame < capacity && readRow(scanner, row, frame + 1)) {
    writeKeys(keys, row, frame++, positions, rotation);
  }
  const surplus = scanner.countLines();
  if (surplus === 1 && frame === head.frameCount && readRow(scanner, row, frame + 1)) {
    warnings.push(
      `the file has one row more than its 'Frames: ${head.frameCount}'; the last one is ignored`,
    );
  } else if (surplus > 0) {
    throw bvhFault(
      scanner.line,
      `the file has ${frame + surplus} rows and declares 'Frames: ${head.frameCount}'; correct the count`,
    );
  }
  if (frame === 0 || frame < head.frameCount - 1) {
    throw bvhFault(
      scanner.line,
      `the file ends after ${frame} of ${head.frameCount} rows: it is truncated, or 'Frames:' is wrong`,
    );
  }
  if (frame < head.frameCount) {
    warnings.push(
      `the file has one row less than its 'Frames: ${head.frameCount}'; ${frame} are played`,
    );
  }
  return { frameCount: frame, keys };
}

function allocateKeys(joint: BvhJoint, capacity: number): JointKeys {
  const moves = joint.channels.some((channel) => channel.kind === "position");
  const turns = joint.channels.some((channel) => channel.kind === "rotation");
  return {
    joint,
    ...(moves ? { translations: new Float32Array(capacity * 3) } : {}),
    ...(turns ? { rotations: new Float32Array(capacity * 4) } : {}),
  };
}

/** Reads the next non-blank line into `row`; false at the end of the file. */
function readRow(scanner: BvhScanner, row: Float64Array, frameNumber: number): boolean {
  scanner.skipWhiteSpace();
  if (scanner.atEnd) return false;
  for (let column = 0; column < row.length; column++) {
    const value = scanner.numberOfLine("a channel value");
    if (value === undefined) {
      const cause = scanner.atEnd ? "the file is truncated here, or " : "";
      throw bvhFault(
        scanner.line,
        `row ${frameNumber} has ${column} numbers; ${row.length} are right: ${cause}a row is broken over lines`,
      );
    }
    row[column] = value;
  }
  if (!scanner.skipBlanks()) {
    throw bvhFault(
      scanner.line,
      `row ${frameNumber} has more than ${row.length} numbers, which is what the CHANNELS add up to`,
    );
  }
  return true;
}

/**
 * Turns one row of channel values into one key per animated track. Runs for each row and allocates nothing: `rotation` is
 * scratch space of four numbers.
 */
function writeKeys(
  keys: readonly JointKeys[],
  row: Float64Array,
  frame: number,
  positions: "add" | "replace",
  rotation: Float64Array,
): void {
  let column = 0;
  for (const { joint, translations, rotations } of keys) {
    rotation.fill(0);
    rotation[3] = 1;
    if (translations) translations.set(joint.offset, frame * 3);
    for (const { kind, axis } of joint.channels) {
      const value = row[column++] ?? 0;
      if (kind === "rotation") turnAboutAxis(rotation, axis, value);
      else if (translations)
        translations[frame * 3 + axis] = positions === "add" ? joint.offset[axis] + value : value;
    }
    if (rotations) writeRotation(rotations, frame, rotation);
  }
}

/** q and -q are one rotation: each key takes the sign nearer to the key before, so that neighbours blend directly. */
function writeRotation(rotations: Float32Array, frame: number, rotation: Float64Array): void {
  const at = frame * 4;
  let dot = 1;
  if (frame > 0) {
    dot = 0;
    for (let i = 0; i < 4; i++) dot += (rotations[at - 4 + i] ?? 0) * (rotation[i] ?? 0);
  }
  const sign = dot < 0 ? -1 : 1;
  for (let i = 0; i < 4; i++) rotations[at + i] = (rotation[i] ?? 0) * sign;
}

function makeJoint(keys: JointKeys | undefined, parent: number, times: KeyTimes): ClipJoint {
  assert(keys !== undefined, "every ordered joint has keys");
  const { joint, translations, rotations } = keys;
  return {
    name: joint.name,
    parent,
    restTranslation: joint.offset,
    restRotation: [0, 0, 0, 1],
    restScale: [1, 1, 1],
    translation: makeTrack(translations, joint.offset, times),
    rotation: makeTrack(rotations, [0, 0, 0, 1], times),
    scale: { kind: "constant", value: [1, 1, 1] },
  };
}

function makeTrack(
  values: Float32Array | undefined,
  rest: readonly number[],
  times: KeyTimes,
): ClipTrack {
  if (values === undefined || times.kind !== "uniform") return { kind: "constant", value: rest };
  const width = rest.length;
  const used = values.subarray(0, times.keyCount * width);
  const still = used.every((value, index) => value === used[index % width]);
  return still
    ? { kind: "constant", value: used.slice(0, width) }
    : { kind: "linear", times, values: used };
}
