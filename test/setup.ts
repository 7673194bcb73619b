/**
 * Runs before any test, also in a bare `bun test` of a fresh clone: installs and builds what is missing or stale. build.ts imports
 * no package before it has installed them, and neither does this file.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { prepare } from "../build.ts";

const wasInstalled = existsSync(join(import.meta.dir, "../node_modules"));
await prepare({ native: true, pages: true });
if (!wasInstalled) forgetMissingPackages();

/**
 * Bun remembers for each folder whether packages are above it, and looks again only where a file was not found: here for this folder and
 * the one above. (test/e2e/fresh-clone.test.ts notices when that changes.)
 */
function forgetMissingPackages(): void {
  for (const folder of [join(import.meta.dir, ".."), import.meta.dir]) {
    try {
      Bun.resolveSync("./not-there.ts", folder);
    } catch {
      // It is not there, as it should be.
    }
  }
}
