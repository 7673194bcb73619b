/**
 * Builds Soma: the C library, the pages, then the one executable `dist/soma`. Each step is skipped when nothing it depends on has
 * changed. Imports nothing from node_modules at its top, so that it can install them first.
 *
 *   bun build.ts                      build dist/soma
 *   bun build.ts --run ARGS…          set up whatever is missing, then run dist/soma ARGS…   (bun start)
 *   bun build.ts --dev ARGS…          the same from source, restarted when a file changes     (bun dev)
 *   bun build.ts --target=linux-arm64 [--outfile=FILE]
 *                                     build for another machine: linux-x64, linux-arm64, darwin-x64, darwin-arm64, windows-x64.
 *                                     The C library is cross-compiled where a compiler is found ($CC, aarch64-linux-gnu-gcc),
 *                                     and left out otherwise: that binary computes poses in TypeScript.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";

const ROOT = import.meta.dir;
const BINARY = join(ROOT, "dist", process.platform === "win32" ? "soma.exe" : "soma");
const WORKERS = ["workers/engine.ts", "workers/loader.ts"] as const;
const LOCK = join(ROOT, "dist", ".lock");
const LOCK_TIMEOUT_MS = 5 * 60_000;

export interface PrepareOptions {
  readonly native?: boolean;
  readonly pages?: boolean;
  readonly binary?: boolean;
}

/** Brings what is asked for up to date. Safe to call from several processes at once. */
export async function prepare(options: PrepareOptions): Promise<void> {
  await locked(async () => {
    await install();
    if (options.native || options.binary) await buildNative();
    if (options.pages || options.binary) await buildPages();
    if (options.binary) await buildBinary();
  });
}

/** Path of the built executable. */
export function binaryFile(): string {
  return BINARY;
}

/** Installs the packages, if they are not those of the lock file. */
async function install(): Promise<void> {
  const stamp = join(ROOT, "node_modules", ".soma-installed");
  const wanted = hashOf(["package.json", "bun.lock"]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  say("installing packages");
  const { exitCode } = Bun.spawnSync([process.execPath, "install", "--frozen-lockfile"], {
    cwd: ROOT,
    stdout: "ignore",
    stderr: "inherit",
  });
  if (exitCode !== 0) fail(`'bun install' ended with ${exitCode}`);
  writeFileSync(stamp, wanted);
  forgetMissingPackages();
}

/**
 * Bun remembers for each folder that there were no packages above it, and looks again only where a file is not found. Without
 * this, the process that installed could not bundle.
 */
function forgetMissingPackages(): void {
  for (const folder of ["", "src", "src/web", "test", "test/tools"]) {
    try {
      Bun.resolveSync("./not-there.ts", join(ROOT, folder));
    } catch {
      // It is not there, as it should be.
    }
  }
}

/** Compiles the C library and gives its path; an empty file where it could not be. */
async function buildNative(target?: string): Promise<string> {
  const { compileNative } = await import("./ffi/build.ts");
  const result = await compileNative(target === undefined ? {} : { target });
  if (!result.compiled && result.reason) say(`native library left out: ${result.reason}`);
  return result.path;
}

async function buildPages(): Promise<void> {
  await whenStale(
    "pages",
    ["src/web", "src/client", "src/protocol", "package.json", "bun.lock"],
    async () => {
      const { buildPages } = await import("./src/web/build-pages.ts");
      const files = await buildPages(join(ROOT, "dist", "web"));
      say(
        `pages: ${files.map(({ file, bytes }) => `${relative(ROOT, file)} ${kilobytes(bytes)}`).join(", ")}`,
      );
    },
  );
}

/** A build for another machine. */
interface CrossBuild {
  readonly target: string;
  /** The C library compiled for it. */
  readonly library: string;
}

async function buildBinary(outfile = BINARY, cross?: CrossBuild): Promise<void> {
  const inputs = [
    "src",
    "workers",
    "ffi/build",
    "dist/web",
    "build.ts",
    "package.json",
    "bun.lock",
  ];
  const build = async (): Promise<void> => {
    const result = await Bun.build({
      entrypoints: ["src/main.ts", ...WORKERS].map((entry) => join(ROOT, entry)),
      compile: {
        outfile,
        // The folder the binary runs in belongs to its user: nothing there may change what it does. A package.json is read only
        // when a plug-in is loaded.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadPackageJson: true,
        ...(cross ? { target: `bun-${cross.target}` as Bun.Build.CompileTarget } : {}),
      },
      plugins: cross ? [embedLibrary(cross.library)] : [],
      minify: true,
      bytecode: true,
      // What is loaded later lies in files of its own, which the start need not read.
      splitting: true,
      format: "esm",
      sourcemap: "none",
    });
    if (!result.success) {
      for (const log of result.logs) console.error(log);
      fail("the binary could not be built");
    }
    say(`${relative(ROOT, outfile)}: ${(statSync(outfile).size / 1e6).toFixed(1)} MB`);
  };
  if (cross) await build();
  else await whenStale("binary", inputs, build, outfile);
}

/** Puts another machine's library in the place of this one's. */
function embedLibrary(library: string): Bun.BunPlugin {
  return {
    name: "native library of the target",
    setup: (builder) => {
      builder.onResolve({ filter: /libsoma\.so$/ }, () => ({ path: library }));
    },
  };
}

// ---- staleness ------------------------------------------------------------------------------------------------

/** Runs `build` unless its inputs are the same as when it last succeeded and its output is there. */
async function whenStale(
  name: string,
  inputs: readonly string[],
  build: () => Promise<void>,
  output = join(ROOT, "dist", "web"),
): Promise<void> {
  const stamp = join(ROOT, "dist", `.${name}.stamp`);
  const wanted = `${Bun.version} ${hashOf(inputs)}`;
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  rmSync(stamp, { force: true });
  await build();
  writeFileSync(stamp, wanted);
}

function hashOf(inputs: readonly string[]): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const input of inputs) {
    for (const file of filesUnder(join(ROOT, input))) {
      hasher.update(`${relative(ROOT, file)}\0`).update(readFileSync(file));
    }
  }
  return hasher.digest("hex");
}

function filesUnder(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}

/** One build at a time in this checkout: test processes start together and all call `prepare`. */
async function locked(work: () => Promise<void>): Promise<void> {
  mkdirSync(dirname(LOCK), { recursive: true });
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  while (!takeLock()) {
    if (performance.now() > deadline)
      fail(`another build holds ${relative(ROOT, LOCK)}; delete it if there is none`);
    await Bun.sleep(50);
  }
  try {
    await work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

/**
 * Takes the lock, or takes it over from a process that is gone. The takeover renames the dead one's file first: of several that try,
 * one succeeds, and a lock that was taken in the meantime is given back.
 */
function takeLock(): boolean {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    // Held, or taken over below.
  }
  const owner = lockOwner();
  if (owner === undefined || isRunning(owner)) return false;
  const aside = `${LOCK}.${process.pid}`;
  try {
    renameSync(LOCK, aside);
    // Not the dead one's any more: whoever took it in the meantime gets it back.
    if (Number(readFileSync(aside, "utf8")) !== owner) renameSync(aside, LOCK);
  } catch {
    // Somebody else was faster.
  }
  rmSync(aside, { force: true });
  return false;
}

/** The process that holds the lock; undefined while it is being written or when it is gone. */
function lockOwner(): number | undefined {
  try {
    return Number(readFileSync(LOCK, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

// ---- the command line -----------------------------------------------------------------------------------------

function say(line: string): void {
  console.error(`build: ${line}`);
}

function fail(line: string): never {
  console.error(`build: ${line}`);
  process.exit(1);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}

/** Runs a command in this one's place, as far as that goes: same terminal, same signals, same exit code. */
async function become(
  command: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<never> {
  const child = Bun.spawn([...command], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => child.kill(signal));
  process.exit(await child.exited);
}

async function main(args: readonly string[]): Promise<void> {
  const [mode, ...rest] = args;
  if (mode === "--run") {
    await prepare({ binary: true });
    await become([BINARY, ...rest]);
  }
  if (mode === "--dev") {
    await prepare({ native: true, pages: true });
    await become([process.execPath, "--watch", join(ROOT, "src/main.ts"), ...rest]);
  }
  const value = (name: string): string | undefined =>
    args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const target = value("target");
  const outfile = value("outfile");
  if (target === undefined) {
    await prepare({ binary: true });
    say(`${relative(ROOT, BINARY)} is up to date`);
    return;
  }
  await locked(async () => {
    await install();
    const library = await buildNative(target);
    await buildPages();
    const name = target.startsWith("windows") ? `soma-${target}.exe` : `soma-${target}`;
    await buildBinary(outfile ?? join(ROOT, "dist", name), { target, library });
  });
}

if (import.meta.main) await main(process.argv.slice(2));
