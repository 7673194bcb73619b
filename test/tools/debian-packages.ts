/**
 * The Debian packages that tests need beside Bun, git and a C compiler: the one table of them, with the reason and a way to see
 * whether the thing is there, however it came. Owns finding and installing them; refuses to install on a machine where it may not.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

interface DebianPackage {
  /** What of ours needs it. */
  readonly reason: string;
  /** Whether this machine has what the package brings, from Debian or from elsewhere. */
  readonly present: () => boolean;
}

const packages = {
  gcc: { reason: "compiles libsoma and the C tests", present: command("cc", "gcc") },
  "g++": { reason: "compiles the README's C++ snippet", present: command("c++", "g++") },
  binutils: { reason: "nm lists the symbols that libsoma exports", present: command("nm") },
  clang: {
    reason: "the second compiler of the C checks, and libFuzzer",
    present: command("clang"),
  },
  "libclang-rt-14-dev": {
    reason: "the runtime of clang's sanitizers and of libFuzzer",
    present: anyFile("/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a"),
  },
  "clang-format": { reason: "checks the format of C sources", present: command("clang-format") },
  "gcc-aarch64-linux-gnu": {
    reason: "compiles the NEON forms, and libsoma for arm64",
    present: command("aarch64-linux-gnu-gcc"),
  },
  "libc6-dev-arm64-cross": {
    reason: "what programs for arm64 are linked with",
    present: anyFile("/usr/aarch64-linux-gnu/lib/libc.a"),
  },
  "qemu-user": { reason: "runs the tests of the NEON forms", present: command("qemu-aarch64") },
  "mono-mcs": { reason: "compiles the README's C# snippet", present: command("mcs") },
  chromium: { reason: "shows the pages to tests, without a screen", present: command("chromium") },
  curl: { reason: "runs the README's commands", present: command("curl") },
  openssl: {
    reason: "makes a certificate for the README's TLS example",
    present: command("openssl"),
  },
  python3: { reason: "runs the README's Python snippet", present: command("python3") },
  "python3-numpy": { reason: "reads frames in the Python snippet", present: pythonModule("numpy") },
  "python3-websockets": {
    reason: "receives frames in the Python snippet",
    present: pythonModule("websockets"),
  },
  "python3-requests": {
    reason: "calls the REST interface in the Python snippet",
    present: pythonModule("requests"),
  },
} as const satisfies Readonly<Record<string, DebianPackage>>;

export type PackageName = keyof typeof packages;
export const DEBIAN_PACKAGES: Readonly<Record<PackageName, DebianPackage>> = packages;
export const PACKAGE_NAMES = Object.keys(packages) as readonly PackageName[];

/** Debian's own interpreter, which alone sees Debian's modules; another `python3` may come first in the search path. */
export const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

/** The line that installs packages on Debian and Ubuntu. */
export function installLine(names: readonly string[]): string {
  return `sudo apt-get install -y --no-install-recommends ${names.join(" ")}`;
}

/** Packages of the table whose contents this machine lacks, in the table's order. */
export function missingPackages(): readonly PackageName[] {
  return PACKAGE_NAMES.filter((name) => !DEBIAN_PACKAGES[name].present());
}

/**
 * Installs what is missing where that needs no question: as root, or in CI with a password-less sudo. Returns what is still missing
 * afterwards; never throws.
 */
export function installMissingPackages({ inCi }: { inCi: boolean }): readonly PackageName[] {
  const missing = missingPackages();
  if (missing.length === 0) return [];
  const rights = administrator({ inCi });
  if (!rights || !command("apt-get")()) return missing;
  say(`installing ${missing.join(" ")}`);
  const aptGet = [...rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"];
  const options = ["-y", "--no-install-recommends"];
  const install = [...aptGet, "install", ...options, ...missing];
  // A fresh container has no package lists, and a stale list names files that are gone.
  if (run(install) !== 0 && run([...aptGet, "update"]) === 0 && run(install) !== 0) {
    // One package that this release does not know must not cost the others.
    for (const name of missing) run([...aptGet, "install", ...options, name]);
  }
  return missingPackages();
}

/** The command prefix that makes us administrator without asking anyone, or undefined. */
function administrator({ inCi }: { inCi: boolean }): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  const mayAsk = inCi && command("sudo")() && spawnSync("sudo", ["-n", "true"]).status === 0;
  return mayAsk ? ["sudo", "-n"] : undefined;
}

function run([program = "", ...args]: readonly string[]): number {
  const { status } = spawnSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  return status ?? 1;
}

function say(line: string): void {
  console.error(`test: ${line}`);
}

function command(...names: readonly string[]): () => boolean {
  return () => names.some((name) => Bun.which(name) !== null);
}

function pythonModule(name: string): () => boolean {
  return () => spawnSync(PYTHON, ["-c", `import ${name}`], { stdio: "ignore" }).status === 0;
}

function anyFile(pattern: string): () => boolean {
  return () => !new Bun.Glob(pattern.slice(1)).scanSync({ cwd: "/", onlyFiles: true }).next().done;
}
