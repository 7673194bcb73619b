/**
 * What Linux says about processes and about this machine: memory, descriptors, descendants, processor. Reads /proc and git;
 * measures nothing by itself and changes nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** As the kernel counts in /proc/net/sockstat on x86-64 and most arm64 machines. */
const PAGE_BYTES = 4096;

/** What a figure must be read with: one value per CSV row. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly commit: string;
  readonly date: string;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the process ended between listing and reading
  }
}

function parentOf(pid: number): number | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const afterName = stat.slice(stat.lastIndexOf(")") + 2); // the name may hold spaces
  return Number(afterName.split(" ")[1]);
}

/** `pid` and every process below it. */
export function processTree(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    const candidate = Number(entry);
    const parent = Number.isInteger(candidate) ? parentOf(candidate) : undefined;
    if (parent !== undefined) parents.set(candidate, parent);
  }
  const tree = [pid];
  for (const member of tree) {
    for (const [child, parent] of parents) if (parent === member) tree.push(child);
  }
  return tree;
}

/** Resident bytes of the processes together; shared pages count once for each of them. */
export function residentBytes(pids: readonly number[]): number {
  let kib = 0;
  for (const pid of pids) {
    const line = readText(`/proc/${pid}/status`)?.match(/^VmRSS:\s+(\d+) kB$/m);
    kib += Number(line?.[1] ?? 0);
  }
  return kib * 1024;
}

export function openDescriptors(pids: readonly number[]): number {
  let count = 0;
  for (const pid of pids) count += readdirSync(`/proc/${pid}/fd`).length;
  return count;
}

/** Bytes the kernel holds in TCP buffers, both ends of every connection of the machine. */
export function tcpBufferBytes(): number {
  const pages = readText("/proc/net/sockstat")?.match(/^TCP: .* mem (\d+)$/m)?.[1];
  return Number(pages ?? 0) * PAGE_BYTES;
}

function git(root: string, ...args: readonly string[]): string {
  const run = Bun.spawnSync(["git", "-C", root, ...args], { stderr: "ignore" });
  return run.success ? run.stdout.toString().trim() : "";
}

export function describeMachine(root: string): Machine {
  const processors = cpus();
  const commit = git(root, "rev-parse", "--short", "HEAD") || "none";
  const changed = git(root, "status", "--porcelain") !== "";
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    commit: changed ? `${commit}+` : commit,
    date: new Date(performance.timeOrigin + performance.now()).toISOString().slice(0, 19),
  };
}

/** Mean number of runnable processes over the last minute: what else the machine was doing. */
export function loadAverage(): number {
  return loadavg()[0] ?? 0;
}
