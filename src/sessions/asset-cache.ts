/**
 * Loaded assets, shared by the sessions that use the same file. Requests for a file being loaded wait for that one load; the
 * least recently used ones without sessions are dropped when the cache is over its size. A failed load leaves nothing.
 */
import type { Loaded } from "../engines/contract.ts";

interface Entry {
  readonly loaded: Promise<Loaded<unknown>>;
  bytes: number;
  users: number;
}

/** Assets held for a session until it is released. */
export interface AssetLease {
  readonly assets: unknown;
  release(): void;
}

export class AssetCache {
  readonly #maxBytes: number;
  /** In order of last use. */
  readonly #entries = new Map<string, Entry>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += entry.bytes;
    return bytes;
  }

  async lease(key: string, load: () => Promise<Loaded<unknown>>): Promise<AssetLease> {
    const entry = this.#entries.get(key) ?? this.#add(key, load);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users++;
    try {
      const { assets } = await entry.loaded;
      let held = true;
      return {
        assets,
        release: () => {
          if (!held) return;
          held = false;
          entry.users--;
          this.#trim();
        },
      };
    } catch (error) {
      entry.users--;
      throw error;
    }
  }

  #add(key: string, load: () => Promise<Loaded<unknown>>): Entry {
    const entry: Entry = { loaded: load(), bytes: 0, users: 0 };
    this.#entries.set(key, entry);
    entry.loaded.then(
      ({ bytes }) => {
        entry.bytes = bytes;
        this.#trim();
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry;
  }

  #trim(): void {
    let bytes = this.bytes;
    for (const [key, entry] of this.#entries) {
      if (bytes <= this.#maxBytes) return;
      if (entry.users > 0) continue;
      this.#entries.delete(key);
      bytes -= entry.bytes;
    }
  }
}
