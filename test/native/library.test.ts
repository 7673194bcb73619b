/**
 * How libsoma comes into a process: each way, on main and in workers, from sources and inside an executable that runs in an empty folder
 * with a temporary folder that is missing or refuses to execute.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOMA_ABI } from "../../src/native/bindings.ts";
import { type NativeLoading, nativeStatus } from "../../src/native/library.ts";
import { testWith } from "../tools/requirement.ts";
import type { ProbeReport } from "./fixtures/probe.ts";

const ROOT = join(import.meta.dir, "../..");
const FIXTURES = join(import.meta.dir, "fixtures");
const hasLibrary = nativeStatus().how !== "none";
const isLinux = process.platform === "linux";
const LIBRARY = { machine: "the native library", has: hasLibrary } as const;
const LINUX = { machine: "memfd_create, of Linux", has: isLinux } as const;

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "soma-native-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Report {
  readonly main: ProbeReport;
  readonly workers: readonly ProbeReport[];
}

function runProbe(command: readonly string[], env: Record<string, string>, cwd = folder): Report {
  const [program = "", ...args] = command;
  const { stdout, stderr, status } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  if (status !== 0) throw new Error(`probe ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Report;
}

/** All threads loaded it in the same way and sampled the same pose. */
function expectWay(report: Report, how: NativeLoading): void {
  const all = [report.main, ...report.workers];
  expect(all.map(({ status }) => status.how)).toEqual([how, how, how]);
  expect(all.map(({ form }) => form)).toEqual(
    Array(3).fill(how === "none" ? "portable" : "native"),
  );
  expect(new Set(all.map(({ sum }) => sum)).size).toBe(1);
}

describe("from sources", () => {
  const command = [process.execPath, join(FIXTURES, "probe-main.ts")];

  testWith([LIBRARY], "directly", () => {
    const report = runProbe(command, {});
    expectWay(report, "direct");
    expect(report.main.status.reason).toBeUndefined();
    expectWay(runProbe(command, { SOMA_NATIVE: "direct" }), "direct");
  });

  testWith([LIBRARY, LINUX], "from memory", () => {
    expectWay(runProbe(command, { SOMA_NATIVE: "memfd" }), "memfd");
  });

  testWith([LIBRARY, LINUX], "not before the first call: importing costs nothing", () => {
    const script = `
      import { readFileSync } from "node:fs";
      import { fkKernels } from ${JSON.stringify(join(ROOT, "src/native/fk.ts"))};
      import { stripPng } from ${JSON.stringify(join(ROOT, "src/native/image.ts"))};
      const isMapped = () => readFileSync("/proc/self/maps", "utf8").includes("libsoma");
      const before = isMapped();
      fkKernels();
      console.log(typeof stripPng, before, isMapped());`;
    const { stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect(stdout.trim()).toBe("function false true");
  });

  test("not at all, and then in TypeScript with the same result", () => {
    const off = runProbe(command, { SOMA_NATIVE: "off" });
    expectWay(off, "none");
    expect(off.main.status).toEqual({
      how: "none",
      reason: "switched off by SOMA_NATIVE=off",
      simdLevel: 0,
      simd: "typescript",
    });
    expect(off.main.sum).toBeCloseTo(runProbe(command, {}).main.sum, 3);
  });

  test("an unknown way is refused by name", () => {
    expect(() => runProbe(command, { SOMA_NATIVE: "yes" })).toThrow("auto, direct, memfd, off");
  });

  test("an empty or foreign library is left out, with the reason", () => {
    const copy = join(folder, "copy");
    for (const part of ["src/core", "src/native", "src/protocol", "test/native"]) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    mkdirSync(join(copy, "ffi/build"), { recursive: true });
    const library = join(copy, "ffi/build/libsoma.so");
    const copied = [process.execPath, join(copy, "test/native/fixtures/probe-main.ts")];
    writeFileSync(library, "");
    const empty = runProbe(copied, {});
    expectWay(empty, "none");
    expect(empty.main.status.reason).toContain("for want of a C compiler");
    writeFileSync(library, "not a library");
    const foreign = runProbe(copied, {});
    expectWay(foreign, "none");
    expect(foreign.main.status.reason).toMatch(/invalid ELF|too short|dlopen|file/i);
  });

  testWith(
    [LIBRARY],
    "a library of another ABI is left out, with the difference",
    () => {
      const copy = join(folder, "abi");
      for (const part of [
        "src/core",
        "src/native",
        "src/protocol",
        "test/native",
        "ffi/include",
        "ffi/src",
        "ffi/build.ts",
      ]) {
        cpSync(join(ROOT, part), join(copy, part), { recursive: true });
      }
      const header = join(copy, "ffi/include/soma.h");
      const { stdout } = spawnSync(
        "sed",
        ["s/SOMA_ABI_VERSION [0-9]*u/SOMA_ABI_VERSION 77u/", header],
        {
          encoding: "utf8",
        },
      );
      writeFileSync(header, stdout);
      expect(spawnSync(process.execPath, [join(copy, "ffi/build.ts")]).status).toBe(0);
      const report = runProbe(
        [process.execPath, join(copy, "test/native/fixtures/probe-main.ts")],
        {},
      );
      expectWay(report, "none");
      expect(report.main.status.reason).toContain(
        `SOMA_ABI_VERSION is 77, not ${SOMA_ABI.SOMA_ABI_VERSION}`,
      );
    },
    60_000,
  );
});

describe("inside an executable", () => {
  let binary = "";

  beforeAll(async () => {
    binary = join(folder, "probe");
    const result = await Bun.build({
      entrypoints: ["probe-main.ts", "probe-worker.ts"].map((name) => join(FIXTURES, name)),
      compile: { outfile: binary, autoloadDotenv: false, autoloadBunfig: false },
      minify: true,
      bytecode: true,
      format: "esm",
    });
    expect(result.success).toBe(true);
  }, 60_000);

  function emptyFolder(): string {
    return mkdtempSync(join(folder, "empty-"));
  }

  testWith([LIBRARY], "directly, in an empty folder", () => {
    expectWay(runProbe([binary], { TMPDIR: folder }, emptyFolder()), "direct");
  });

  testWith([LIBRARY, LINUX], "from memory, where the temporary folder is missing", () => {
    const report = runProbe([binary], { TMPDIR: join(folder, "missing") }, emptyFolder());
    expectWay(report, "memfd");
    expect(report.main.status.reason).toBeDefined();
  });

  testWith(
    [LIBRARY, LINUX, { machine: "the right to mount a file system", has: canMount() }],
    "from memory, where the temporary folder is mounted noexec",
    () => {
      const mount = emptyFolder();
      expect(mountNoexec(mount)).toBe(0);
      try {
        const report = runProbe([binary], { TMPDIR: mount }, emptyFolder());
        expectWay(report, "memfd");
        expect(report.main.status.reason).toBeDefined();
      } finally {
        spawnSync("umount", [mount]);
      }
    },
  );
});

function mountNoexec(path: string): number | null {
  return spawnSync("mount", ["-t", "tmpfs", "-o", "noexec,size=1m", "none", path]).status;
}

/** Root of a container may not mount, though it is root. */
function canMount(): boolean {
  if (!isLinux || process.getuid?.() !== 0) return false;
  const path = mkdtempSync(join(tmpdir(), "soma-mount-"));
  const mounted = mountNoexec(path) === 0;
  if (mounted) spawnSync("umount", [path]);
  rmSync(path, { recursive: true });
  return mounted;
}
