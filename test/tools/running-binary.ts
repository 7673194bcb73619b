/** Starts dist/soma from an empty folder, as a user would, for the end-to-end tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binaryPath } from "./binary.ts";

export interface RunningBinary {
  readonly url: string;
  readonly pid: number;
  readonly folder: string;
  /** What it has printed so far, output and log. */
  output(): string;
  post(path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  get(path: string): Promise<{ status: number; body: Record<string, unknown> }>;
  /** Sends a signal and waits for the end; gives the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Resolves once the banner is out. The port is a free one, the working folder empty and deleted at the end. */
export async function startBinary({
  args = [],
  env = {},
}: StartOptions = {}): Promise<RunningBinary> {
  const folder = mkdtempSync(join(tmpdir(), "soma-e2e-"));
  const child = Bun.spawn([await binaryPath(), "serve", "--port", "0", ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) output += decoder.decode(chunk, { stream: true });
  };
  void collect(child.stdout);
  void collect(child.stderr);
  const deadlineMs = performance.now() + 10_000;
  while (!/http:\/\/\S+:\d+/.test(output)) {
    if (child.exitCode !== null || performance.now() > deadlineMs)
      throw new Error(`soma did not start: ${output}`);
    await Bun.sleep(5);
  }
  const url = /https?:\/\/[^/\s]+/.exec(output)?.[0] ?? "";
  const request = async (path: string, init?: RequestInit) => {
    const response = await fetch(url + path, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number> => {
    child.kill(signal);
    return await child.exited;
  };
  return {
    url,
    pid: child.pid,
    folder,
    output: () => output,
    get: async (path) => await request(path),
    post: async (path, body = {}) =>
      await request(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    stop,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) await stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs dist/soma to its end. */
export async function runBinary(args: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([await binaryPath(), ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}
