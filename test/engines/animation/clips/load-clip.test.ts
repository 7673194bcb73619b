/**
 * Goal: the one door to clips: formats by content, files only from the clip's own folder, info that is complete, and a
 * cheap look that agrees with the full one.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_CLIP_LIMITS } from "../../../../src/engines/animation/clips/description.ts";
import { inspectClip, loadClip } from "../../../../src/engines/animation/clips/load-clip.ts";
import { animate, makeAsset, times, toGlb, toGltf } from "./gltf-fixture.ts";

const BVH = `HIERARCHY
ROOT hips
{
  OFFSET 1 2 3
  CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT head
  {
    OFFSET 0 5 0
    CHANNELS 0
    End Site
    {
      OFFSET 0 1 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
0 0 0
10 0 0
`;
const asset = makeAsset(
  [
    { ...times(0, 1), json: { min: [0], max: [1] } },
    { data: new Float32Array([1, 2, 3, 4, 5, 6]), type: "VEC3" },
  ],
  animate("translation", "LINEAR"),
);
const text = (value: string) => new TextEncoder().encode(value);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "soma-clips-"));
  mkdirSync(join(folder, "clips/part one"), { recursive: true });
  writeFileSync(join(folder, "clips/walk.bvh"), BVH);
  writeFileSync(join(folder, "clips/move.glb"), toGlb(asset));
  writeFileSync(join(folder, "clips/part one/data.bin"), asset.binary);
  writeFileSync(join(folder, "outside.bin"), asset.binary);
  symlinkSync(join(folder, "outside.bin"), join(folder, "clips/link.bin"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("info", () => {
  test("of a BVH clip", async () => {
    const { block, info } = await loadClip({ path: join(folder, "clips/walk.bvh") });
    const { contentHash, ...rest } = info;
    expect(contentHash).toMatch(/^[0-9a-f]{64}$/);
    expect(rest).toEqual({
      name: "walk.bvh",
      format: "bvh",
      take: "take_0",
      takeIndex: 0,
      takes: [{ name: "take_0", durationS: 0.08, rateHz: 25 }],
      jointCount: 2,
      boneNames: ["hips", "head"],
      parents: [-1, 0],
      rootCount: 1,
      bindPose: {
        positions: [
          [1, 2, 3],
          [0, 5, 0],
        ],
        rotations: [
          [0, 0, 0, 1],
          [0, 0, 0, 1],
        ],
        scales: [
          [1, 1, 1],
          [1, 1, 1],
        ],
      },
      durationS: 0.08,
      startS: 0,
      endS: 0.04,
      wrapS: 0.08,
      frameRateHz: 25,
      warnings: [],
      sourceBytes: BVH.length,
      blockBytes: block.byteLength,
    });
  });

  test("survives structured clone and JSON", async () => {
    const { info } = await loadClip({ path: join(folder, "clips/move.glb") });
    expect(structuredClone(info)).toEqual(info);
    expect(JSON.parse(JSON.stringify(info))).toEqual(info);
  });

  test("equal content has equal hashes, other content others", async () => {
    const hash = async (bvh: string) =>
      (await loadClip({ bytes: text(bvh), name: "a.bvh" })).info.contentHash;
    expect(await hash(BVH.replaceAll("\n", "\r\n"))).toBe(await hash(BVH));
    expect(await hash(BVH.replace("10 0 0", "10 0 1"))).not.toBe(await hash(BVH));
    expect(await hash(BVH.replace("head", "neck"))).not.toBe(await hash(BVH));
  });

  test("a BVH clip has one take, by name or index", async () => {
    const take = async (choice: string | number) =>
      (await loadClip({ bytes: text(BVH), name: "a.bvh", take: choice })).info.takeIndex;
    expect([await take("take_0"), await take(0), await take("0")]).toEqual([0, 0, 0]);
    expect(take("walk")).rejects.toMatchObject({ code: "CLIP_TAKE_NOT_FOUND" });
  });
});

describe("the format", () => {
  test.each([
    ["BVH under another name", text(BVH), "Walking.fbx", "bvh"],
    ["BVH with a byte order mark and blank lines", text(`\ufeff\n \n${BVH}`), "a", "bvh"],
    ["GLB under another name", toGlb(asset), "a.bvh", "gltf"],
    ["glTF text without a name", toGltf(asset), "", "gltf"],
  ] as const)("%s is known by its content", async (_, bytes, name, format) => {
    expect((await loadClip({ bytes, name })).info.format).toBe(format);
    expect((await inspectClip({ bytes, name })).format).toBe(format);
  });

  test.each([
    [
      "binary FBX",
      "Kaydara FBX Binary  \0",
      "a",
      "CLIP_FORMAT_UNSUPPORTED",
      "FBX is not supported yet; convert to glTF or BVH",
    ],
    [
      "text FBX",
      "; FBX 7.3.0 project file",
      "a.txt",
      "CLIP_FORMAT_UNSUPPORTED",
      "FBX is not supported yet; convert to glTF or BVH",
    ],
    [
      "anything called .fbx",
      "????",
      "A.FBX",
      "CLIP_FORMAT_UNSUPPORTED",
      "FBX is not supported yet; convert to glTF or BVH",
    ],
    [
      "something else",
      "PNG",
      "a.png",
      "CLIP_FORMAT_UNSUPPORTED",
      "'a.png' is not a BVH, glTF or GLB file",
    ],
    ["an empty file", "", "a.bvh", "CLIP_INVALID", "begins with the word HIERARCHY"],
    ["a .glb that is none", "nothing", "a.glb", "CLIP_INVALID", "the JSON cannot be read"],
    [
      "glTF 1",
      '{"asset":{"version":"1.1"}}',
      "a.gltf",
      "CLIP_FORMAT_UNSUPPORTED",
      "convert the file to glTF 2.0",
    ],
  ])("%s is refused", async (_, content, name, code, message) => {
    const expected = { code, message: expect.stringContaining(message) };
    expect(loadClip({ bytes: text(content), name })).rejects.toMatchObject(expected);
    expect(inspectClip({ bytes: text(content), name })).rejects.toMatchObject(expected);
  });
});

describe("files", () => {
  const write = (uri: string) => {
    const path = join(folder, "clips/move.gltf");
    writeFileSync(path, toGltf(asset, uri));
    return loadClip({ path });
  };

  test("a buffer beside the clip, in a folder of it, with an escaped name", async () => {
    const { info } = await write("part%20one/data.bin");
    expect(info.sourceBytes).toBe(
      toGltf(asset, "part%20one/data.bin").length + asset.binary.length,
    );
    const { info: glb } = await loadClip({ path: join(folder, "clips/move.glb") });
    expect(info.contentHash).toBe(glb.contentHash);
  });

  test.each([
    ["../outside.bin", "only files in the clip's own folder"],
    ["part%20one/../../outside.bin", "only files in the clip's own folder"],
    ["%2e%2e/outside.bin", "only files in the clip's own folder"],
    ["/etc/hostname", "only files in the clip's own folder"],
    ["file:///etc/hostname", "only files in the clip's own folder"],
    ["http://127.0.0.1/data.bin", "only files in the clip's own folder"],
    ["part one\\data.bin", "only files in the clip's own folder"],
    ["data%00.bin", "only files in the clip's own folder"],
    ["%zz", "only files in the clip's own folder"],
    ["link.bin", "leads out of its folder"],
    ["missing.bin", "which is not beside it"],
    ["part%20one", "which is not beside it"],
  ])("the buffer %s is refused", async (uri, message) => {
    expect(write(uri)).rejects.toMatchObject({
      code: "CLIP_INVALID",
      message: expect.stringContaining(message),
    });
  });

  test("bytes without a folder name no files", () => {
    expect(loadClip({ bytes: toGltf(asset, "data.bin"), name: "a.gltf" })).rejects.toThrow(
      "embed its buffers or send a GLB",
    );
  });

  test("sizes are bounded before anything is read, buffers counted in", async () => {
    const path = join(folder, "clips/move.gltf");
    await write("part%20one/data.bin");
    const whole = toGltf(asset, "part%20one/data.bin").length + asset.binary.length;
    const within = (maxSourceBytes: number) =>
      loadClip({ path, limits: { ...DEFAULT_CLIP_LIMITS, maxSourceBytes } });
    expect(within(whole)).resolves.toBeDefined();
    expect(within(whole - 1)).rejects.toMatchObject({ code: "CLIP_TOO_LARGE" });
    expect(within(10)).rejects.toMatchObject({
      code: "CLIP_TOO_LARGE",
      message: expect.stringContaining("at most 10 (maxClipBytes)"),
    });
  });

  test.each(["absent.bvh", "part one"])("%s is no clip", (name) => {
    const path = join(folder, "clips", name);
    expect(loadClip({ path })).rejects.toMatchObject({
      code: "CLIP_NOT_FOUND",
      message: `there is no clip file '${name}'`,
    });
    expect(inspectClip({ path })).rejects.toMatchObject({ code: "CLIP_NOT_FOUND" });
  });
});

describe("inspectClip", () => {
  test.each(["walk.bvh", "move.glb"])("agrees with loadClip about %s", async (name) => {
    const path = join(folder, "clips", name);
    const { info } = await loadClip({ path });
    const summary = await inspectClip({ path });
    expect(summary).toEqual({
      name,
      format: info.format,
      takes: info.takes,
      jointCount: info.jointCount,
      boneNames: info.boneNames,
      sourceBytes: info.sourceBytes,
    });
  });

  test("reads heads longer than its first part, wherever the part happens to end", async () => {
    const rest = BVH.replace("0.04", "0.0425").slice("HIERARCHY".length);
    for (const cut of [
      0,
      40,
      120,
      BVH.indexOf("MOTION"),
      BVH.indexOf("0.04") + 6 - "HIERARCHY".length,
      BVH.indexOf("0.04") + 4 - "HIERARCHY".length,
    ]) {
      const padded = `HIERARCHY${" ".repeat(64 * 1024 - 9 - cut)}${rest}${"0 0 0\n".repeat(20_000)}`;
      const summary = await inspectClip({ bytes: text(padded), name: "a.bvh" });
      expect(summary.takes).toEqual([{ name: "take_0", durationS: 0.085, rateHz: 1 / 0.0425 }]);
      expect(summary.boneNames).toEqual(["hips", "head"]);
    }
  });

  test("does not read the motion: damage there goes unseen, damage in the head does not", async () => {
    const bytes = text(`${BVH}nonsense`);
    expect(await inspectClip({ bytes, name: "a.bvh" })).toMatchObject({ jointCount: 2 });
    expect(loadClip({ bytes, name: "a.bvh" })).rejects.toMatchObject({ code: "CLIP_INVALID" });
    const damaged = text(`${BVH.replace("JOINT", "JOIN")}${" ".repeat(200_000)}`);
    expect(inspectClip({ bytes: damaged, name: "a.bvh" })).rejects.toThrow(
      "'JOIN' stands inside 'hips'",
    );
  });
});
