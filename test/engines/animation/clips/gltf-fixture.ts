/** Small glTF assets for tests, written byte by byte from what a test states: no library between the test and the file. */

export interface AccessorSpec {
  readonly data: Float32Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Uint32Array;
  readonly type: "SCALAR" | "VEC3" | "VEC4";
  readonly normalized?: boolean;
  /** Overrides anything of the accessor's JSON, e.g. a wrong count. */
  readonly json?: object;
}

export type Json = Record<string, unknown>;

const COMPONENT_TYPES = new Map<Function, number>([
  [Int8Array, 5120],
  [Uint8Array, 5121],
  [Int16Array, 5122],
  [Uint16Array, 5123],
  [Uint32Array, 5125],
  [Float32Array, 5126],
]);
const WIDTHS = { SCALAR: 1, VEC3: 3, VEC4: 4 };

export interface Asset {
  readonly json: Json;
  readonly binary: Uint8Array;
}

/** Lays the accessors out in one buffer, four-byte aligned, and joins them with the rest of the JSON. */
export function makeAsset(accessors: readonly AccessorSpec[], rest: Json): Asset {
  const parts: Uint8Array[] = [];
  let at = 0;
  const bufferViews = accessors.map(({ data }) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    padded.set(bytes);
    parts.push(padded);
    const view = { buffer: 0, byteOffset: at, byteLength: bytes.length };
    at += padded.length;
    return view;
  });
  const json = {
    asset: { version: "2.0" },
    buffers: [{ byteLength: at }],
    bufferViews,
    accessors: accessors.map((spec, bufferView) => ({
      bufferView,
      componentType: COMPONENT_TYPES.get(spec.data.constructor),
      count: spec.data.length / WIDTHS[spec.type],
      type: spec.type,
      ...(spec.normalized ? { normalized: true } : {}),
      ...spec.json,
    })),
    ...rest,
  };
  return { json, binary: new Uint8Array(Buffer.concat(parts)) };
}

export function toGlb({ json, binary }: Asset): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(json));
  const jsonBytes = Math.ceil(text.length / 4) * 4;
  const bytes = new Uint8Array(12 + 8 + jsonBytes + 8 + binary.length).fill(0x20);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x46546c67, true);
  view.setUint32(4, 2, true);
  view.setUint32(8, bytes.length, true);
  view.setUint32(12, jsonBytes, true);
  view.setUint32(16, 0x4e4f534a, true);
  bytes.set(text, 20);
  view.setUint32(20 + jsonBytes, binary.length, true);
  view.setUint32(24 + jsonBytes, 0x004e4942, true);
  bytes.set(binary, 28 + jsonBytes);
  return bytes;
}

/** The same asset as .gltf text with its buffer at `uri`, or inside the text as a data URI. */
export function toGltf({ json, binary }: Asset, uri?: string): Uint8Array {
  const inside = `data:application/octet-stream;base64,${Buffer.from(binary).toString("base64")}`;
  const buffers = [{ byteLength: binary.length, uri: uri ?? inside }];
  return new TextEncoder().encode(JSON.stringify({ ...json, buffers }));
}

/** One animated node: the usual rest of a fixture. */
export function animate(
  path: "translation" | "rotation" | "scale",
  interpolation: "STEP" | "LINEAR" | "CUBICSPLINE",
  node: Json = {},
): Json {
  return {
    nodes: [{ name: "bone", ...node }],
    scenes: [{ nodes: [0] }],
    scene: 0,
    animations: [
      {
        name: "move",
        samplers: [{ input: 0, output: 1, interpolation }],
        channels: [{ sampler: 0, target: { node: 0, path } }],
      },
    ],
  };
}

export function times(...seconds: number[]): AccessorSpec {
  return { data: new Float32Array(seconds), type: "SCALAR" };
}
