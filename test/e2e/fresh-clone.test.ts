/**
 * Goal: bare `bun test` works in a fresh clone. Method: the files that a clone has are copied to an empty folder, and one test file that
 * needs packages, the C library and the sources runs there, with nothing installed or built before.
 */
import { afterAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT, repositoryFiles } from "../house/source-files.ts";

const clone = mkdtempSync(join(tmpdir(), "soma-clone-"));
afterAll(() => rmSync(clone, { recursive: true, force: true }));

const INSTALL_AND_BUILD_MS = 180_000;

test(
  "a bare bun test installs and builds what it needs",
  async () => {
    for (const path of repositoryFiles("**")) {
      mkdirSync(join(clone, dirname(path)), { recursive: true });
      cpSync(join(ROOT, path), join(clone, path));
    }
    expect(existsSync(join(clone, "node_modules"))).toBe(false);
    const files = ["test/house/layers.test.ts", "test/house/papers.test.ts"];
    const child = Bun.spawn([process.execPath, "test", ...files, "-t", "zod|binary says"], {
      cwd: clone,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    const exitCode = await child.exited;
    expect(exitCode === 0 ? "" : `${out}${err}`).toBe("");
    expect(err).toMatch(/^ *[1-9]\d* pass$/m);
    expect(existsSync(join(clone, "ffi/build/libsoma.so"))).toBe(true);
    expect(existsSync(join(clone, "dist/web"))).toBe(true);
  },
  INSTALL_AND_BUILD_MS,
);
