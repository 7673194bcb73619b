/**
 * The one place that builds the long-lived objects and connects them. `startServer` is the whole server; the CLI and the embedding
 * API both call it.
 */
import { hostname, networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { embeddedClips } from "../assets/clips.ts";
import { webAssets } from "../assets/web.ts";
import { wallMs } from "../core/clock.ts";
import { Fault } from "../core/fault.ts";
import { logOf } from "../core/log.ts";
import { ClipLibrary } from "../engines/animation/library.ts";
import type { ClipSource } from "../engines/animation/options.ts";
import { animationSpec } from "../engines/animation/spec.ts";
import type { PluginFiles } from "../engines/runtime/messages.ts";
import { setNotsentLowat } from "../native/libc.ts";
import { nativeStatus } from "../native/library.ts";
import { LIMITS } from "../protocol/limits.ts";
import { ClipCatalogue } from "../sessions/clip-catalogue.ts";
import { SessionManager } from "../sessions/manager.ts";
import { httpApp } from "../transports/http/app.ts";
import type { AccessRules, Services } from "../transports/services.ts";
import { addStreamSocket } from "../transports/ws/stream-socket.ts";
import type { Config } from "./config.ts";
import { loadPlugins } from "./plugins.ts";

const log = logOf("server");

/** Where the origin's animation server listens. */
const ANIMATION_SEED_PORT = 9810;

export interface RunningServer {
  /** Addresses that answer, the main one first. */
  readonly urls: readonly string[];
  readonly port: number;
  readonly manager: SessionManager;
  /** Refuses new work, tells clients, ends every session; resolves within the grace time. */
  stop(): Promise<void>;
}

export async function startServer(config: Config): Promise<RunningServer> {
  const plugins = await loadPlugins(config.plugin.map((file) => resolve(file)));
  const library = new ClipLibrary(embeddedClips(), config.clips);
  const manager = new SessionManager(
    [
      animationSpec({ library, pluginAnimators: Object.keys(plugins.files.animators) }),
      ...plugins.specs,
    ],
    managerSettings(config, plugins.files),
  );
  const catalogue = new ClipCatalogue(
    library,
    async (source: ClipSource) => await manager.inspect("animation", { source }),
  );
  const services: Services = {
    manager,
    catalogue,
    access: accessRules(config),
    assets: webAssets(),
    maxBodyBytes: config["max-body-bytes"],
    native: nativeSummary,
    maxSessions: config["max-sessions"],
    maxClients: config["max-clients"],
    startedMs: wallMs(),
  };
  const listeners = [listen(config, services, "all", config.port)];
  if (config["seed-ports"])
    listeners.push(listen(config, services, "animation", ANIMATION_SEED_PORT));
  const scheme = config["cert-file"] ? "https" : "http";
  const ports = listeners.map((listener) => listener.port);
  return {
    urls: ports.flatMap((port) =>
      reachableHosts(config.host).map((host) => `${scheme}://${host}:${port}`),
    ),
    port: ports[0] ?? config.port,
    manager,
    stop: async () => await stop(config, manager, listeners),
  };
}

function nativeSummary(): ReturnType<Services["native"]> {
  const { how, reason, simd } = nativeStatus();
  return { loaded: how !== "none", simd, ...(reason === undefined ? {} : { reason }) };
}

interface Listener {
  readonly port: number;
  stop(force: boolean): Promise<void>;
}

function listen(
  config: Config,
  services: Services,
  dialect: "all" | "animation",
  port: number,
): Listener {
  const certFile = config["cert-file"];
  const keyFile = config["key-file"];
  const app = httpApp(services, {
    dialect,
    addSockets: (sockets) => addStreamSocket(sockets, services),
    tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined,
  });
  try {
    app.listen({ port, hostname: config.host });
  } catch (error) {
    throw portFault(error, config.host, port);
  }
  const server = app.server;
  if (!server) throw new Error("assertion failed: a listening app has a server");
  const bound = server.port ?? port;
  // Without it the kernel holds megabytes of stale frames for a client that does not read. Not urgent enough to delay the
  // first answer.
  setImmediate(() => {
    const changed = setNotsentLowat(bound, LIMITS.notSentLowWaterBytes);
    if (changed === 0) log.debug("TCP_NOTSENT_LOWAT was not set", { port: bound });
  });
  return { port: bound, stop: async (force) => await server.stop(force) };
}

function portFault(error: unknown, host: string, port: number): Fault {
  const { code, message } = error as { code?: string; message?: string };
  const reason =
    code === "EADDRINUSE"
      ? "it is in use"
      : code === "EACCES"
        ? "it needs more rights"
        : (message ?? "");
  return new Fault(
    "CONFIG_INVALID",
    `cannot listen on ${host}:${port}: ${reason}; choose another with --port`,
  );
}

function managerSettings(config: Config, plugins: PluginFiles) {
  return {
    plugins,
    logLevel: config["log-level"],
    poolWorkers: config.workers,
    maxSessions: config["max-sessions"],
    maxClients: config["max-clients"],
    idleTimeoutMs: config["idle-timeout-s"] * 1000,
    clipCacheBytes: config["clip-cache-mb"] * 2 ** 20,
    tickMs: config["tick-limit-ms"],
    openMs: LIMITS.openMs,
    loadMs: config["load-limit-ms"],
  };
}

function accessRules(config: Config): AccessRules {
  const names = [config.host, hostname(), ...reachableHosts(config.host), ...config["allow-host"]];
  return {
    token: config.token,
    allowOrigins: config["allow-origin"],
    hosts:
      config.insecure || config.token !== undefined ? [] : names.map((name) => name.toLowerCase()),
  };
}

/** Addresses under which the server can be reached, for the banner and the Host check. */
function reachableHosts(host: string): readonly string[] {
  if (host !== "0.0.0.0" && host !== "::")
    return [host.includes(":") && !host.startsWith("[") ? `[${host}]` : host];
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((address) => !address.internal && address.family === "IPv4")
    .map((address) => address.address);
  return ["127.0.0.1", ...addresses];
}

/** Refuse, tell, wait, force: in that order, within the grace time. */
async function stop(
  config: Config,
  manager: SessionManager,
  listeners: readonly Listener[],
): Promise<void> {
  const graceMs = config["shutdown-grace-ms"];
  const closing = (async () => {
    await manager.close();
    // Lets close frames and last answers leave before sockets are cut.
    await Promise.race([
      Promise.all(listeners.map((listener) => listener.stop(false))),
      Bun.sleep(graceMs / 4),
    ]);
  })();
  await Promise.race([closing, Bun.sleep(graceMs)]);
  await Promise.race([
    Promise.all(listeners.map((listener) => listener.stop(true))),
    Bun.sleep(200),
  ]);
}
