/** The clips that the executable carries, so that a first session needs no files. Made by test/tools/make-clips. */
import type { ClipSource } from "../engines/animation/options.ts";
import dance from "./clips/dance.glb" with { type: "file" };
import run from "./clips/run.bvh" with { type: "file" };
import walk from "./clips/walk.bvh" with { type: "file" };
import wave from "./clips/wave.bvh" with { type: "file" };

const CLIPS: Readonly<Record<string, string>> = {
  "dance.glb": dance,
  "run.bvh": run,
  "walk.bvh": walk,
  "wave.bvh": wave,
};

/** One source per embedded clip. Embedded files never change, so their modification time is 0. */
export function embeddedClips(): readonly ClipSource[] {
  return Object.entries(CLIPS).map(([name, path]) => ({
    name,
    path,
    bytes: Bun.file(path).size,
    modifiedMs: 0,
  }));
}
