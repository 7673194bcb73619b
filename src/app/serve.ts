/** `soma serve`: starts the server, says where it is, and stops it on SIGTERM or SIGINT. */
import { logOf } from "../core/log.ts";
import { VERSION } from "../protocol/version.ts";
import type { Config } from "./config.ts";
import { startLogging } from "./logging.ts";
import { type RunningServer, startServer } from "./wiring.ts";

/** Resolves with the exit code once the server has stopped. */
export async function runUntilSignal(config: Config): Promise<number> {
  await startLogging(config["log-level"], config["log-format"]);
  const server = await startServer(config);
  process.stdout.write(banner(config, server));
  const signal = await nextSignal();
  logOf("server").info("stopping", { signal, graceMs: config["shutdown-grace-ms"] });
  // A second signal means now.
  void nextSignal().then(() => process.exit(1));
  await server.stop();
  return 0;
}

function banner(config: Config, server: RunningServer): string {
  const [first = "", ...others] = server.urls;
  const token = config.token === undefined ? "" : "token=…";
  return [
    `soma ${VERSION}`,
    `  pages     ${first}/${token && `?${token}`}`,
    `  API docs  ${first}/docs${token && `?${token}`}`,
    `  example   ${first}/view/demo?file=walk.bvh${token && `&${token}`}`,
    ...others.map((url) => `  also      ${url}`),
    "",
    "",
  ].join("\n");
}

async function nextSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  return await promise;
}
