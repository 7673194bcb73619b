/**
 * Writes a clip as binary glTF 2.0: the joints as nodes and a skin, rotations as LINEAR quaternion tracks. glTF's unit is the metre.
 * Tracks that never change are left out and stand in the node. Written by hand, so that it also tests the reader the server uses.
 */

import { IDENTITY, type Quat, type Vec3 } from "./math.ts";
import type { SampledClip } from "./sampled-clip.ts";
import { SKELETON } from "./skeleton.ts";

const METRES_PER_CM = 0.01;
const FLOAT = 5126;
const MAGIC = 0x46546c67;
const CHUNK_JSON = 0x4e4f534a;
const CHUNK_BIN = 0x004e4942;

/** Accessors and their bytes, four-byte aligned by being all float32. */
class BinaryChunk {
  readonly #parts: Float32Array[] = [];
  readonly bufferViews: object[] = [];
  readonly accessors: object[] = [];
  #byteLength = 0;

  /** Adds an accessor and returns its index. */
  add(type: "SCALAR" | "VEC3" | "VEC4" | "MAT4", width: number, values: Float32Array): number {
    const bounds = type === "SCALAR" ? { min: [values[0]], max: [values[values.length - 1]] } : {};
    this.bufferViews.push({
      buffer: 0,
      byteOffset: this.#byteLength,
      byteLength: values.byteLength,
    });
    this.accessors.push({
      bufferView: this.bufferViews.length - 1,
      componentType: FLOAT,
      count: values.length / width,
      type,
      ...bounds,
    });
    this.#parts.push(values);
    this.#byteLength += values.byteLength;
    return this.accessors.length - 1;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#byteLength);
    const view = new DataView(bytes.buffer);
    let offset = 0;
    for (const part of this.#parts) {
      for (const value of part) {
        view.setFloat32(offset, value, true);
        offset += 4;
      }
    }
    return bytes;
  }
}

/** The quaternions of one joint, each in the hemisphere of the one before, so that a linear reader takes the short way. */
function alignedTrack(clip: SampledClip, joint: number): Quat[] {
  let previous = IDENTITY;
  return clip.frames.map((frame) => {
    const [x, y, z, w] = frame.rotations[joint] ?? IDENTITY;
    const along = x * previous[0] + y * previous[1] + z * previous[2] + w * previous[3];
    previous = along < 0 ? [-x, -y, -z, -w] : [x, y, z, w];
    return previous;
  });
}

function isConstant(track: readonly Quat[]): boolean {
  const [first = IDENTITY] = track;
  return track.every((q) =>
    q.every((value, index) => Math.abs(value - (first[index] ?? 0)) < 1e-9),
  );
}

function restPositionsCm(): Vec3[] {
  const positions: Vec3[] = [];
  for (const {
    parent,
    offsetCm: [x, y, z],
  } of SKELETON) {
    const [px, py, pz] = positions[parent] ?? [0, 0, 0];
    positions.push([px + x, py + y, pz + z]);
  }
  return positions;
}

function inverseBindMatrices(): Float32Array {
  return Float32Array.from(
    restPositionsCm().flatMap(([x, y, z]) => [
      ...[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
      ...[-x, -y, -z].map((cm) => cm * METRES_PER_CM),
      1,
    ]),
  );
}

function animationOf(clip: SampledClip, buffer: BinaryChunk): object {
  const times = Float32Array.from(clip.frames, (_, frame) => frame / clip.rateHz);
  const input = buffer.add("SCALAR", 1, times);
  const samplers: object[] = [];
  const channels: object[] = [];
  const track = (node: number, path: "translation" | "rotation", output: number): void => {
    channels.push({ sampler: samplers.length, target: { node, path } });
    samplers.push({ input, interpolation: "LINEAR", output });
  };
  const rootM = clip.frames.flatMap(({ rootCm }) => rootCm.map((cm) => cm * METRES_PER_CM));
  track(0, "translation", buffer.add("VEC3", 3, Float32Array.from(rootM)));
  for (const joint of SKELETON.keys()) {
    const rotations = alignedTrack(clip, joint);
    if (isConstant(rotations)) continue;
    track(joint, "rotation", buffer.add("VEC4", 4, Float32Array.from(rotations.flat())));
  }
  return { name: clip.name, samplers, channels };
}

function nodesOf(clip: SampledClip): object[] {
  return SKELETON.map(({ name, offsetCm }, index) => {
    const children = SKELETON.flatMap((joint, child) => (joint.parent === index ? [child] : []));
    const track = alignedTrack(clip, index);
    const [rotation = IDENTITY] = track;
    const isStill = isConstant(track) && Math.abs(rotation[3]) < 1 - 1e-12;
    return {
      name,
      translation: offsetCm.map((cm) => Math.round(cm * 1e5) / 1e7),
      ...(isStill ? { rotation } : {}),
      ...(children.length > 0 ? { children } : {}),
    };
  });
}

function chunk(kind: number, bytes: Uint8Array, padding: number): Uint8Array {
  const length = Math.ceil(bytes.byteLength / 4) * 4;
  const out = new Uint8Array(8 + length).fill(padding);
  const view = new DataView(out.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, kind, true);
  out.set(bytes, 8);
  return out;
}

/** The bytes of a .glb file. */
export function writeGlb(clip: SampledClip): Uint8Array {
  const buffer = new BinaryChunk();
  const bindings = buffer.add("MAT4", 16, inverseBindMatrices());
  const animation = animationOf(clip, buffer);
  const binary = buffer.bytes();
  const document = {
    asset: { version: "2.0", generator: "Soma make-clips" },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: nodesOf(clip),
    skins: [{ skeleton: 0, joints: [...SKELETON.keys()], inverseBindMatrices: bindings }],
    animations: [animation],
    bufferViews: buffer.bufferViews,
    accessors: buffer.accessors,
    buffers: [{ byteLength: binary.byteLength }],
  };
  const chunks = [
    chunk(CHUNK_JSON, new TextEncoder().encode(JSON.stringify(document)), 0x20),
    chunk(CHUNK_BIN, binary, 0),
  ];
  const total = chunks.reduce((sum, part) => sum + part.byteLength, 12);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, 2, true);
  view.setUint32(8, total, true);
  let offset = 12;
  for (const part of chunks) {
    file.set(part, offset);
    offset += part.byteLength;
  }
  return file;
}
