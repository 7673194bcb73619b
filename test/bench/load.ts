/**
 * Builds and runs the C load client. Owns its command line and the shape of its answer.
 */
import { join } from "node:path";
import { z } from "zod";
import type { Server } from "./server.ts";

export interface Load {
  readonly sessions: number;
  readonly clientsPerSession: number;
  readonly windowMs: number;
  readonly warmupMs?: number;
  /** Clients of the sessions that complete their handshake and then never read. */
  readonly stalled?: number;
  /** How long the stalled clients read again after the window. */
  readonly returnMs?: number;
  /** Without it the stream is asked for as the bare matrices: then only messages and bytes are known. */
  readonly header?: "soma" | "none";
  /** Keeps each frame of the first client. */
  readonly trace?: boolean;
}

const count = z.int().nonnegative();
const seconds = z.number().nonnegative();

/** What the client saw in its window. Times of frames are microseconds. */
export const loadResult = z.strictObject({
  clients: count,
  failedConnects: count,
  windowS: seconds,
  messages: count,
  /** Payload bytes of the messages, headers of the frames included. */
  bytes: count,
  texts: count,
  controls: count,
  /** Frames missing by their sequence. */
  lost: count,
  reordered: count,
  malformed: count,
  disconnected: count,
  /** Gaps over 1.5 periods between the capture times of one session, summed over the sessions. */
  lateTicks: count,
  fewestPerClient: count,
  mostPerClient: count,
  /** Capture to receipt. Two processes' clocks may differ by some microseconds, so the least may be below zero. */
  ageMinUs: z.number(),
  ageP50Us: z.number(),
  ageP99Us: z.number(),
  ageMaxUs: z.number(),
  /** User and system time of the server's processes in the window. */
  serverCpuS: seconds,
  clientCpuS: seconds,
  /** Busy time of the whole machine, server and client included. */
  machineBusyS: seconds,
  serverRssBytes: count,
  stalledOpen: count,
  /** Of the stalled client that had the most: frames older than its return. */
  backlogMostFrames: count,
  freshAfterReturn: count,
  /** Sequence, capture time and time of receipt of each frame of the first client. */
  trace: z.array(z.tuple([z.number(), z.number(), z.number()])).optional(),
});

export type LoadResult = z.infer<typeof loadResult>;

export const RATE_HZ = 60;
const CONNECT_TIMEOUT_MS = 20_000;

/** A program of ours in C, compiled into `workDir`. */
export async function compile(source: string, workDir: string): Promise<string> {
  const out = join(workDir, source.replace(/\.c$/, ""));
  const compiler = Bun.env["CC"] ?? "cc";
  const command = [
    compiler,
    "-O2",
    "-std=c17",
    "-Wall",
    "-Wextra",
    "-o",
    out,
    join(import.meta.dir, source),
  ];
  const child = Bun.spawn(command, { stdout: "inherit", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`${compiler} could not build ${source}`);
  return out;
}

export async function runLoad(client: string, server: Server, load: Load): Promise<LoadResult> {
  const warmupMs = load.warmupMs ?? 1_000;
  const header = load.header ?? "soma";
  const flags = {
    port: server.port,
    path: `/ws/s{session}?header=${header}`,
    sessions: load.sessions,
    clients: load.clientsPerSession,
    stalled: load.stalled ?? 0,
    rate: RATE_HZ,
    "warmup-ms": warmupMs,
    "window-ms": load.windowMs,
    "return-ms": load.returnMs ?? 0,
    "connect-timeout-ms": CONNECT_TIMEOUT_MS,
  };
  const child = Bun.spawn(
    [
      client,
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...server.pids().flatMap((pid) => ["--server-pid", String(pid)]),
      ...(header === "none" ? ["--headerless"] : []),
      ...(load.trace === true ? ["--trace"] : []),
    ],
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      timeout: CONNECT_TIMEOUT_MS + warmupMs + load.windowMs + (load.returnMs ?? 0) + 10_000,
      killSignal: "SIGKILL",
    },
  );
  const text = await child.stdout.text();
  if ((await child.exited) !== 0)
    throw new Error(`the load client ended with code ${child.exitCode}`);
  server.assertAlive();
  return loadResult.parse(JSON.parse(text));
}
