/**
 * Loads libsoma, once per thread, at the first call. Owns the ways to load it and the check that it is the library these bindings
 * were written for; what its functions do is the business of fk.ts and image.ts. Without it there is no error here: `native()` is
 * undefined, and `nativeStatus()` says why.
 */
import { dlopen, type Library, ptr } from "bun:ffi";
import { readFileSync, statSync } from "node:fs";
import embedded from "../../ffi/build/libsoma.so" with { type: "file" };
import { Fault, messageOf } from "../core/fault.ts";
import { SOMA_ABI, SOMA_BINDINGS, statusName } from "./bindings.ts";
import { findDescriptors, openLibc } from "./libc.ts";

export type NativeLibrary = Library<typeof SOMA_BINDINGS>["symbols"];

/** How the library came into this thread: from its file, from memory (Linux, where no folder can hold it), or not at all. */
export type NativeLoading = "direct" | "memfd" | "none";

export interface NativeStatus {
  readonly how: NativeLoading;
  /** Why it is not loaded, or not the usual way. */
  readonly reason?: string;
  /** soma_simd_level: 0 to 3. */
  readonly simdLevel: number;
  /** The level's name on this machine; `typescript` without the library. */
  readonly simd: string;
}

interface Loaded extends NativeStatus {
  readonly library?: NativeLibrary;
}

/** `SOMA_NATIVE` forces one way, for tests and for people who look for a fault. */
const WAYS = ["auto", "direct", "memfd", "off"] as const;
type Way = (typeof WAYS)[number];

let loaded: Loaded | undefined;

/** The library's functions, or undefined where it could not be loaded. */
export function native(): NativeLibrary | undefined {
  loaded ??= load(wantedWay());
  return loaded.library;
}

/** As `native`, for work that has no form in TypeScript. Throws NATIVE_UNAVAILABLE with the reason. */
export function requireNative(): NativeLibrary {
  const library = native();
  if (library) return library;
  throw new Fault(
    "NATIVE_UNAVAILABLE",
    `image processing needs the native library: ${nativeStatus().reason}`,
  );
}

/** How the library was loaded, for `soma doctor` and the status page. Loads it if nothing did before. */
export function nativeStatus(): NativeStatus {
  native();
  const { how, reason, simdLevel, simd } = loaded ?? absent("not loaded");
  return reason === undefined ? { how, simdLevel, simd } : { how, reason, simdLevel, simd };
}

/** Turns a negative status into NATIVE_FAILED: for calls whose arguments were checked before. */
export function checkStatus(call: keyof typeof SOMA_BINDINGS, status: number): void {
  if (status < 0) throw new Fault("NATIVE_FAILED", `${call} answered ${statusName(status)}`);
}

function wantedWay(): Way {
  const text = process.env["SOMA_NATIVE"] ?? "auto";
  const way = WAYS.find((name) => name === text);
  if (way) return way;
  throw new Fault("CONFIG_INVALID", `SOMA_NATIVE is "${text}"; it may be ${WAYS.join(", ")}`);
}

function load(way: Way): Loaded {
  if (way === "off") return absent("switched off by SOMA_NATIVE=off");
  const content = readEmbedded();
  if (content.byteLength === 0) return absent("this build has none, for want of a C compiler");
  let reason = "asked for by SOMA_NATIVE=memfd";
  if (way !== "memfd") {
    try {
      return open(embedded, "direct");
    } catch (error) {
      reason = messageOf(error);
    }
  }
  if (way === "direct") return absent(reason);
  // A temporary folder that is missing, read-only or mounted noexec: no file can be mapped from it, but memory can.
  try {
    return { ...open(memoryFile(content), "memfd"), reason };
  } catch (error) {
    return absent(`${reason}; and from memory: ${messageOf(error)}`);
  }
}

function readEmbedded(): Uint8Array {
  try {
    return readFileSync(embedded);
  } catch {
    return new Uint8Array();
  }
}

function open(path: string, how: NativeLoading): Loaded {
  const library = dlopen(path, SOMA_BINDINGS).symbols;
  checkAbi(library);
  const simdLevel = library.soma_simd_level();
  return { how, library, simdLevel, simd: simdName(simdLevel) };
}

function checkAbi(library: NativeLibrary): void {
  const expected = Object.entries(SOMA_ABI);
  const table = new Uint32Array(expected.length + 1); // One more, to notice a longer table.
  const count = library.soma_abi(table, table.length);
  if (count !== expected.length) {
    throw new Error(`the library's ABI table has ${count} entries instead of ${expected.length}`);
  }
  for (const [index, [name, value]] of expected.entries()) {
    if (table[index] === value) continue;
    throw new Error(`the library is of another build: ${name} is ${table[index]}, not ${value}`);
  }
}

function simdName(level: number): string {
  const base = process.arch === "arm64" ? "neon" : "sse2";
  return ["portable", base, "avx2", "avx512"][level] ?? `level ${level}`;
}

function absent(reason: string): Loaded {
  return { how: "none", reason, simdLevel: 0, simd: "typescript" };
}

/**
 * A file in memory with the library's bytes, and its path. It stays open and is found again by its name, so that every worker of
 * this process maps the same one.
 */
function memoryFile(content: Uint8Array): string {
  const name = `libsoma-${new Bun.CryptoHasher("sha256").update(content).digest("hex").slice(0, 16)}`;
  const known = findDescriptors((target) => target.startsWith(`/memfd:${name} `))
    .map((descriptor) => `/proc/self/fd/${descriptor}`)
    .find((path) => statSync(path).size === content.byteLength); // Another worker may still be writing.
  if (known !== undefined) return known;
  const libc = openLibc({
    memfd_create: { args: ["ptr", "u32"], returns: "i32" },
    write: { args: ["i32", "ptr", "u64"], returns: "i64" },
  });
  if (!libc) throw new Error("this system has no memfd_create");
  const MFD_CLOEXEC = 1;
  const descriptor = libc.memfd_create(new TextEncoder().encode(`${name}\0`), MFD_CLOEXEC);
  if (descriptor < 0) throw new Error("memfd_create failed");
  for (let written = 0; written < content.byteLength; ) {
    const step = Number(
      libc.write(descriptor, ptr(content, written), content.byteLength - written),
    );
    if (step <= 0) throw new Error("writing the library into memory failed");
    written += step;
  }
  return `/proc/self/fd/${descriptor}`;
}
