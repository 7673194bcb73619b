/**
 * soma.h, the binding table and the library's exported symbols are one interface: every name in each of them, in every direction, with
 * the types of the arguments; and the numbers that TypeScript repeats are those of the header.
 */
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileNative } from "../../ffi/build.ts";
import { SOMA_ABI, SOMA_BINDINGS, SOMA_STATUS } from "../../src/native/bindings.ts";
import {
  CLIP_HEADER,
  CLIP_HEADER_BYTES,
  CLIP_LANES,
  CLIP_LANES_BYTES,
  CLIP_MAGIC,
  CLIP_MAX_JOINTS,
  CLIP_TRACK,
  CLIP_TRACK_BYTES,
  CLIP_VERSION,
  LANE_GROUP,
  LANE_GROUP_BYTES,
  LANES,
  TRACK_IN_LANES,
  TRACK_KIND,
  TRACK_WRAPS,
} from "../../src/native/clip-layout.ts";
import { ORIENTATIONS, PROCESS_METHODS, RESIZE_FILTERS } from "../../src/native/image.ts";
import {
  IMAGE_BYTES,
  MAX_IMAGE_SIDE,
  PIXEL_COLOURS,
  PIXEL_FORMATS,
} from "../../src/native/pixels.ts";
import { testWith } from "../tools/requirement.ts";

const INCLUDE = join(import.meta.dir, "../../ffi/include");
const header = await Bun.file(join(INCLUDE, "soma.h")).text();
const code = header.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^#.*$/gm, "");

interface Prototype {
  readonly args: readonly string[];
  readonly returns: string;
}

const FFI_TYPES: Readonly<Record<string, string>> = {
  int32_t: "i32",
  uint32_t: "u32",
  uint64_t: "u64",
  double: "f64",
  float: "f32",
};

function ffiType(declaration: string): string {
  if (declaration.includes("*")) return "ptr";
  const [type = ""] = declaration
    .replace(/\bconst\b/, "")
    .trim()
    .split(/\s+/);
  return FFI_TYPES[type] ?? `unknown: ${declaration}`;
}

/** Every SOMA_API prototype of the header. */
function prototypes(): Map<string, Prototype> {
  const found = new Map<string, Prototype>();
  for (const [, returns = "", name = "", parameters = ""] of code.matchAll(
    /SOMA_API\s+(\w+)\s+(\w+)\(([^)]*)\)\s*;/g,
  )) {
    const args = parameters.trim() === "void" ? [] : parameters.split(",").map(ffiType);
    found.set(name, { args, returns: ffiType(returns) });
  }
  return found;
}

describe("soma.h, bindings.ts and the library", () => {
  const declared = prototypes();

  test("the header declares what it marks as public", () => {
    expect(declared.size).toBe([...code.matchAll(/SOMA_API/g)].length);
    expect(declared.size).toBeGreaterThanOrEqual(16);
  });

  test("header and binding table have the same functions with the same types", () => {
    const bound = Object.entries(SOMA_BINDINGS).map(
      ([name, { args, returns }]) => [name, { args: [...args], returns }] as const,
    );
    expect(Object.fromEntries(bound)).toEqual(Object.fromEntries(declared) as never);
  });

  testWith(
    [{ package: "gcc" }, { package: "binutils" }],
    "the library exports these functions and nothing else",
    async () => {
      const { path, compiled } = await compileNative();
      expect(compiled).toBe(true);
      const { stdout } = spawnSync("nm", ["-D", "--defined-only", path], { encoding: "utf8" });
      const exported = stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" ").at(-1) ?? "");
      expect(exported.sort()).toEqual([...declared.keys()].sort());
    },
  );
});

/** What a C program says that includes the header: sizes, offsets, constants. */
function askCompiler(expressions: readonly string[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), "soma-abi-"));
  try {
    const lines = expressions.map((expression) => `printf("%lld\\n", (long long)(${expression}));`);
    const source = `#include "soma.h"\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n${lines.join("\n")}\nreturn 0;\n}\n`;
    writeFileSync(join(folder, "ask.c"), source);
    const compiler = Bun.which("cc") ?? "gcc";
    const built = spawnSync(compiler, ["-std=c17", `-I${INCLUDE}`, "ask.c", "-o", "ask"], {
      cwd: folder,
      encoding: "utf8",
    });
    if (built.status !== 0) throw new Error(built.stderr);
    const { stdout } = spawnSync(join(folder, "ask"), [], { encoding: "utf8" });
    return stdout.trim().split("\n").map(Number);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z0-9]+/g, (part) => `_${part.toLowerCase()}`);
}

testWith([{ package: "gcc" }], "numbers that TypeScript repeats are those of the header", () => {
  const expected: [string, number][] = [
    ...Object.entries(SOMA_ABI).map(([name, value]): [string, number] => [
      name.startsWith("SOMA") ? name : `sizeof(${name})`,
      value,
    ]),
    ...Object.entries(SOMA_STATUS),
    ["sizeof(soma_clip)", CLIP_HEADER_BYTES],
    ["sizeof(soma_track)", CLIP_TRACK_BYTES],
    ["sizeof(soma_image)", IMAGE_BYTES],
    ["SOMA_CLIP_MAGIC", CLIP_MAGIC],
    ["SOMA_CLIP_VERSION", CLIP_VERSION],
    ["SOMA_MAX_JOINTS", CLIP_MAX_JOINTS],
    ["SOMA_TRACK_WRAPS", TRACK_WRAPS],
    ["SOMA_TRACK_IN_LANES", TRACK_IN_LANES],
    ["SOMA_LANES", LANES],
    ["sizeof(soma_lanes)", CLIP_LANES_BYTES],
    ["sizeof(soma_lane_group)", LANE_GROUP_BYTES],
    ...Object.entries(CLIP_LANES).map(([name, at]): [string, number] => [
      `offsetof(soma_lanes, ${snake(name)})`,
      at,
    ]),
    ...Object.entries(LANE_GROUP).map(([name, at]): [string, number] => [
      `offsetof(soma_lane_group, ${snake(name)})`,
      at,
    ]),
    ["SOMA_MAX_IMAGE_SIDE", MAX_IMAGE_SIDE],
    ...Object.entries(CLIP_HEADER).map(([name, at]): [string, number] => [
      `offsetof(soma_clip, ${snake(name)})`,
      at,
    ]),
    ...Object.entries(CLIP_TRACK).map(([name, at]): [string, number] => [
      `offsetof(soma_track, ${snake(name)})`,
      at,
    ]),
    ...Object.entries(TRACK_KIND).map(([name, value]): [string, number] => [
      `SOMA_TRACK_${name.toUpperCase()}`,
      value,
    ]),
    ...PIXEL_FORMATS.map((name, value): [string, number] => [`SOMA_${name.toUpperCase()}`, value]),
    ...PIXEL_COLOURS.map((name, value): [string, number] => [
      `SOMA_${name.toUpperCase().replace("-", "_")}`,
      value,
    ]),
    ...PROCESS_METHODS.map((name, value): [string, number] => [
      `SOMA_${name.toUpperCase()}`,
      value,
    ]),
    ...Object.entries(RESIZE_FILTERS).map(([name, value]): [string, number] => [
      `SOMA_${name.toUpperCase()}`,
      value,
    ]),
    ...Object.entries(ORIENTATIONS).map(([name, value]): [string, number] => [
      `SOMA_${snake(name).toUpperCase()}`,
      value,
    ]),
    ["offsetof(soma_image, stride_bytes)", 24],
    ["offsetof(soma_image, width)", 36],
    ["offsetof(soma_image, height)", 40],
    ["offsetof(soma_image, format)", 44],
    ["offsetof(soma_image, colour)", 48],
    ["offsetof(soma_sums, clipped)", 4],
    ["offsetof(soma_sums, sum)", 8],
    ["offsetof(soma_png_info, format)", 8],
    ["SOMA_F32", 0],
    ["SOMA_F64", 1],
    ["SOMA_F16", 2],
    ["SOMA_ROW_MAJOR", 0],
    ["SOMA_COLUMN_MAJOR", 1],
  ];
  const answers = askCompiler(expected.map(([expression]) => expression));
  expect(Object.fromEntries(expected.map(([expression], i) => [expression, answers[i]]))).toEqual(
    Object.fromEntries(expected),
  );
  expect(expected.length).toBeGreaterThan(80);
});
