/**
 * The few calls to the C library for which Bun has no option. Each works on Linux (glibc and musl) and answers "nothing done"
 * elsewhere; nothing is opened before the first call.
 */
import { dlopen, type FFIFunction, type Library } from "bun:ffi";
import { readdirSync, readlinkSync } from "node:fs";

const LIBC_NAMES = [
  "libc.so.6",
  process.arch === "arm64" ? "libc.musl-aarch64.so.1" : "libc.musl-x86_64.so.1",
];

/** The functions from the C library, or undefined where there is none of these names or it lacks one. */
export function openLibc<Functions extends Record<string, FFIFunction>>(
  functions: Functions,
): Library<Functions>["symbols"] | undefined {
  if (process.platform !== "linux") return undefined;
  for (const name of LIBC_NAMES) {
    try {
      return dlopen(name, functions).symbols;
    } catch {
      // The other C library, then.
    }
  }
  return undefined;
}

/** Open descriptors of this process whose link in /proc satisfies `accept`, e.g. `socket:[123]` or `/memfd:name (deleted)`. */
export function findDescriptors(accept: (target: string) => boolean): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((descriptor) => {
      try {
        return accept(readlinkSync(`/proc/self/fd/${descriptor}`));
      } catch {
        return false; // Closed in the meantime, like the descriptor that read the folder.
      }
    });
}

// Linux numbers, equal on x86-64 and arm64: asm-generic/socket.h, netinet/in.h, netinet/tcp.h, sys/socket.h.
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_NOTSENT_LOWAT = 25;
const AF_INET = 2;
const AF_INET6 = 10;

const SOCKET_FUNCTIONS = {
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
} as const;

type SocketFunctions = Library<typeof SOCKET_FUNCTIONS>["symbols"];

/**
 * Bounds the unsent bytes that the kernel keeps for each connection of this process's listeners on `port` (tcp(7),
 * TCP_NOTSENT_LOWAT); accepted sockets inherit it. Without it the kernel holds megabytes before Bun sees a slow client.
 * Returns the number of listeners changed: 0 where this is not Linux or nothing listens there.
 */
export function setNotsentLowat(port: number, bytes: number): number {
  const libc = openLibc(SOCKET_FUNCTIONS);
  if (!libc) return 0;
  const value = new Int32Array([bytes]);
  return findDescriptors((target) => target.startsWith("socket:")).filter(
    (descriptor) =>
      listenerPort(libc, descriptor) === port &&
      libc.setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, value, value.byteLength) === 0,
  ).length;
}

/** The option as the kernel has it, for each of this process's listeners on `port`. */
export function getNotsentLowat(port: number): number[] {
  const libc = openLibc(SOCKET_FUNCTIONS);
  if (!libc) return [];
  return findDescriptors((target) => target.startsWith("socket:"))
    .filter((descriptor) => listenerPort(libc, descriptor) === port)
    .map((descriptor) => readOption(libc, descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT) ?? -1);
}

function readOption(
  libc: SocketFunctions,
  descriptor: number,
  level: number,
  option: number,
): number | undefined {
  const value = new Int32Array(1);
  const length = new Uint32Array([value.byteLength]);
  return libc.getsockopt(descriptor, level, option, value, length) === 0 ? value[0] : undefined;
}

/** The TCP port that a socket listens on, or undefined where it does not listen or is of another family. */
function listenerPort(libc: SocketFunctions, descriptor: number): number | undefined {
  if (readOption(libc, descriptor, SOL_SOCKET, SO_ACCEPTCONN) !== 1) return undefined;
  const address = new Uint8Array(128); // sizeof(struct sockaddr_storage)
  const length = new Uint32Array([address.byteLength]);
  if (libc.getsockname(descriptor, address, length) !== 0) return undefined;
  const view = new DataView(address.buffer);
  const family = view.getUint16(0, true);
  return family === AF_INET || family === AF_INET6 ? view.getUint16(2, false) : undefined;
}
