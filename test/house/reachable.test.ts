/**
 * Goal: nothing in the product lies about unused. Method: from the entry points of the binary, the SDK and the pages, imports are
 * followed to every file; workers, pages and clips are held against the lists that put them into the binary.
 */
import { describe, expect, test } from "bun:test";
import { ERROR_CODES } from "../../src/protocol/errors.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { reachFrom, readText, repositoryFiles } from "./source-files.ts";

/** Finished parts that the engines to come will call; their tests call them now. Each line goes when its caller comes. */
const AWAITED: readonly string[] = [
  "src/native/image.ts",
  "src/native/image-sums.ts",
  "src/native/pixels.ts",
];

const workers = repositoryFiles("workers/*.ts");
const pageSources = namedIn(
  "src/web/build-pages.ts",
  /"((?:\.\.\/)?[\w./-]+\.(?:ts|css|html|svg))"/g,
).map((path) => (path.startsWith("../") ? path.replace("../", "src/") : `src/web/${path}`));

describe("the binary's parts", () => {
  test("every source file is reached from an entry point", () => {
    const entries = ["src/main.ts", "src/web/build-pages.ts", ...workers, ...pageSources];
    const reached = reachFrom(entries, ["static", "dynamic", "type"]);
    // Ambient declarations are found by the compiler, not by imports.
    const sources = repositoryFiles("src/**/*.ts").filter((path) => !path.endsWith(".d.ts"));
    expect(sources.length).toBeGreaterThan(80);
    expect(sources.filter((path) => !reached.has(path))).toEqual([...AWAITED].sort());
  });

  test("every worker is an entry point of the build, and known by name to those who start it", () => {
    expect(workers.length).toBeGreaterThan(1);
    expect(namedIn("build.ts", /"(workers\/[\w-]+\.ts)"/g)).toEqual([...workers]);
    const url = readText("src/sessions/worker-url.ts");
    const names = [...(/\bname: ([^)]+)\)/.exec(url)?.[1] ?? "").matchAll(/"([\w-]+)"/g)];
    expect(names.map(([, name]) => `workers/${name}.ts`).sort()).toEqual([...workers]);
  });

  test("every page, style and script is built, and what is built is served", () => {
    const written = repositoryFiles("src/web/**/*.{html,css,svg}");
    expect(written.filter((path) => path.endsWith(".html")).length).toBeGreaterThan(1);
    expect(written.filter((path) => !pageSources.includes(path) && !isImported(path))).toEqual([]);
    const built = namedIn("src/web/build-pages.ts", /"([\w.-]+)":\s*"/g);
    const served = namedIn("src/assets/web.ts", /"\.\.\/\.\.\/dist\/web\/([\w.-]+)"/g);
    expect(built.length).toBeGreaterThan(4);
    expect(served).toEqual(built);
  });

  test("every clip made for the binary is in it", () => {
    const clips = repositoryFiles("src/assets/clips/*").map((path) =>
      path.replace("src/assets/", ""),
    );
    expect(clips.length).toBeGreaterThan(3);
    expect(namedIn("src/assets/clips.ts", /"\.\/(clips\/[\w.-]+)"/g)).toEqual(clips);
  });
});

describe("the tables of the protocol", () => {
  const users = repositoryFiles("src/**/*.ts")
    .filter((path) => path !== "src/protocol/errors.ts" && path !== "src/protocol/limits.ts")
    .map(readText)
    .join("\n");

  test("hold no error that is never raised", () => {
    expect(ERROR_CODES.length).toBeGreaterThan(20);
    expect(ERROR_CODES.filter((code) => !users.includes(`"${code}"`))).toEqual([]);
  });

  test("hold no limit that limits nothing", () => {
    const names = Object.keys(LIMITS);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !new RegExp(`\\bLIMITS\\.${name}\\b`).test(users))).toEqual([]);
  });
});

/** Style sheets and pictures may be named by another page or style instead. */
function isImported(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const others = repositoryFiles("src/web/**/*.{ts,css}").filter((other) => other !== path);
  return others.some((other) => readText(other).includes(`/${name}"`));
}

/** What the pattern captures in a file, each once, in order. */
function namedIn(path: string, pattern: RegExp): string[] {
  const names = [...readText(path).matchAll(pattern)].map(([, name = ""]) => name);
  return [...new Set(names)].sort();
}
