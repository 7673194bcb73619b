/**
 * Reads a clip's bytes: from a path or from memory, with the files a .gltf names beside it. A companion is found only
 * inside the clip's own folder, symbolic links included; all sizes are bounded before anything is read.
 */
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { Fault } from "../../../core/fault.ts";
import type { ClipLimits } from "./description.ts";

/** Where a clip comes from: a path already resolved inside its root by the caller, or bytes with the name they go by. */
export type ClipSource =
  | { readonly path: string }
  | { readonly bytes: Uint8Array; readonly name: string };

/** A clip's file, opened: read it in parts or whole. */
export class ClipFile {
  /** File name without folders: what messages and `info.name` show. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly #folder: string | undefined;
  readonly #read: (offset: number, length: number) => Promise<Uint8Array>;
  readonly #limits: ClipLimits;
  /** Bytes of the companions read so far, in order of reading. */
  readonly #companions: Uint8Array[] = [];

  private constructor(options: {
    name: string;
    sizeBytes: number;
    folder: string | undefined;
    read: (offset: number, length: number) => Promise<Uint8Array>;
    limits: ClipLimits;
  }) {
    this.name = options.name;
    this.sizeBytes = options.sizeBytes;
    this.#folder = options.folder;
    this.#read = options.read;
    this.#limits = options.limits;
  }

  /** Throws CLIP_NOT_FOUND where there is no such file, CLIP_TOO_LARGE beyond `limits.maxSourceBytes`. */
  static async open(source: ClipSource, limits: ClipLimits): Promise<ClipFile> {
    if ("bytes" in source) {
      const { bytes } = source;
      refuseTooLarge(bytes.length, source.name, limits);
      const read = async (offset: number, length: number) =>
        bytes.subarray(offset, offset + length);
      return new ClipFile({
        name: basename(source.name),
        sizeBytes: bytes.length,
        folder: undefined,
        read,
        limits,
      });
    }
    const name = basename(source.path);
    const sizeBytes = await sizeOfFile(source.path);
    if (sizeBytes === undefined)
      throw new Fault("CLIP_NOT_FOUND", `there is no clip file '${name}'`);
    refuseTooLarge(sizeBytes, name, limits);
    // Through Bun, which also reads files embedded in the executable; node:fs opens only some of those.
    const file = Bun.file(source.path);
    const read = async (offset: number, length: number) =>
      await file.slice(offset, Math.min(offset + length, sizeBytes)).bytes();
    return new ClipFile({
      name,
      sizeBytes,
      folder: dirname(source.path),
      read,
      limits,
    });
  }

  /** Up to `length` bytes from `offset`; fewer at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#read(offset, length);
  }

  /** Everything read through `readCompanion`, in order: part of what the clip is made of. */
  get companions(): readonly Uint8Array[] {
    return this.#companions;
  }

  /** Reads a file that the clip names by a relative URI. Throws CLIP_INVALID for any other URI and for a missing file. */
  readonly readCompanion = async (uri: string): Promise<Uint8Array> => {
    const relative = relativePathOf(uri);
    if (this.#folder === undefined) {
      throw new Fault(
        "CLIP_INVALID",
        `the clip needs the file '${relative}', but was given without a folder; embed its buffers or send a GLB`,
      );
    }
    const folder = await realpath(this.#folder);
    const path = await realpath(join(folder, relative)).catch(() => undefined);
    const sizeBytes = path === undefined ? undefined : await sizeOfFile(path);
    if (path === undefined || sizeBytes === undefined) {
      throw new Fault(
        "CLIP_INVALID",
        `the clip needs the file '${relative}', which is not beside it`,
      );
    }
    if (!path.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
      throw new Fault(
        "CLIP_INVALID",
        `the clip names '${relative}', which leads out of its folder`,
      );
    }
    const soFar = this.#companions.reduce((sum, bytes) => sum + bytes.length, this.sizeBytes);
    refuseTooLarge(soFar + sizeBytes, this.name, this.#limits);
    const bytes = await Bun.file(path).bytes();
    this.#companions.push(bytes);
    return bytes;
  };
}

/** The relative path a URI of a companion means, refused where it is absolute, has a scheme, or climbs. */
function relativePathOf(uri: string): string {
  let path: string;
  try {
    path = decodeURIComponent(uri);
  } catch {
    path = "";
  }
  const hasScheme = /^[a-z][a-z0-9+.-]*:/i.test(path);
  const climbs = path.split("/").includes("..");
  if (
    path === "" ||
    hasScheme ||
    climbs ||
    path.startsWith("/") ||
    path.includes("\\") ||
    path.includes("\0")
  ) {
    const shown = uri.slice(0, 80);
    throw new Fault(
      "CLIP_INVALID",
      `the clip names '${shown}'; only files in the clip's own folder, by relative path, are read`,
    );
  }
  return path;
}

function refuseTooLarge(bytes: number, name: string, limits: ClipLimits): void {
  if (bytes <= limits.maxSourceBytes) return;
  throw new Fault(
    "CLIP_TOO_LARGE",
    `'${name}' has ${bytes} bytes; at most ${limits.maxSourceBytes} (maxClipBytes) are allowed`,
  );
}

/** Size of a regular file; undefined where there is none. */
async function sizeOfFile(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
