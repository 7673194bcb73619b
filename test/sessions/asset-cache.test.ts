/** The cache of loaded assets: shared, bounded, and empty after a failure. */
import { describe, expect, test } from "bun:test";
import { AssetCache } from "../../src/sessions/asset-cache.ts";

function loader(bytes = 10) {
  let loads = 0;
  return {
    load: async () => {
      loads++;
      await Bun.sleep(1);
      return { key: "k", bytes, assets: { number: loads } };
    },
    count: () => loads,
  };
}

describe("asset cache", () => {
  test("simultaneous requests for one key wait for one load and share it", async () => {
    const cache = new AssetCache(100);
    const { load, count } = loader();
    const leases = await Promise.all(Array.from({ length: 20 }, () => cache.lease("a", load)));
    expect(count()).toBe(1);
    expect(new Set(leases.map((lease) => lease.assets)).size).toBe(1);
    expect(cache.bytes).toBe(10);
  });

  test("over its size the least recently used goes, but never one in use", async () => {
    const cache = new AssetCache(25);
    const { load, count } = loader();
    const a = await cache.lease("a", load);
    const b = await cache.lease("b", load);
    b.release();
    const c = await cache.lease("c", load);
    expect(cache.bytes).toBe(20);
    c.release();
    await cache.lease("a", load);
    expect(count()).toBe(3);
    await cache.lease("b", load);
    expect(count()).toBe(4);
    a.release();
    a.release();
    expect(cache.bytes).toBeLessThanOrEqual(25);
  });

  test("a failed load fails everyone who waited and leaves nothing behind", async () => {
    const cache = new AssetCache(100);
    let loads = 0;
    const load = async (): Promise<never> => {
      loads++;
      await Bun.sleep(1);
      throw new Error("no");
    };
    const results = await Promise.allSettled([cache.lease("a", load), cache.lease("a", load)]);
    expect(results.map((result) => result.status)).toEqual(["rejected", "rejected"]);
    expect(loads).toBe(1);
    expect(cache.bytes).toBe(0);
    const again = loader();
    expect((await cache.lease("a", again.load)).assets).toEqual({ number: 1 });
  });
});
