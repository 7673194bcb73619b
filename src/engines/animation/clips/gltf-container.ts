/**
 * The outer shell of a glTF 2.0 asset: the chunks of a GLB, the JSON text, and the bytes of its buffers. Buffers come
 * from the GLB itself, from base64 `data:` URIs, or from files beside the asset through the given resolver; pictures are
 * never read. Knows nothing of nodes: see gltf-json.ts.
 */
import { Fault, messageOf } from "../../../core/fault.ts";

const GLB_MAGIC = 0x46546c67; // "glTF"
const CHUNK_JSON = 0x4e4f534a;
const CHUNK_BIN = 0x004e4942;
const GLB_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;

/** Reads a file that the asset names by a relative URI; throws a Fault where it may or can not. */
export type ReadCompanion = (uri: string) => Promise<Uint8Array>;

export interface GltfContainer {
  /** The parsed JSON, nothing of it checked but that it is an object. */
  readonly json: Readonly<Record<string, unknown>>;
  /** The GLB's binary chunk, a view of the file's bytes. */
  readonly binary?: Uint8Array;
}

export function gltfFault(message: string, details?: unknown): Fault {
  return new Fault("CLIP_INVALID", `glTF: ${message}`, details);
}

export function isGlb(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && readU32(bytes, 0) === GLB_MAGIC;
}

/** Opens a GLB or a .gltf text. Throws CLIP_INVALID, or CLIP_FORMAT_UNSUPPORTED for glTF 1. */
export function openContainer(bytes: Uint8Array): GltfContainer {
  const container = isGlb(bytes) ? openGlb(bytes) : { json: parseJson(bytes) };
  refuseOtherVersions(container.json);
  return container;
}

/**
 * Offset and length of the JSON in a GLB, from its first 20 bytes and the length of the whole file. Lengths that reach
 * past the end are refused here, so that what follows may trust them.
 */
export function locateGlbJson(
  head: Uint8Array,
  fileBytes: number,
): { offset: number; length: number } {
  if (head.length < GLB_HEADER_BYTES + CHUNK_HEADER_BYTES) {
    throw gltfFault(`the GLB ends after ${head.length} bytes, inside its header; it is truncated`);
  }
  const version = readU32(head, 4);
  if (version !== 2) throw unsupportedVersion(String(version));
  const declared = readU32(head, 8);
  if (declared > fileBytes) {
    throw gltfFault(`the GLB declares ${declared} bytes and has ${fileBytes}; it is truncated`);
  }
  if (readU32(head, 16) !== CHUNK_JSON) throw gltfFault("the first chunk of a GLB must be JSON");
  const offset = GLB_HEADER_BYTES + CHUNK_HEADER_BYTES;
  const length = readU32(head, 12);
  if (offset + length > declared) {
    throw gltfFault(
      `the JSON chunk declares ${length} bytes; ${Math.max(0, declared - offset)} are there`,
    );
  }
  return { offset, length };
}

function openGlb(bytes: Uint8Array): GltfContainer {
  const { offset, length } = locateGlbJson(bytes, bytes.length);
  const json = parseJson(bytes.subarray(offset, offset + length));
  const end = readU32(bytes, 8);
  const binaryAt = offset + length;
  if (binaryAt + CHUNK_HEADER_BYTES > end || readU32(bytes, binaryAt + 4) !== CHUNK_BIN)
    return { json };
  const binaryBytes = readU32(bytes, binaryAt);
  const start = binaryAt + CHUNK_HEADER_BYTES;
  if (start + binaryBytes > end) {
    throw gltfFault(`the binary chunk declares ${binaryBytes} bytes; ${end - start} are there`);
  }
  return { json, binary: bytes.subarray(start, start + binaryBytes) };
}

export function parseJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw gltfFault(`the JSON cannot be read: ${messageOf(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw gltfFault("the JSON must be an object");
  }
  return value as Readonly<Record<string, unknown>>;
}

export function refuseOtherVersions(json: Readonly<Record<string, unknown>>): void {
  const asset = json["asset"];
  const version =
    typeof asset === "object" && asset !== null ? Reflect.get(asset, "version") : undefined;
  if (typeof version !== "string") throw gltfFault('asset.version is missing; "2.0" is right');
  if (!/^2\.\d+$/.test(version)) throw unsupportedVersion(version);
}

function unsupportedVersion(version: string): Fault {
  return new Fault(
    "CLIP_FORMAT_UNSUPPORTED",
    `glTF version ${version.slice(0, 16)} is not supported; convert the file to glTF 2.0`,
  );
}

/** Bytes of a buffer given by URI. */
export async function readBufferUri(
  uri: string,
  where: string,
  readCompanion: ReadCompanion,
): Promise<Uint8Array> {
  if (!/^data:/i.test(uri)) return readCompanion(uri);
  const comma = uri.indexOf(",");
  if (comma < 0 || !/;base64$/i.test(uri.slice(0, Math.min(comma, 256)))) {
    throw gltfFault(`${where} is a data URI without base64; base64 is right`);
  }
  try {
    return Uint8Array.fromBase64(uri.slice(comma + 1));
  } catch (error) {
    throw gltfFault(`${where} is not valid base64: ${messageOf(error)}`);
  }
}

function readU32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
