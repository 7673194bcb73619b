/**
 * The one door to clips: a file or bytes in, shared memory and a description out. Recognises the format by content, then
 * by extension. Runs in a loader worker: whatever a file holds, the answer is a clip or a Fault.
 */
import { Fault } from "../../../core/fault.ts";
import { type BvhOptions, breadthFirst, bvhTakes, readBvh } from "./bvh.ts";
import { readBvhHead } from "./bvh-hierarchy.ts";
import { BvhScanner } from "./bvh-scanner.ts";
import { buildClipBlock } from "./clip-block.ts";
import { ClipFile, type ClipSource } from "./clip-files.ts";
import {
  type ClipLimits,
  DEFAULT_CLIP_LIMITS,
  type Quaternion,
  type ReadClip,
  type TakeInfo,
  type Vector3,
} from "./description.ts";
import { readGltf, summariseGltf } from "./gltf.ts";
import { isGlb, locateGlbJson, parseJson, refuseOtherVersions } from "./gltf-container.ts";
import { chooseTake, type TakeChoice } from "./takes.ts";

export type ClipFormat = "bvh" | "gltf";

export type LoadClipOptions = ClipSource & {
  /** Name or index of the take; the first by default. */
  readonly take?: TakeChoice | undefined;
  readonly limits?: ClipLimits | undefined;
  /** How BVH position channels combine with OFFSET; see bvh.ts. */
  readonly bvhPositions?: BvhOptions["positions"];
};

/** Rest transforms of the bones, relative to their parents, in the file's units and axes. */
export interface BindPose {
  readonly positions: readonly Vector3[];
  /** x, y, z, w. */
  readonly rotations: readonly Quaternion[];
  readonly scales: readonly Vector3[];
}

/** What there is to know of a loaded clip beside its block: plain data, fit for structured clone and JSON. */
export interface ClipInfo {
  /** File name without folders. */
  readonly name: string;
  readonly format: ClipFormat;
  /** Name of the take that was loaded, and its index in `takes`. */
  readonly take: string;
  readonly takeIndex: number;
  readonly takes: readonly TakeInfo[];
  readonly jointCount: number;
  /** Breadth-first, as the file spells them; they may repeat. */
  readonly boneNames: readonly string[];
  /** Index of each bone's parent, -1 for a root. */
  readonly parents: readonly number[];
  readonly rootCount: number;
  /** BVH: OFFSETs, identity, one. glTF: the nodes' own transforms. */
  readonly bindPose: BindPose;
  /** Seconds of one pass; see ClipDescription for these four. */
  readonly durationS: number;
  readonly startS: number;
  readonly endS: number;
  readonly wrapS: number;
  /** Frames per second of a clip that was captured at one rate (BVH). */
  readonly frameRateHz?: number;
  /** Sentences about what was tolerated, left out or approximated. */
  readonly warnings: readonly string[];
  /** The file and the buffers it names, together. */
  readonly sourceBytes: number;
  readonly blockBytes: number;
  /** SHA-256, in hexadecimal, of the block and the names: equal hashes mean equal frames. */
  readonly contentHash: string;
}

export interface LoadedClip {
  /** Immutable from here on; the layout of `soma_clip`. */
  readonly block: SharedArrayBuffer;
  readonly info: ClipInfo;
}

/** Loads one take. Throws CLIP_NOT_FOUND, CLIP_FORMAT_UNSUPPORTED, CLIP_INVALID, CLIP_TAKE_NOT_FOUND or CLIP_TOO_LARGE. */
export async function loadClip(options: LoadClipOptions): Promise<LoadedClip> {
  const limits = options.limits ?? DEFAULT_CLIP_LIMITS;
  const file = await ClipFile.open(options, limits);
  const bytes = await file.read(0, file.sizeBytes);
  const format = recogniseFormat(bytes, file.name);
  const clip = await readFormat(format, bytes, file, { ...options, limits });
  const { description, takes, takeIndex } = clip;
  const block = buildClipBlock(description, limits);
  const { joints } = description;
  const boneNames = joints.map((joint) => joint.name);
  const rateHz = takes[takeIndex]?.rateHz;
  const info: ClipInfo = {
    name: file.name,
    format,
    take: takes[takeIndex]?.name ?? "",
    takeIndex,
    takes,
    jointCount: joints.length,
    boneNames,
    parents: joints.map((joint) => joint.parent),
    rootCount: joints.filter((joint) => joint.parent < 0).length,
    bindPose: {
      positions: joints.map((joint) => joint.restTranslation),
      rotations: joints.map((joint) => joint.restRotation),
      scales: joints.map((joint) => joint.restScale),
    },
    durationS: description.durationS,
    startS: description.startS,
    endS: description.endS,
    wrapS: description.wrapS,
    ...(rateHz === undefined ? {} : { frameRateHz: rateHz }),
    warnings: clip.warnings,
    sourceBytes: file.companions.reduce((sum, companion) => sum + companion.length, bytes.length),
    blockBytes: block.byteLength,
    contentHash: new Bun.CryptoHasher("sha256")
      .update(new Uint8Array(block))
      .update(JSON.stringify(boneNames))
      .digest("hex"),
  };
  return { block, info };
}

async function readFormat(
  format: ClipFormat,
  bytes: Uint8Array,
  file: ClipFile,
  options: LoadClipOptions & { readonly limits: ClipLimits },
): Promise<ReadClip> {
  if (format === "gltf") {
    return readGltf(bytes, {
      take: options.take,
      limits: options.limits,
      readCompanion: file.readCompanion,
    });
  }
  const clip = readBvh(
    bytes,
    options.limits,
    options.bvhPositions === undefined ? {} : { positions: options.bvhPositions },
  );
  chooseTake(clip.takes, options.take);
  return clip;
}

/** What a list of clips shows: read from the file's head, without its motion. */
export interface ClipSummary {
  readonly name: string;
  readonly format: ClipFormat;
  /** As the file declares them. */
  readonly takes: readonly TakeInfo[];
  readonly jointCount: number;
  readonly boneNames: readonly string[];
  /** Of the file itself, without the buffers it names. */
  readonly sourceBytes: number;
}

const FIRST_PART_BYTES = 64 * 1024;

/** Reads only as much of a clip as tells its takes, bones and lengths. Throws what `loadClip` throws of the head. */
export async function inspectClip(
  options: ClipSource & { readonly limits?: ClipLimits | undefined },
): Promise<ClipSummary> {
  const limits = options.limits ?? DEFAULT_CLIP_LIMITS;
  const file = await ClipFile.open(options, limits);
  const head = await file.read(0, FIRST_PART_BYTES);
  const format = recogniseFormat(head, file.name);
  const found =
    format === "bvh" ? await inspectBvh(file, head, limits) : await inspectGltf(file, head, limits);
  return {
    name: file.name,
    format,
    ...found,
    jointCount: found.boneNames.length,
    sourceBytes: file.sizeBytes,
  };
}

type Inspected = Pick<ClipSummary, "takes" | "boneNames">;

async function inspectBvh(
  file: ClipFile,
  firstPart: Uint8Array,
  limits: ClipLimits,
): Promise<Inspected> {
  // A head cut off by the end of the part looks like a damaged one: read more until it is whole, or the file is.
  for (let part = firstPart; ; part = await file.read(0, part.length * 4)) {
    const isWhole = part.length >= file.sizeBytes;
    const scanner = new BvhScanner(part);
    try {
      const head = readBvhHead(scanner, limits);
      if (!isWhole && scanner.touchedEnd) continue;
      const boneNames = breadthFirst(head.joints).map(
        ({ fileIndex }) => head.joints[fileIndex]?.name ?? "",
      );
      return { takes: bvhTakes(head), boneNames };
    } catch (fault) {
      if (isWhole || !scanner.touchedEnd) throw fault;
    }
  }
}

async function inspectGltf(
  file: ClipFile,
  firstPart: Uint8Array,
  limits: ClipLimits,
): Promise<Inspected> {
  const place = isGlb(firstPart)
    ? locateGlbJson(firstPart, file.sizeBytes)
    : { offset: 0, length: file.sizeBytes };
  const json = parseJson(await file.read(place.offset, place.length));
  refuseOtherVersions(json);
  const { model, bones, takes } = summariseGltf(json, limits);
  return { takes, boneNames: bones.nodes.map((node) => model.nodes[node]?.name ?? "") };
}

/** The format of a file by its first bytes, or by its extension where they do not tell. */
function recogniseFormat(head: Uint8Array, name: string): ClipFormat {
  if (isGlb(head)) return "gltf";
  const start = new TextDecoder("latin1")
    .decode(head.subarray(0, 256))
    .replace(/^\u00ef\u00bb\u00bf/, "")
    .trimStart();
  if (/^hierarchy\b/i.test(start)) return "bvh";
  if (start.startsWith("{")) return "gltf";
  const extension = /\.([^.]*)$/.exec(name.toLowerCase())?.[1];
  if (start.startsWith("Kaydara FBX") || start.startsWith("; FBX") || extension === "fbx") {
    throw new Fault("CLIP_FORMAT_UNSUPPORTED", "FBX is not supported yet; convert to glTF or BVH");
  }
  if (extension === "bvh") return "bvh";
  if (extension === "gltf" || extension === "glb") return "gltf";
  throw new Fault("CLIP_FORMAT_UNSUPPORTED", `'${name}' is not a BVH, glTF or GLB file`);
}
