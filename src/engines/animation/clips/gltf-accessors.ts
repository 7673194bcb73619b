/**
 * Decodes the accessors that a take uses into float32 arrays: sparse, interleaved and normalised ones too, by
 * @gltf-transform/core, which is loaded only here and only then. The library believes what a file declares, so every
 * offset, length and count is checked against the bytes first. Compressed buffer views are refused.
 */
import { Fault, messageOf } from "../../../core/fault.ts";
import type { ClipLimits } from "./description.ts";
import {
  type GltfContainer,
  gltfFault,
  type ReadCompanion,
  readBufferUri,
} from "./gltf-container.ts";
import { index, isObject, type JsonObject, objects, whole } from "./gltf-json.ts";

/** Bytes of one component, by componentType. */
const COMPONENT_BYTES: Readonly<Record<number, number>> = {
  5120: 1,
  5121: 1,
  5122: 2,
  5123: 2,
  5125: 4,
  5126: 4,
};
const FLOAT = 5126;
const UNSIGNED_INT = 5125;

/** Numbers of one element, for the types that animation may use. */
const ELEMENT_WIDTHS: Readonly<Record<string, number>> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };

const COMPRESSIONS = ["EXT_meshopt_compression", "KHR_meshopt_compression"] as const;

export interface DecodedAccessor {
  /** Numbers of one element. */
  readonly width: number;
  readonly count: number;
  /** count × width; normalised integers already divided (glTF 2.0 §3.6.2.2, equations of §3.11). */
  readonly values: Float32Array;
}

/** What the file declares of an accessor, checked for itself but not yet against its bytes. */
interface Declared {
  readonly where: string;
  readonly value: JsonObject;
  readonly componentType: number;
  readonly type: string;
  readonly width: number;
  readonly count: number;
  readonly elementBytes: number;
}

/** The smallest document that holds the wanted accessors, for the library to decode. */
interface SmallDocument {
  readonly asset: { readonly version: "2.0" };
  readonly buffers: { readonly uri: string; readonly byteLength: number }[];
  readonly bufferViews: JsonObject[];
  readonly accessors: JsonObject[];
}

export class GltfAccessors {
  readonly #accessorDefs: readonly JsonObject[];
  readonly #viewDefs: readonly JsonObject[];
  readonly #bufferDefs: readonly JsonObject[];
  readonly #container: GltfContainer;
  readonly #readCompanion: ReadCompanion;
  readonly #limits: ClipLimits;
  readonly #requiredExtensions: readonly string[];
  /** Bytes of each buffer that was needed so far. */
  readonly #buffers = new Map<number, Uint8Array>();

  constructor(options: {
    container: GltfContainer;
    readCompanion: ReadCompanion;
    limits: ClipLimits;
    requiredExtensions: readonly string[];
  }) {
    this.#accessorDefs = objects(options.container.json, "accessors");
    this.#viewDefs = objects(options.container.json, "bufferViews");
    this.#bufferDefs = objects(options.container.json, "buffers");
    this.#container = options.container;
    this.#readCompanion = options.readCompanion;
    this.#limits = options.limits;
    this.#requiredExtensions = options.requiredExtensions;
  }

  /** Elements that an accessor declares, without touching its bytes. */
  declaredCount(accessorIndex: number): number {
    return this.#declared(accessorIndex).count;
  }

  /** Decodes the accessors with these indices. Throws CLIP_INVALID naming what is wrong, CLIP_TOO_LARGE beyond the limits. */
  async decode(wanted: Iterable<number>): Promise<ReadonlyMap<number, DecodedAccessor>> {
    const declared = new Map([...new Set(wanted)].map((i) => [i, this.#declared(i)] as const));
    const elements = [...declared.values()].reduce((sum, { count }) => sum + count, 0);
    // A take of n keys has at most n times and 3n values.
    if (elements > this.#limits.maxKeys * 4) {
      throw new Fault(
        "CLIP_TOO_LARGE",
        `the take has ${elements} key values; at most ${this.#limits.maxKeys} keys are allowed`,
      );
    }
    const small: SmallDocument = {
      asset: { version: "2.0" },
      buffers: [],
      bufferViews: [],
      accessors: [],
    };
    const resources: Record<string, Uint8Array> = {};
    for (const accessor of declared.values())
      small.accessors.push(await this.#reduce(accessor, small, resources));
    const decoded = await decodeWithLibrary(small, resources);
    const results = new Map<number, DecodedAccessor>();
    for (const [position, [accessorIndex, accessor]] of [...declared].entries()) {
      const values = decoded[position];
      if (values?.length !== accessor.count * accessor.width)
        throw gltfFault(`${accessor.where} could not be decoded`);
      results.set(accessorIndex, { width: accessor.width, count: accessor.count, values });
    }
    return results;
  }

  #declared(accessorIndex: number): Declared {
    const where = `accessors[${accessorIndex}]`;
    const value = this.#accessorDefs[accessorIndex] ?? {};
    const componentType = whole(value["componentType"], `${where}.componentType`, 0);
    const componentBytes = Object.hasOwn(COMPONENT_BYTES, componentType)
      ? COMPONENT_BYTES[componentType]
      : undefined;
    if (componentBytes === undefined)
      throw gltfFault(`${where}.componentType ${componentType} does not exist`);
    const type = value["type"];
    const width =
      typeof type === "string" && Object.hasOwn(ELEMENT_WIDTHS, type)
        ? ELEMENT_WIDTHS[type]
        : undefined;
    if (typeof type !== "string" || width === undefined) {
      throw gltfFault(`${where}.type must be SCALAR, VEC2, VEC3 or VEC4 for an animation`);
    }
    if (
      value["normalized"] === true &&
      (componentType === FLOAT || componentType === UNSIGNED_INT)
    ) {
      throw gltfFault(`${where}.normalized must not be true for componentType ${componentType}`);
    }
    const count = whole(value["count"], `${where}.count`, 1);
    return {
      where,
      value,
      componentType,
      type,
      width,
      count,
      elementBytes: componentBytes * width,
    };
  }

  /** The accessor as the library shall see it: same data, buffer views of its own, every byte offset stated. */
  async #reduce(
    accessor: Declared,
    small: SmallDocument,
    resources: Record<string, Uint8Array>,
  ): Promise<JsonObject> {
    const { where, value, componentType, type, count } = accessor;
    const reduced: Record<string, unknown> = {
      componentType,
      type,
      count,
      normalized: value["normalized"] === true,
    };
    if (value["bufferView"] !== undefined) {
      Object.assign(reduced, await this.#range(value, where, accessor, small, resources));
    }
    if (value["sparse"] !== undefined)
      reduced["sparse"] = await this.#reduceSparse(accessor, small, resources);
    return reduced;
  }

  async #reduceSparse(
    accessor: Declared,
    small: SmallDocument,
    resources: Record<string, Uint8Array>,
  ): Promise<JsonObject> {
    const where = `${accessor.where}.sparse`;
    const { sparse } = accessor.value;
    const indices = isObject(sparse) ? sparse["indices"] : undefined;
    const values = isObject(sparse) ? sparse["values"] : undefined;
    if (!isObject(sparse) || !isObject(indices) || !isObject(values)) {
      throw gltfFault(`${where} must have count, indices and values`);
    }
    const count = whole(sparse["count"], `${where}.count`, 1);
    if (count > accessor.count)
      throw gltfFault(`${where}.count is ${count}; the accessor has ${accessor.count} elements`);
    const componentType = whole(indices["componentType"], `${where}.indices.componentType`, 0);
    const bytes = { 5121: 1, 5123: 2, 5125: 4 }[componentType];
    if (bytes === undefined)
      throw gltfFault(`${where}.indices.componentType must be 5121, 5123 or 5125`);
    const indexRange = await this.#range(
      indices,
      `${where}.indices`,
      { count, elementBytes: bytes },
      small,
      resources,
    );
    this.#refuseWrongIndices(
      indexRange,
      { bytes, count, limit: accessor.count, where },
      small,
      resources,
    );
    const valueRange = await this.#range(
      values,
      `${where}.values`,
      { count, elementBytes: accessor.elementBytes },
      small,
      resources,
    );
    return { count, indices: { componentType, ...indexRange }, values: valueRange };
  }

  #refuseWrongIndices(
    range: { readonly bufferView: number; readonly byteOffset: number },
    expected: { bytes: number; count: number; limit: number; where: string },
    small: SmallDocument,
    resources: Record<string, Uint8Array>,
  ): void {
    const buffer = resources[small.buffers[range.bufferView]?.uri ?? ""];
    if (buffer === undefined) throw gltfFault(`${expected.where}.indices has no data`);
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    let previous = -1;
    for (let i = 0; i < expected.count; i++) {
      const at = range.byteOffset + i * expected.bytes;
      const found =
        expected.bytes === 1
          ? view.getUint8(at)
          : expected.bytes === 2
            ? view.getUint16(at, true)
            : view.getUint32(at, true);
      if (found <= previous || found >= expected.limit) {
        throw gltfFault(
          `${expected.where}.indices must rise and stay below ${expected.limit}; index ${i} is ${found}`,
        );
      }
      previous = found;
    }
  }

  /**
   * Checks that `count` elements lie inside their buffer view and that inside its buffer, and adds both to the small
   * document, each view with a buffer of its own, so that their indices are the same.
   */
  async #range(
    holder: JsonObject,
    where: string,
    need: { readonly count: number; readonly elementBytes: number },
    small: SmallDocument,
    resources: Record<string, Uint8Array>,
  ): Promise<{ bufferView: number; byteOffset: number }> {
    const viewIndex = index(holder["bufferView"], `${where}.bufferView`, this.#viewDefs.length);
    const view = this.#viewDefs[viewIndex] ?? {};
    const at = `bufferViews[${viewIndex}]`;
    this.#refuseCompressed(view, at);
    const byteOffset = whole(holder["byteOffset"], `${where}.byteOffset`, 0, 0);
    const start = whole(view["byteOffset"], `${at}.byteOffset`, 0, 0);
    const length = whole(view["byteLength"], `${at}.byteLength`, 1);
    const stride = whole(
      view["byteStride"],
      `${at}.byteStride`,
      need.elementBytes,
      need.elementBytes,
    );
    const end = byteOffset + stride * (need.count - 1) + need.elementBytes;
    if (end > length) throw gltfFault(`${where} needs ${end} bytes of ${at}, which has ${length}`);
    const buffer = await this.#buffer(
      index(view["buffer"], `${at}.buffer`, this.#bufferDefs.length),
    );
    if (start + length > buffer.length) {
      throw gltfFault(
        `${at} ends at byte ${start + length} of a buffer of ${buffer.length}; the file is truncated`,
      );
    }
    const position = small.bufferViews.length;
    const uri = `view${position}.bin`;
    resources[uri] = buffer.subarray(start, start + length);
    small.buffers.push({ uri, byteLength: length });
    const strided = stride === need.elementBytes ? {} : { byteStride: stride };
    small.bufferViews.push({ buffer: position, byteOffset: 0, byteLength: length, ...strided });
    return { bufferView: position, byteOffset };
  }

  /** A compressed view may carry a plain copy for readers like this one; it counts unless the extension is required. */
  #refuseCompressed(view: JsonObject, where: string): void {
    const extensions = view["extensions"];
    if (!isObject(extensions)) return;
    for (const name of COMPRESSIONS) {
      if (extensions[name] === undefined) continue;
      const buffer = this.#bufferDefs[Number(view["buffer"])];
      const marks = buffer?.["extensions"];
      const mark = isObject(marks) ? marks[name] : undefined;
      const isPlaceholder =
        isObject(mark) && mark["fallback"] === true && buffer?.["uri"] === undefined;
      if (isPlaceholder || this.#requiredExtensions.includes(name)) {
        throw gltfFault(
          `${where} holds animation compressed with ${name}, which is not supported; export without compression`,
        );
      }
    }
  }

  async #buffer(bufferIndex: number): Promise<Uint8Array> {
    const known = this.#buffers.get(bufferIndex);
    if (known) return known;
    const where = `buffers[${bufferIndex}]`;
    const value = this.#bufferDefs[bufferIndex] ?? {};
    const length = whole(value["byteLength"], `${where}.byteLength`, 1);
    const uri = value["uri"];
    let bytes: Uint8Array;
    if (typeof uri === "string")
      bytes = await readBufferUri(uri, `${where}.uri`, this.#readCompanion);
    else if (bufferIndex === 0 && this.#container.binary) bytes = this.#container.binary;
    else
      throw gltfFault(
        `${where} has no uri and the file no binary chunk for it; its data are missing`,
      );
    if (bytes.length < length)
      throw gltfFault(`${where} declares ${length} bytes and has ${bytes.length}; it is truncated`);
    const used = bytes.subarray(0, length);
    this.#buffers.set(bufferIndex, used);
    return used;
  }
}

async function decodeWithLibrary(
  small: SmallDocument,
  resources: Record<string, Uint8Array>,
): Promise<readonly Float32Array[]> {
  const { WebIO, Logger } = await import("@gltf-transform/core");
  try {
    const io = new WebIO().setLogger(new Logger(Logger.Verbosity.SILENT));
    type Input = Parameters<typeof io.readJSON>[0];
    const document = await io.readJSON({ json: small, resources } as unknown as Input);
    return document
      .getRoot()
      .listAccessors()
      .map((accessor) => {
        const array = accessor.getArray();
        if (array instanceof Float32Array) return array;
        const width = accessor.getElementSize();
        const element: number[] = [];
        const values = new Float32Array(accessor.getCount() * width);
        for (let i = 0; i < accessor.getCount(); i++)
          values.set(accessor.getElement(i, element), i * width);
        return values;
      });
  } catch (error) {
    throw gltfFault(`the animation data cannot be decoded: ${messageOf(error)}`);
  }
}
