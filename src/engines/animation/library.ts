/**
 * The clips a server offers: those it carries and those in the operator's folder. Names come from listing the folder, so a
 * client's name can only ever match a file that is there; nothing a client sends is used as a path.
 */
import { promises as files } from "node:fs";
import { extname, join, sep } from "node:path";
import { Fault } from "../../core/fault.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { ClipSource } from "./options.ts";

const EXTENSIONS = new Set([".bvh", ".gltf", ".glb", ".fbx"]);
const MAX_DEPTH = 4;

export class ClipLibrary {
  readonly #embedded: readonly ClipSource[];
  readonly #folder: string | undefined;

  /** `folder` is searched at each request, so files may come and go while the server runs. */
  constructor(embedded: readonly ClipSource[], folder: string | undefined) {
    this.#embedded = embedded;
    this.#folder = folder;
  }

  /** All clips by name; a file in the folder hides an embedded clip of the same name. */
  async list(): Promise<readonly ClipSource[]> {
    const byName = new Map(this.#embedded.map((clip) => [clip.name, clip]));
    if (this.#folder !== undefined) {
      const root = await files.realpath(this.#folder).catch(() => undefined);
      if (root !== undefined)
        for (const clip of await scan(root, root, 0)) byName.set(clip.name, clip);
    }
    const clips = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return clips.slice(0, LIMITS.maxClips);
  }

  /** The clip called `name`; its folders and its extension may be left out where that leaves one clip. */
  async find(name: string): Promise<ClipSource> {
    const clips = await this.list();
    for (const shorten of [whole, withoutFolders, withoutExtension]) {
      const found = clips.filter((clip) => shorten(clip.name) === name);
      if (found.length === 1 && found[0]) return found[0];
      if (found.length > 1) throw notFound(`"${name}" names ${found.length} clips`, found);
    }
    throw notFound(`there is no clip "${name}"`, clips);
  }
}

function whole(name: string): string {
  return name;
}

function withoutFolders(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function withoutExtension(name: string): string {
  const base = withoutFolders(name);
  return base.slice(0, -extname(base).length);
}

function notFound(problem: string, clips: readonly ClipSource[]): Fault {
  const names = clips.slice(0, 20).map((clip) => clip.name);
  return new Fault("CLIP_NOT_FOUND", `${problem}; GET /animations lists them`, { clips: names });
}

async function scan(root: string, folder: string, depth: number): Promise<ClipSource[]> {
  const found: ClipSource[] = [];
  const entries = await files.readdir(folder, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (depth < MAX_DEPTH && !entry.name.startsWith("."))
        found.push(...(await scan(root, path, depth + 1)));
      continue;
    }
    if (!EXTENSIONS.has(extname(entry.name).toLowerCase())) continue;
    const clip = await clipAt(root, path);
    if (clip) found.push(clip);
    if (found.length >= LIMITS.maxClips) break;
  }
  return found;
}

/** A file inside the root, links followed; undefined for what leads outside or is not a file. */
async function clipAt(root: string, path: string): Promise<ClipSource | undefined> {
  try {
    const real = await files.realpath(path);
    if (!real.startsWith(root + sep)) return undefined;
    const info = await files.stat(real);
    if (!info.isFile()) return undefined;
    const name = path.slice(root.length + 1).replaceAll(sep, "/");
    return { name, path: real, bytes: info.size, modifiedMs: info.mtimeMs };
  } catch {
    // The file went away between listing and looking.
    return undefined;
  }
}
