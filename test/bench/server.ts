/**
 * One server under test: started on a free port, ready when /healthz answers, ended with everything it started.
 * Knows the contract of contenders.ts and nothing of any one server.
 */

import { BENCH_CLIP } from "./clip.ts";
import type { Contender } from "./contenders.ts";
import { openDescriptors, processTree, residentBytes } from "./machine.ts";

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 20_000;
const CREATES_IN_FLIGHT = 16;

export interface Server extends AsyncDisposable {
  readonly contender: Contender;
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** The process and its descendants, as they are now. */
  pids(): readonly number[];
  /** Throws when the process is no longer there. */
  assertAlive(): void;
  residentBytes(): number;
  openDescriptors(): number;
  request(method: string, path: string, body?: unknown): Promise<Response>;
  /** Creates sessions `s{first}` to `s{last}` of the bench clip; throws at the first refusal. */
  createSessions(first: number, last: number): Promise<void>;
}

/** Servers that run now: none may outlive the benchmark, however it ends. */
const running = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

/** A port nobody listens on at the moment. */
export function freePort(): number {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  const { port } = listener;
  listener.stop(true);
  return port;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // refused while it starts
  }
}

async function untilReady(origin: string, child: Bun.Subprocess): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null)
      throw new Error(`it ended with code ${child.exitCode} before it answered`);
    if (await answers(`${origin}/healthz`)) return;
    await Bun.sleep(20);
  }
  throw new Error(`no answer on /healthz within ${READY_TIMEOUT_MS} ms`);
}

/** Ends the child, politely first, and whatever of its tree outlived it. */
async function stop(child: Bun.Subprocess): Promise<void> {
  const tree = processTree(child.pid);
  child.kill("SIGTERM");
  const ended = await Promise.race([
    child.exited.then(() => true),
    Bun.sleep(STOP_TIMEOUT_MS).then(() => false),
  ]);
  if (!ended) child.kill("SIGKILL");
  await child.exited;
  running.delete(child);
  for (const pid of tree.slice(1)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // already gone with its parent
    }
  }
}

export async function startServer(contender: Contender, clipsDir: string): Promise<Server> {
  const port = freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = Bun.spawn([...contender.command({ port, clipsDir })], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.env["BENCH_VERBOSE"] ? "inherit" : "ignore",
  });
  running.add(child);
  try {
    await untilReady(origin, child);
  } catch (error) {
    await stop(child);
    throw new Error(
      `${contender.name} did not start: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }

  const request = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${origin}${path}`, {
      method,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });

  async function createSession(number: number): Promise<void> {
    const body = { session_id: `s${number}`, animation_file: BENCH_CLIP.fileName };
    const response = await request("POST", "/sessions", body);
    const text = await response.text();
    if (!response.ok)
      throw new Error(`${contender.name} refused session s${number}: ${response.status} ${text}`);
  }

  return {
    contender,
    port,
    origin,
    request,
    pids: () => processTree(child.pid),
    assertAlive() {
      const how = child.signalCode ?? child.exitCode;
      if (how !== null) throw new Error(`${contender.name} died: ${how}`);
    },
    residentBytes: () => residentBytes(processTree(child.pid)),
    openDescriptors: () => openDescriptors(processTree(child.pid)),
    async createSessions(first, last) {
      let next = first;
      const creator = async (): Promise<void> => {
        while (next <= last) await createSession(next++);
      };
      await Promise.all(Array.from({ length: CREATES_IN_FLIGHT }, creator));
    },
    [Symbol.asyncDispose]: () => stop(child),
  };
}
