/**
 * Compiles libsoma. Owns the choice of compiler, the flags, and the file that the executable embeds; it installs nothing.
 * Run it as `bun ffi/build.ts [target]`, or call `compileNative`. Where no compiler is found an empty file takes the library's
 * place: the executable still builds, and src/native then does without.
 */
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const here = import.meta.dir;
const hostTarget = `${process.platform}-${process.arch}`;

/** Flags of the library that decide what it computes; shared with the sanitizer and warning checks. */
export const NATIVE_FLAGS = [
  "-std=c17",
  "-O3",
  "-fPIC",
  "-fvisibility=hidden",
  // Every SIMD form must round alike where a comparison decides, so products and sums are never fused behind our back.
  "-ffp-contract=off",
  // Lets square roots and roundings become instructions; nobody reads errno.
  "-fno-math-errno",
  `-I${join(here, "include")}`,
] as const;

export interface CompileOptions {
  /** `linux-x64`, `linux-arm64`, `linux-x64-musl`, `darwin-arm64` …, with or without Bun's prefix `bun-`; default: this machine. */
  readonly target?: string;
  /** Compiler command; default: `$CC` for this machine, then the usual names. */
  readonly cc?: string;
  /** Where the library goes; default: `ffi/build`, for other targets `ffi/build/<target>`. */
  readonly outDir?: string;
}

export interface CompileResult {
  /** The library, always of this name: Linux and macOS load a library by its content, and an embedded import has one path. */
  readonly path: string;
  /** Whether `path` holds a library. Otherwise it is an empty file. */
  readonly compiled: boolean;
  /** Why not, with what to do about it. */
  readonly reason?: string;
}

/** Sources in a fixed order, so that equal sources have equal stamps. */
export async function nativeSources(): Promise<string[]> {
  const names = await readdir(join(here, "src"));
  return names
    .filter((name) => name.endsWith(".c"))
    .sort()
    .map((name) => join(here, "src", name));
}

/**
 * Compiles unless the library at the destination already is what these sources, flags and compiler give. Safe in several processes
 * at once: files appear under their names only when whole. Rejects only when the destination cannot be written.
 */
export async function compileNative(options: CompileOptions = {}): Promise<CompileResult> {
  const target = (options.target ?? hostTarget)
    .replace(/^bun-/, "")
    .replace(/-(baseline|modern)$/, "");
  const outDir = options.outDir ?? join(here, "build", target === hostTarget ? "" : target);
  const path = join(outDir, "libsoma.so");
  await mkdir(outDir, { recursive: true });
  const cc = findCompiler(target, options.cc);
  if (cc === undefined) return writeEmpty(path, missingCompiler(target));
  const flags = [...NATIVE_FLAGS, ...targetFlags(target)];
  const stamp = await stampOf(cc, flags);
  if (await isFresh(path, stamp)) return { path, compiled: true };
  const temporary = temporaryName(path);
  const command = [...cc, ...flags, "-shared", "-o", temporary, ...(await nativeSources()), "-lm"];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const output = (await child.stderr.text()).trim();
  const exitCode = await child.exited;
  if (exitCode !== 0) {
    await rm(temporary, { force: true });
    return writeEmpty(path, `${cc.join(" ")} failed (exit ${exitCode}): ${output.slice(0, 2000)}`);
  }
  const content = await Bun.file(temporary).bytes();
  await rename(temporary, path);
  await writeWhole(stampPath(path), stampText(stamp, content));
  return { path, compiled: true };
}

function findCompiler(target: string, wanted: string | undefined): string[] | undefined {
  if (wanted !== undefined) return splitCommand(wanted);
  for (const candidate of compilerNames(target)) {
    const command = splitCommand(candidate);
    if (command[0] !== undefined && Bun.which(command[0]) !== null) return command;
  }
  return undefined;
}

/** `CC` may carry arguments, as in `ccache gcc`. */
function splitCommand(command: string): string[] {
  return command.split(/\s+/).filter((word) => word !== "");
}

function compilerNames(target: string): string[] {
  const own = process.env["CC"];
  if (target === hostTarget)
    return own === undefined || own === "" ? ["cc", "gcc", "clang"] : [own];
  if (target === "linux-arm64") return ["aarch64-linux-gnu-gcc"];
  if (target === "linux-x64") return ["x86_64-linux-gnu-gcc"];
  // A glibc library does not load on musl, so the machine's own compiler will not do.
  if (target === `${hostTarget}-musl`) return ["musl-gcc"];
  // Apple's cc compiles for both of its architectures.
  if (target.startsWith("darwin-") && process.platform === "darwin") return ["cc", "clang"];
  return [];
}

/** The oldest processor of each architecture: compilers of some distributions assume newer ones. */
function targetFlags(target: string): string[] {
  if (target.startsWith("darwin-")) return ["-arch", target.endsWith("arm64") ? "arm64" : "x86_64"];
  if (target.startsWith("linux-x64")) return ["-march=x86-64", "-mtune=generic"];
  if (target.startsWith("linux-arm64")) return ["-march=armv8-a"];
  return [];
}

function missingCompiler(target: string): string {
  if (target.startsWith("windows-") || target.startsWith("win32-")) {
    return "libsoma is not built for Windows; kinematics run in TypeScript there";
  }
  if (target !== hostTarget) return `no C cross compiler for ${target}${crossHint(target)}`;
  return (
    "no C compiler found; install one with 'sudo apt-get install gcc libc6-dev' (Debian, Ubuntu), " +
    "'sudo dnf install gcc' (Fedora) or 'xcode-select --install' (macOS)"
  );
}

function crossHint(target: string): string {
  if (target === "linux-arm64") return "; 'sudo apt-get install gcc-aarch64-linux-gnu' brings one";
  if (target === "linux-x64") return "; 'sudo apt-get install gcc-x86-64-linux-gnu' brings one";
  return target.endsWith("-musl")
    ? "; 'sudo apt-get install musl-tools' brings one"
    : "; build on that system";
}

async function stampOf(cc: readonly string[], flags: readonly string[]): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const version = Bun.spawnSync([...cc, "--version"], { stdout: "pipe", stderr: "ignore" });
  hash.update(JSON.stringify([cc, flags, version.stdout.toString()]));
  for (const folder of ["include", "src"]) {
    for (const name of (await readdir(join(here, folder))).sort()) {
      hash.update(`\0${folder}/${name}\0`);
      hash.update(await Bun.file(join(here, folder, name)).bytes());
    }
  }
  return hash.digest("hex");
}

/** The stamp names its library too, so that a pair mixed up by two builds at once is noticed. */
function stampText(stamp: string, library: Uint8Array): string {
  return `${stamp} ${new Bun.CryptoHasher("sha256").update(library).digest("hex")}\n`;
}

function stampPath(path: string): string {
  return `${path}.stamp`;
}

async function isFresh(path: string, stamp: string): Promise<boolean> {
  const library = Bun.file(path);
  const written = Bun.file(stampPath(path));
  if (!(await library.exists()) || library.size === 0 || !(await written.exists())) return false;
  return (await written.text()) === stampText(stamp, await library.bytes());
}

async function writeEmpty(path: string, reason: string): Promise<CompileResult> {
  await writeWhole(path, "");
  return { path, compiled: false, reason };
}

async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = temporaryName(path);
  await Bun.write(temporary, content);
  await rename(temporary, path);
}

function temporaryName(path: string): string {
  return `${path}.${process.pid}.${crypto.randomUUID()}`;
}

if (import.meta.main) {
  const target = process.argv[2];
  const result = await compileNative(target === undefined ? {} : { target });
  if (result.compiled) console.log(result.path);
  else console.error(`libsoma: ${result.reason}`);
}
