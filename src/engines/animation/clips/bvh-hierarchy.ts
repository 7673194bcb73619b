/**
 * The part of a BVH file before the motion rows: joints, offsets, channels, frame count and frame time. Refuses what no
 * reader can make sense of, with the line and what would be right.
 */
import { Fault } from "../../../core/fault.ts";
import { type BvhScanner, bvhFault } from "./bvh-scanner.ts";
import type { ClipLimits, Vector3 } from "./description.ts";

/** One column of a motion row: what it does (0 x, 1 y, 2 z). */
export interface BvhChannel {
  readonly kind: "position" | "rotation";
  readonly axis: 0 | 1 | 2;
}

export interface BvhJoint {
  readonly name: string;
  /** Index in file order of the parent, -1 for a ROOT. */
  readonly parent: number;
  readonly offset: Vector3;
  /** In the order of the columns, which for rotations is also the order of the product. */
  readonly channels: readonly BvhChannel[];
}

export interface BvhHead {
  /** In file order, which is the order of the columns: depth first, parents before children. End sites are left out. */
  readonly joints: readonly BvhJoint[];
  readonly columnCount: number;
  /** As `Frames:` declares it. */
  readonly frameCount: number;
  readonly frameTimeS: number;
}

interface OpenJoint {
  readonly name: string;
  readonly parent: number;
  readonly line: number;
  offset?: Vector3;
  channels?: readonly BvhChannel[];
}

/** Frame times outside this range are not captures: a rate of 1 MHz, and a frame of almost three hours. */
const MIN_FRAME_TIME_S = 1e-6;
const MAX_FRAME_TIME_S = 1e4;

const CHANNELS: Readonly<Record<string, BvhChannel>> = {
  xposition: { kind: "position", axis: 0 },
  yposition: { kind: "position", axis: 1 },
  zposition: { kind: "position", axis: 2 },
  xrotation: { kind: "rotation", axis: 0 },
  yrotation: { kind: "rotation", axis: 1 },
  zrotation: { kind: "rotation", axis: 2 },
};

/** Reads up to the first motion row and leaves the scanner on the line of `Frame Time:`. */
export function readBvhHead(scanner: BvhScanner, limits: ClipLimits): BvhHead {
  if (scanner.word().toLowerCase() !== "hierarchy") {
    throw bvhFault(scanner.line, "a BVH file begins with the word HIERARCHY");
  }
  const joints: OpenJoint[] = [];
  for (let next = scanner.peekWord(); next.toLowerCase() !== "motion"; next = scanner.peekWord()) {
    if (next.toLowerCase() !== "root") {
      throw bvhFault(scanner.line, `${quote(next)} stands where ROOT or MOTION should be`);
    }
    readRoot(scanner, joints, limits);
  }
  if (joints.length === 0)
    throw bvhFault(scanner.line, "MOTION comes before any ROOT: the file has no joints");
  scanner.take("motion");
  const frameCount = readFrameCount(scanner);
  const frameTimeS = readFrameTime(scanner);
  const closed = joints.map(closeJoint);
  const columnCount = closed.reduce((sum, joint) => sum + joint.channels.length, 0);
  if (columnCount === 0)
    throw bvhFault(scanner.line, "no joint has CHANNELS, so there is no motion to play");
  return { joints: closed, columnCount, frameCount, frameTimeS };
}

/** Reads one ROOT with everything below it, without recursion: hostile nesting must not exhaust the stack. */
function readRoot(scanner: BvhScanner, joints: OpenJoint[], limits: ClipLimits): void {
  const open: OpenJoint[] = [];
  const indices: number[] = [];
  do {
    const word = scanner.word();
    const keyword = word.toLowerCase();
    const joint = open.at(-1);
    if (keyword === "root" && joint === undefined) {
      openJoint(scanner, joints, open, indices, limits);
    } else if (joint === undefined) {
      throw bvhFault(scanner.line, `${quote(word)} stands where ROOT should be`);
    } else if (keyword === "joint") {
      openJoint(scanner, joints, open, indices, limits);
    } else if (keyword === "end") {
      skipEndSite(scanner);
    } else if (keyword === "offset") {
      if (joint.offset)
        throw bvhFault(scanner.line, `'${joint.name}' has a second OFFSET; one is right`);
      joint.offset = readOffset(scanner, joint.name);
    } else if (keyword === "channels") {
      if (joint.channels)
        throw bvhFault(scanner.line, `'${joint.name}' has a second CHANNELS; one is right`);
      joint.channels = readChannels(scanner, joint.name);
    } else if (keyword === "}") {
      open.pop();
      indices.pop();
    } else {
      const expected = "OFFSET, CHANNELS, JOINT, End Site or } should be";
      throw bvhFault(
        scanner.line,
        `${quote(word)} stands inside '${joint.name}' (opened on line ${joint.line}) where ${expected}`,
      );
    }
  } while (open.length > 0);
}

function openJoint(
  scanner: BvhScanner,
  joints: OpenJoint[],
  open: OpenJoint[],
  indices: number[],
  limits: ClipLimits,
): void {
  if (open.length >= limits.maxDepth) {
    throw bvhFault(scanner.line, `joints are nested more than ${limits.maxDepth} deep`);
  }
  if (joints.length >= limits.maxJoints) {
    throw new Fault(
      "CLIP_TOO_LARGE",
      `BVH line ${scanner.line}: the file has more than ${limits.maxJoints} joints`,
    );
  }
  const line = scanner.line;
  const joint: OpenJoint = { name: readName(scanner), parent: indices.at(-1) ?? -1, line };
  indices.push(joints.length);
  joints.push(joint);
  open.push(joint);
}

/** A name runs to the brace that opens the joint: exporters write names with spaces, and the brace on either line. */
function readName(scanner: BvhScanner): string {
  const words: string[] = [];
  for (let word = scanner.word(); word !== "{"; word = scanner.word()) {
    if (word === "" || word === "}" || words.length >= 32) {
      throw bvhFault(
        scanner.line,
        `${quote(word)} stands where { should open the joint '${words.join(" ").slice(0, 80)}'`,
      );
    }
    words.push(word);
  }
  if (words.length === 0)
    throw bvhFault(scanner.line, "a joint has no name; write it after ROOT or JOINT");
  return words.join(" ");
}

function skipEndSite(scanner: BvhScanner): void {
  readName(scanner);
  for (let word = scanner.word(); word !== "}"; word = scanner.word()) {
    const keyword = word.toLowerCase();
    if (keyword === "offset") readOffset(scanner, "End Site");
    else
      throw bvhFault(
        scanner.line,
        `${quote(word)} stands inside End Site where OFFSET or } should be`,
      );
  }
}

function readOffset(scanner: BvhScanner, joint: string): Vector3 {
  const what = `a number of the OFFSET (x y z) of '${joint}'`;
  return [scanner.number(what), scanner.number(what), scanner.number(what)];
}

function readChannels(scanner: BvhScanner, joint: string): readonly BvhChannel[] {
  const count = scanner.number(`the number of CHANNELS of '${joint}'`);
  if (!Number.isInteger(count) || count < 0 || count > 32) {
    throw bvhFault(
      scanner.line,
      `CHANNELS of '${joint}' counts ${count}; a whole number from 0 to 32 is right`,
    );
  }
  const channels: BvhChannel[] = [];
  for (let i = 0; i < count; i++) {
    const word = scanner.word();
    const name = word.toLowerCase();
    const channel = Object.hasOwn(CHANNELS, name) ? CHANNELS[name] : undefined;
    if (channel === undefined) {
      const right = "Xposition, Yposition, Zposition, Xrotation, Yrotation or Zrotation";
      throw bvhFault(
        scanner.line,
        `${quote(word)} stands where channel ${i + 1} of ${count} of '${joint}' should be ${right}`,
      );
    }
    if (
      channel.kind === "position" &&
      channels.some((c) => c.kind === "position" && c.axis === channel.axis)
    ) {
      throw bvhFault(scanner.line, `'${joint}' has ${word} twice; once is right`);
    }
    channels.push(channel);
  }
  return channels;
}

function closeJoint(joint: OpenJoint): BvhJoint {
  if (!joint.offset) throw bvhFault(joint.line, `the joint '${joint.name}' has no OFFSET x y z`);
  return {
    name: joint.name,
    parent: joint.parent,
    offset: joint.offset,
    channels: joint.channels ?? [],
  };
}

function readFrameCount(scanner: BvhScanner): number {
  if (!(scanner.take("frames") && scanner.take(":"))) {
    throw bvhFault(
      scanner.line,
      `${quote(scanner.peekWord())} stands where 'Frames: <count>' should be`,
    );
  }
  const count = scanner.number("the frame count");
  if (!Number.isInteger(count) || count < 1) {
    throw bvhFault(scanner.line, `Frames: ${count}; a whole number of at least 1 is right`);
  }
  return count;
}

function readFrameTime(scanner: BvhScanner): number {
  if (!(scanner.take("frame") && scanner.take("time") && scanner.take(":"))) {
    throw bvhFault(
      scanner.line,
      `${quote(scanner.peekWord())} stands where 'Frame Time: <seconds>' should be`,
    );
  }
  const seconds = scanner.number("the frame time in seconds");
  if (seconds < MIN_FRAME_TIME_S || seconds > MAX_FRAME_TIME_S) {
    const range = `${MIN_FRAME_TIME_S} to ${MAX_FRAME_TIME_S} seconds`;
    throw bvhFault(
      scanner.line,
      `Frame Time: ${seconds}; ${range} is right (0.0333333 for 30 frames a second)`,
    );
  }
  return seconds;
}

function quote(word: string): string {
  return word === "" ? "the end of the file" : `'${word.slice(0, 40)}'`;
}
