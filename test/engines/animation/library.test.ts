/** Which clips there are, and that no name leads out of their folder. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClipLibrary } from "../../../src/engines/animation/library.ts";
import { failureOf } from "../../tools/faulty-manager.ts";

const folder = mkdtempSync(join(tmpdir(), "soma-clips-"));
const outside = mkdtempSync(join(tmpdir(), "soma-outside-"));
mkdirSync(join(folder, "dances/slow"), { recursive: true });
mkdirSync(join(folder, ".hidden"));
for (const name of [
  "walk.bvh",
  "run.glb",
  "notes.txt",
  "dances/waltz.bvh",
  "dances/slow/tango.gltf",
  ".hidden/x.bvh",
  "twin.bvh",
  "dances/twin.bvh",
  "same.bvh",
  "same.glb",
]) {
  writeFileSync(join(folder, name), name);
}
writeFileSync(join(outside, "secret.bvh"), "secret");
symlinkSync(join(outside, "secret.bvh"), join(folder, "link-out.bvh"));
symlinkSync(join(folder, "walk.bvh"), join(folder, "link-in.bvh"));
symlinkSync(outside, join(folder, "folder-out"));

afterAll(() => {
  for (const path of [folder, outside]) rmSync(path, { recursive: true, force: true });
});

const embedded = [
  { name: "walk.bvh", path: "/embedded/walk.bvh", bytes: 1, modifiedMs: 0 },
  { name: "wave.bvh", path: "/embedded/wave.bvh", bytes: 1, modifiedMs: 0 },
];

describe("clip library", () => {
  const library = new ClipLibrary(embedded, folder);

  test("lists clips of the folder and its folders, and the built-in ones; a file hides a built-in clip of its name", async () => {
    const clips = await library.list();
    expect(clips.map((clip) => clip.name)).toEqual([
      "dances/slow/tango.gltf",
      "dances/twin.bvh",
      "dances/waltz.bvh",
      "link-in.bvh",
      "run.glb",
      "same.bvh",
      "same.glb",
      "twin.bvh",
      "walk.bvh",
      "wave.bvh",
    ]);
    expect(clips.find((clip) => clip.name === "walk.bvh")?.path).not.toStartWith("/embedded");
  });

  test("finds by name, without folders, without extension", async () => {
    expect((await library.find("dances/waltz.bvh")).name).toBe("dances/waltz.bvh");
    expect((await library.find("waltz.bvh")).name).toBe("dances/waltz.bvh");
    expect((await library.find("tango")).name).toBe("dances/slow/tango.gltf");
    expect((await library.find("twin.bvh")).name).toBe("twin.bvh");
  });

  test("a name that fits several clips is refused with them", async () => {
    expect(await failureOf(library.find("same"))).toMatchObject({
      code: "CLIP_NOT_FOUND",
      details: { clips: ["same.bvh", "same.glb"] },
    });
  });

  for (const name of [
    "../secret.bvh",
    "..",
    `${outside}/secret.bvh`,
    "/etc/passwd",
    "link-out.bvh",
    "secret",
    "folder-out/secret.bvh",
    "dances/../walk.bvh",
    "./walk.bvh",
    "walk.bvh\0.txt",
    "",
    "notes.txt",
    ".hidden/x.bvh",
  ]) {
    test(`"${name.replaceAll("\0", "\\0").replace(outside, "<outside>")}" names nothing`, async () => {
      expect(await failureOf(library.find(name))).toMatchObject({ code: "CLIP_NOT_FOUND" });
    });
  }

  test("a folder that went away leaves the built-in clips", async () => {
    const names = (await new ClipLibrary(embedded, "/nonexistent").list()).map((clip) => clip.name);
    expect(names).toEqual(["walk.bvh", "wave.bvh"]);
  });
});
