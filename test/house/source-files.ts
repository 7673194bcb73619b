/** Finds the files of the repository and reads their imports, for the tests that hold the house in order. Knows no rules. */
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

export const ROOT = join(import.meta.dir, "../..");

/** What tools make or fetch, and what git keeps for itself: no work of ours. */
const FOREIGN = /^(node_modules|dist|ffi\/build|\.git)\//;

/** Paths from the root, with forward slashes, in order; the files that a clone has, and new ones. */
export function repositoryFiles(pattern: string): readonly string[] {
  const glob = new Bun.Glob(pattern);
  const paths = [...glob.scanSync({ cwd: ROOT, dot: true, onlyFiles: true })];
  return paths
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !FOREIGN.test(path))
    .sort();
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

type ImportKind =
  /** `import … from`, `export … from`, `import "…"`: loaded with the module. */
  | "static"
  /** `import("…")`: loaded when reached. */
  | "dynamic"
  /** `import type`, `export type … from`: gone when the program runs. */
  | "type"
  /** `import("…").T` inside a type. */
  | "inline-type";

export interface Import {
  /** The importing file. */
  readonly from: string;
  /** A file of the repository as a path from its root, or a module name such as `zod` or `node:fs`. */
  readonly to: string;
  readonly kind: ImportKind;
  readonly line: number;
}

const parsed = new Map<string, readonly Import[]>();

/** The imports of a TypeScript or JavaScript file, in no order. Those made of anything but a literal are not seen. */
export function importsOf(path: string): readonly Import[] {
  const known = parsed.get(path);
  if (known) return known;
  const imports = importsIn(path, readText(path));
  parsed.set(path, imports);
  return imports;
}

/** As `importsOf`, from a text. Throws where the text does not parse: what cannot be read must not pass. */
export function importsIn(path: string, text: string): readonly Import[] {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const add = (kind: ImportKind, specifier: unknown, start: number): void => {
    if (typeof specifier !== "string") return;
    const line = text.slice(0, start).split("\n").length;
    imports.push({ from: path, to: resolveFrom(path, specifier), kind, line });
  };
  const staticKind = (kind: string | undefined): ImportKind =>
    kind === "type" ? "type" : "static";
  new Visitor({
    ImportDeclaration: (node) => add(staticKind(node.importKind), node.source.value, node.start),
    ExportAllDeclaration: (node) => add(staticKind(node.exportKind), node.source.value, node.start),
    ExportNamedDeclaration: (node) =>
      add(staticKind(node.exportKind), node.source?.value, node.start),
    ImportExpression: (node) =>
      add("dynamic", node.source.type === "Literal" ? node.source.value : undefined, node.start),
    TSImportType: (node) => add("inline-type", node.source.value, node.start),
  }).visit(program);
  return imports;
}

function resolveFrom(path: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}

/** Whether a module name stands for a package (or one of its files), and not for a file of ours. */
export function isPackage(module: string, name: string): boolean {
  return module === name || module.startsWith(`${name}/`);
}

/** Files and packages that the entries lead to over imports of the given kinds, each with the file that led to it first. */
export function reachFrom(
  entries: readonly string[],
  kinds: readonly ImportKind[],
): ReadonlyMap<string, string | undefined> {
  const reached = new Map<string, string | undefined>(entries.map((entry) => [entry, undefined]));
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (!/\.(ts|tsx|js|mjs)$/.test(path) || path.endsWith(".d.ts")) continue;
    // What is built (dist/web/*.js) is not ours to read.
    if (FOREIGN.test(path) || !isOwn(path)) continue;
    for (const { to, kind } of importsOf(path)) {
      if (!kinds.includes(kind) || reached.has(to)) continue;
      reached.set(to, path);
      queue.push(to);
    }
  }
  return reached;
}

let own: ReadonlySet<string> | undefined;

function isOwn(path: string): boolean {
  own ??= new Set(repositoryFiles("**/*.{ts,js,mjs}"));
  return own.has(path);
}

/** How a closure came to hold a file: the files from the entry to it. */
export function trail(reached: ReadonlyMap<string, string | undefined>, path: string): string {
  const steps = [path];
  for (let at = reached.get(path); at !== undefined; at = reached.get(at)) steps.unshift(at);
  return steps.join(" → ");
}
