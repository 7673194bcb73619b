/** The list of clips with what is inside them, found out by the loader once per version of a file. */
import { Fault } from "../core/fault.ts";
import type { ClipLibrary } from "../engines/animation/library.ts";
import type { ClipSource } from "../engines/animation/options.ts";

export interface ClipTake {
  readonly name: string;
  readonly duration_s: number;
  readonly frame_rate_hz?: number;
}

export interface ClipEntry {
  readonly name: string;
  readonly format: "bvh" | "gltf" | "glb" | "fbx";
  readonly bytes: number;
  readonly modified_at: number;
  readonly bones?: number;
  readonly takes?: readonly ClipTake[];
  readonly error?: string;
}

interface Inspected {
  readonly jointCount: number;
  readonly takes: readonly {
    readonly name: string;
    readonly durationS: number;
    readonly rateHz?: number;
  }[];
}

type Findings = Pick<ClipEntry, "bones" | "takes" | "error">;

/** Looking into more files than this for one answer would take too long; the others are listed by name. */
const INSPECT_PER_ANSWER = 200;

export class ClipCatalogue {
  readonly #library: ClipLibrary;
  readonly #inspect: (source: ClipSource) => Promise<unknown>;
  readonly #known = new Map<string, Promise<Findings>>();

  constructor(library: ClipLibrary, inspect: (source: ClipSource) => Promise<unknown>) {
    this.#library = library;
    this.#inspect = inspect;
  }

  async list(): Promise<readonly ClipEntry[]> {
    const sources = await this.#library.list();
    const keys = new Set(sources.map(keyOf));
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
    return await Promise.all(
      sources.map(async (source, index): Promise<ClipEntry> => {
        const known = this.#known.has(keyOf(source)) || index < INSPECT_PER_ANSWER;
        return { ...entryOf(source), ...(known ? await this.#findings(source) : {}) };
      }),
    );
  }

  #findings(source: ClipSource): Promise<Findings> {
    const key = keyOf(source);
    const known = this.#known.get(key);
    if (known) return known;
    const findings = this.#lookInto(source);
    this.#known.set(key, findings);
    return findings;
  }

  async #lookInto(source: ClipSource): Promise<Findings> {
    try {
      const { jointCount, takes } = (await this.#inspect(source)) as Inspected;
      return {
        bones: jointCount,
        takes: takes.map((take) => ({
          name: take.name,
          duration_s: take.durationS,
          ...(take.rateHz === undefined ? {} : { frame_rate_hz: take.rateHz }),
        })),
      };
    } catch (error) {
      if (error instanceof Fault) return { error: error.message };
      throw error;
    }
  }
}

function keyOf(source: ClipSource): string {
  return `${source.path}|${source.modifiedMs}|${source.bytes}`;
}

function entryOf(source: ClipSource): ClipEntry {
  const extension = source.name.slice(source.name.lastIndexOf(".") + 1).toLowerCase();
  const format =
    (["bvh", "gltf", "glb", "fbx"] as const).find((known) => known === extension) ?? "bvh";
  return {
    name: source.name,
    format,
    bytes: source.bytes,
    modified_at: Math.round(source.modifiedMs),
  };
}
