/** `soma doctor`: what this machine gives the server, and what is missing. */
import { createServer } from "node:net";
import { nativeStatus } from "../native/library.ts";
import { VERSION } from "../protocol/version.ts";
import { readConfig } from "./config.ts";

/** Prints one line per finding; the exit code is 1 when the server could not start. */
export async function doctor(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { config } = readConfig({ args, env });
  const native = nativeStatus();
  const ports = [config.port, ...(config["seed-ports"] ? [9810] : [])];
  const findings = await Promise.all(
    ports.map(async (port) => ({ port, problem: await portProblem(config.host, port) })),
  );
  const lines = [
    `soma ${VERSION} on ${process.platform}-${process.arch}, Bun ${Bun.version}`,
    `native library   ${native.how !== "none" ? `loaded (${native.how})` : `not loaded: ${native.reason ?? "unknown"}; poses are computed in TypeScript`}`,
    `SIMD level       ${native.simd}`,
    `workers          ${config.workers} of ${navigator.hardwareConcurrency} processors`,
    ...findings.map(({ port, problem }) => `port ${String(port).padEnd(11)} ${problem ?? "free"}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return findings.some(({ problem }) => problem !== undefined) ? 1 : 0;
}

async function portProblem(host: string, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const probe = createServer();
  probe.once("error", (error: NodeJS.ErrnoException) =>
    resolve(
      error.code === "EADDRINUSE" ? `in use on ${host}; choose another with --port` : error.message,
    ),
  );
  probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  return await promise;
}
