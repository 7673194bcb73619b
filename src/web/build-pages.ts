/**
 * Bundles the pages and the SDK into one folder of plain files: HTML, scripts, style sheets, icon. Nothing in them is
 * inline and nothing points to another host, so they work offline and under a strict content security policy.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

export interface BuiltPage {
  /** Name inside the folder; the URL path is made from it. */
  readonly file: string;
  readonly bytes: number;
}

const HERE = import.meta.dir;

const SCRIPTS: Readonly<Record<string, string>> = {
  "dashboard.js": "dashboard/main.ts",
  "viewer.js": "viewer/main.ts",
  "sdk.js": "../client/sdk.ts",
};
const STYLES: Readonly<Record<string, string>> = {
  "dashboard.css": "dashboard/dashboard.css",
  "viewer.css": "viewer/viewer.css",
};
const COPIES: Readonly<Record<string, string>> = {
  "index.html": "dashboard/index.html",
  "view.html": "viewer/view.html",
  "favicon.svg": "favicon.svg",
};

/** Builds every file into `outDir`, which is made if need be. Throws what the bundler found wrong. */
export async function buildPages(outDir: string): Promise<readonly BuiltPage[]> {
  await mkdir(outDir, { recursive: true });
  const built: BuiltPage[] = [];
  for (const [file, entry] of [...Object.entries(SCRIPTS), ...Object.entries(STYLES)]) {
    built.push({ file, bytes: await bundle(join(HERE, entry), join(outDir, file)) });
  }
  for (const [file, from] of Object.entries(COPIES)) {
    built.push({ file, bytes: await Bun.write(join(outDir, file), Bun.file(join(HERE, from))) });
  }
  return built;
}

async function bundle(entry: string, outFile: string): Promise<number> {
  const result = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    format: "esm",
    minify: true,
    sourcemap: "none",
  });
  const [output, ...more] = result.outputs;
  if (!output || more.length > 0)
    throw new Error(`assertion failed: ${entry} is bundled into one file`);
  return await Bun.write(outFile, output);
}
