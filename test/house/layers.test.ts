/**
 * Goal: imports point one way, as the README's map of the house says, types included; a worker never loads what belongs to the main
 * thread. Method: every import of every file, read by a parser, is held against the rules below; each rule is shown a violation
 * first, so that a rule that cannot fail is noticed.
 */
import { describe, expect, test } from "bun:test";
import {
  type Import,
  importsIn,
  importsOf,
  isPackage,
  reachFrom,
  repositoryFiles,
  trail,
} from "./source-files.ts";

/** Folders by level; an import may not point to a higher one. What the binary carries is assembled where things are wired. */
const LEVELS: ReadonlyArray<readonly [folder: string, level: number]> = [
  ["src/protocol/", 0],
  ["src/core/", 1],
  ["src/native/", 2],
  ["src/engines/", 3],
  ["src/sessions/", 4],
  ["src/transports/", 5],
  ["src/app/", 6],
  ["src/assets/", 6],
  ["src/main.ts", 7],
];

/** Modules that have a home; whatever else `src` and `workers` import must be Bun's or Node's own. */
const HOMES: Readonly<Record<string, RegExp>> = {
  "bun:ffi": /^src\/native\//,
  elysia: /^src\/(transports|app)\//,
  "@elysiajs/swagger": /^src\/transports\/http\//,
  "swagger-ui-dist": /^src\/transports\/http\//,
  "prom-client": /^src\/transports\/http\//,
  pino: /^src\/app\//,
  zod: /^src\/(protocol\/schemas|sessions|transports|app)\/|^src\/engines\/[a-z-]+\/spec\.ts$/,
  "@gltf-transform/core": /^src\/engines\/animation\/clips\//,
  three: /^src\/web\//,
};

/** The contract is handed zod's types, and the SDK three's; neither loads them. */
const TYPE_HOMES: Readonly<Record<string, RegExp>> = {
  zod: /^src\/engines\/contract\.ts$/,
  three: /^src\/client\/three\.ts$/,
};

/** Files of the protocol that depend on nothing, so that pages and other people's bundles may carry them. */
const BROWSER_SAFE = [
  "src/protocol/errors.ts",
  "src/protocol/layouts.ts",
  "src/protocol/limits.ts",
];

/** What the server's side may know of engines: their face, and how it speaks with the workers that run them. */
const ENGINE_FACE = /^src\/engines\/(contract|runtime\/(messages|blocks))\.ts$/;

/** Files that may know one engine's options and files besides: they list its clips. Types only. */
const CLIP_LISTERS = ["src/sessions/clip-catalogue.ts"];
const CLIP_FILES = /^src\/engines\/animation\/(options|library)\.ts$/;

interface Rule {
  readonly name: string;
  readonly broken: (edge: Import) => boolean;
  /** An import that breaks it. */
  readonly example: Pick<Import, "from" | "to" | "kind">;
}

const RULES: readonly Rule[] = [
  {
    name: "imports point to the same level or a lower one",
    broken: ({ from, to }) =>
      levelOf(from) !== undefined && (levelOf(to) ?? 0) > (levelOf(from) ?? 0),
    example: { from: "src/core/ring.ts", to: "src/sessions/stream.ts", kind: "type" },
  },
  {
    name: "a module is imported in its home only",
    broken: ({ from, to, kind }) => isAwayFromHome(from, to, kind),
    example: { from: "src/engines/animation/engine.ts", to: "bun:ffi", kind: "static" },
  },
  {
    name: "zod's values are for the main thread",
    broken: ({ from, to, kind }) => isPackage(to, "zod") && isAwayFromHome(from, to, kind),
    example: { from: "src/engines/contract.ts", to: "zod", kind: "static" },
  },
  {
    name: "types are imported at the top of the file",
    broken: ({ kind }) => kind === "inline-type",
    example: { from: "src/core/log.ts", to: "src/core/clock.ts", kind: "inline-type" },
  },
  {
    name: "transports do not import each other",
    broken: ({ from, to }) => differ(from, to, /^src\/transports\/([a-z]+)\//),
    example: { from: "src/transports/ws/a.ts", to: "src/transports/http/b.ts", kind: "type" },
  },
  {
    name: "engines and their runtime do not import each other",
    broken: ({ from, to }) => differ(from, to, /^src\/engines\/([a-z]+)\//),
    example: { from: "src/engines/avatar/a.ts", to: "src/engines/animation/b.ts", kind: "type" },
  },
  {
    name: "an engine's module is loaded by name, when it is needed",
    broken: ({ from, to, kind }) =>
      /^src\/engines\/[a-z-]+\/engine\.ts$/.test(to) &&
      (from !== "src/engines/registry.ts" || kind !== "dynamic"),
    example: {
      from: "src/engines/registry.ts",
      to: "src/engines/animation/engine.ts",
      kind: "static",
    },
  },
  {
    name: "sessions and transports see an engine's face, not the engine",
    broken: ({ from, to, kind }) =>
      /^src\/(sessions|transports)\//.test(from) &&
      to.startsWith("src/engines/") &&
      !ENGINE_FACE.test(to) &&
      !(kind === "type" && CLIP_LISTERS.includes(from) && CLIP_FILES.test(to)),
    example: { from: "src/sessions/manager.ts", to: "src/engines/animation/spec.ts", kind: "type" },
  },
  {
    name: "clips and animators are known to the animation engine only",
    broken: ({ from, to }) =>
      /^src\/engines\/animation\/(clips|animators)\//.test(to) &&
      !from.startsWith("src/engines/animation/"),
    example: {
      from: "src/app/wiring.ts",
      to: "src/engines/animation/clips/bvh.ts",
      kind: "static",
    },
  },
  {
    name: "workers are thin: runtime, core and protocol",
    broken: ({ from, to }) =>
      from.startsWith("workers/") && !/^src\/(engines\/runtime|core|protocol)\//.test(to),
    example: { from: "workers/engine.ts", to: "src/engines/registry.ts", kind: "static" },
  },
  {
    name: "the SDK imports itself and what the protocol shares with browsers",
    broken: ({ from, to, kind }) =>
      from.startsWith("src/client/") &&
      !to.startsWith("src/client/") &&
      !BROWSER_SAFE.includes(to) &&
      !isAtTypeHome(from, to, kind),
    example: { from: "src/client/sdk.ts", to: "src/protocol/schemas/session.ts", kind: "static" },
  },
  {
    name: "pages import the SDK, three and the protocol's types",
    broken: ({ from, to, kind }) =>
      from.startsWith("src/web/") &&
      from !== "src/web/build-pages.ts" &&
      !/^src\/(web|client)\//.test(to) &&
      !isPackage(to, "three") &&
      !BROWSER_SAFE.includes(to) &&
      !(kind === "type" && to.startsWith("src/protocol/")),
    example: { from: "src/web/viewer/main.ts", to: "src/core/clock.ts", kind: "static" },
  },
  {
    name: "what bundles the pages uses nothing of ours",
    broken: ({ from, to }) => from === "src/web/build-pages.ts" && !isBuiltIn(to),
    example: { from: "src/web/build-pages.ts", to: "src/core/fault.ts", kind: "static" },
  },
  {
    name: "the server imports neither SDK nor pages nor workers, and nobody imports main",
    broken: ({ from, to }) =>
      /^(src\/(client|web)\/|workers\/|src\/main\.ts)/.test(to) &&
      !/^src\/(client|web)\//.test(from),
    example: { from: "src/sessions/pool.ts", to: "workers/engine.ts", kind: "static" },
  },
  {
    name: "the product stands on src alone, beside what is built",
    broken: ({ from, to }) =>
      isOurs(to) &&
      !/^(src|dist\/web|ffi\/build)\//.test(to) &&
      !MANIFEST_READERS.has(`${from} ${to}`),
    example: { from: "src/core/clock.ts", to: "test/tools/third-party-data.ts", kind: "static" },
  },
];

const MANIFEST_READERS: ReadonlySet<string> = new Set(["src/protocol/version.ts package.json"]);

/** Undefined for what has no place in the order: pages, SDK, workers, packages; other rules hold them. */
function levelOf(path: string): number | undefined {
  return LEVELS.find(([folder]) => path.startsWith(folder))?.[1];
}

/** Whether both lie in the folders that the pattern captures, and in different ones. */
function differ(from: string, to: string, folder: RegExp): boolean {
  const [a, b] = [folder.exec(from)?.[1], folder.exec(to)?.[1]];
  return a !== undefined && b !== undefined && a !== b;
}

function isBuiltIn(module: string): boolean {
  return module.startsWith("node:") || (module.startsWith("bun") && module !== "bun:ffi");
}

/** A path from the root, in contrast to the name of a module. */
function isOurs(to: string): boolean {
  return /\.[a-z0-9]+$/.test(to) && !/^[a-z@][^/]*:/.test(to) && !isPackaged(to);
}

function isPackaged(to: string): boolean {
  return Object.keys(HOMES).some((name) => isPackage(to, name));
}

function isAwayFromHome(from: string, to: string, kind: Import["kind"]): boolean {
  if (isBuiltIn(to) || isOurs(to)) return false;
  if (isAtTypeHome(from, to, kind)) return false;
  const home = Object.entries(HOMES).find(([name]) => isPackage(to, name))?.[1];
  return home === undefined || !home.test(from);
}

function isAtTypeHome(from: string, to: string, kind: Import["kind"]): boolean {
  return kind === "type" && TYPE_HOMES[to.split("/")[0] ?? ""]?.test(from) === true;
}

const sources = repositoryFiles("{src,workers}/**/*.ts");
const edges = sources.flatMap((path) => importsOf(path));

describe("imports", () => {
  test("were read: hundreds, of every kind", () => {
    expect(sources.length).toBeGreaterThan(80);
    expect(edges.length).toBeGreaterThan(300);
    expect(edges.filter(({ kind }) => kind === "type").length).toBeGreaterThan(80);
    expect(edges.filter(({ kind }) => kind === "dynamic").length).toBeGreaterThan(2);
    // Every relative import leads to a file of the repository, or to one that the build makes.
    const files = new Set(repositoryFiles("**"));
    const lost = edges.filter(({ to }) => /^(src|workers|test)\//.test(to) && !files.has(to));
    expect(lost.map(lineOf)).toEqual([]);
  });

  for (const { name, broken } of RULES) {
    test(name, () => {
      expect(edges.filter(broken).map(lineOf)).toEqual([]);
    });
  }

  test("of tests and tools name their types at the top, too", () => {
    const others = repositoryFiles("{test,examples}/**/*.ts").flatMap((path) => importsOf(path));
    expect(others.length).toBeGreaterThan(50);
    expect(others.filter(({ kind }) => kind === "inline-type").map(lineOf)).toEqual([]);
  });
});

describe("what is loaded", () => {
  const MAIN_ONLY = ["zod", "elysia", "@elysiajs/swagger", "pino", "prom-client"];

  test("by workers, now or later, is free of the main thread's packages", () => {
    const workers = sources.filter((path) => path.startsWith("workers/"));
    const reached = reachFrom(workers, ["static", "dynamic"]);
    // The engines and their parsers are in it, so it was followed to the end.
    expect(reached.has("src/engines/animation/engine.ts")).toBe(true);
    expect(reached.has("src/engines/animation/clips/bvh.ts")).toBe(true);
    const wrong = [...reached.keys()].filter(
      (to) =>
        to.startsWith("src/protocol/schemas/") || MAIN_ONLY.some((name) => isPackage(to, name)),
    );
    expect(wrong.map((to) => trail(reached, to))).toEqual([]);
  });

  test("by main at its start has no engine and no parser in it", () => {
    const reached = reachFrom(["src/main.ts", "src/app/serve.ts"], ["static"]);
    expect(reached.has("src/sessions/manager.ts")).toBe(true);
    const wrong = [...reached.keys()].filter((to) =>
      /^src\/engines\/[a-z-]+\/(engine\.ts|clips\/|animators\/(?!registry\.ts))/.test(to),
    );
    expect(wrong.map((to) => trail(reached, to))).toEqual([]);
  });

  test("by browsers is the protocol's part that depends on nothing", () => {
    const reached = reachFrom(BROWSER_SAFE, ["static", "dynamic", "type"]);
    expect([...reached.keys()].sort()).toEqual(BROWSER_SAFE);
  });
});

describe("the rules themselves", () => {
  for (const { name, broken, example } of RULES) {
    test(`notice a violation: ${name}`, () => {
      expect(broken({ ...example, line: 1 })).toBe(true);
    });
  }

  test("every form of import is read, with its kind and line", () => {
    const text = [
      'import { a } from "../a.ts";',
      'import type { B } from "./b.ts";',
      'import { type C } from "./c.ts";',
      'import "./d.ts";',
      'export * from "./e.ts";',
      'export type { F } from "./f.ts";',
      'export { g } from "./g.ts";',
      'const h = async () => await import("./h.ts");',
      'type I = import("./i.ts").I;',
      'import j from "zod";',
      '// import k from "./not.ts";',
      "const l = 'import m from \"./neither.ts\"';",
    ].join("\n");
    const seen = importsIn("src/core/x.ts", text).map(
      ({ to, kind, line }) => `${line} ${kind} ${to}`,
    );
    expect(seen.sort()).toEqual(
      [
        "1 static src/a.ts",
        "2 type src/core/b.ts",
        // Under verbatimModuleSyntax the module is still loaded.
        "3 static src/core/c.ts",
        "4 static src/core/d.ts",
        "5 static src/core/e.ts",
        "6 type src/core/f.ts",
        "7 static src/core/g.ts",
        "8 dynamic src/core/h.ts",
        "9 inline-type src/core/i.ts",
        "10 static zod",
      ].sort(),
    );
  });

  test("a text that does not parse is not taken for one without imports", () => {
    expect(() => importsIn("src/core/x.ts", 'import { from "./a.ts"')).toThrow("does not parse");
  });
});

function lineOf({ from, line, to, kind }: Import): string {
  return `${from}:${line} ${kind} import of ${to}`;
}
