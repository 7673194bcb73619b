/**
 * Writes the built-in clips: `bun test/tools/make-clips/main.ts [folder]`, by default into src/assets/clips.
 */
import { join, resolve } from "node:path";
import { builtInClipFiles } from "./clips.ts";

const folder = process.argv[2] ?? resolve(import.meta.dir, "../../../src/assets/clips");
for (const [name, bytes] of builtInClipFiles()) {
  await Bun.write(join(folder, name), bytes);
  process.stdout.write(`${name} ${bytes.byteLength} bytes\n`);
}
