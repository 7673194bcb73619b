/**
 * Who takes part: our server and the rivals, as commands. All honour one small contract, so that the same client and the
 * same harness serve them all:
 *   `--port P --clips DIR`; GET /healthz; POST /sessions {session_id, animation_file}; WS /ws/{session_id}?header=soma
 *   sends the 32-byte header and 65 × 16 float32 local matrices at 60 Hz.
 * Starts nothing.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

export interface Place {
  readonly port: number;
  readonly clipsDir: string;
}

export interface Contender {
  readonly name: "soma" | "bare-publish" | "node-ws" | "fastapi";
  /** What it is, for the table's legend. */
  readonly title: string;
  /** The reason why it cannot run here, in one line; undefined when it can. */
  missing(): string | undefined;
  command(place: Place): readonly string[];
}

export const ROOT = resolve(import.meta.dir, "../..");
const RIVALS = join(import.meta.dir, "rivals");
const BINARY = join(ROOT, "dist/soma");
const SOURCE = join(ROOT, "src/main.ts");
/** Debian's own Python: the one that has Debian's packages. */
const PYTHON = "/usr/bin/python3";
const PYTHON_PACKAGES =
  "python3-fastapi python3-uvicorn python3-websockets python3-uvloop python3-numpy";

function runs(command: readonly string[]): boolean {
  try {
    return Bun.spawnSync([...command], { stdout: "ignore", stderr: "ignore", timeout: 20_000 })
      .success;
  } catch {
    return false;
  }
}

function placeFlags({ port, clipsDir }: Place): readonly string[] {
  return ["--port", String(port), "--clips", clipsDir];
}

/** Whether the compiled binary is measured; figures of the source tree are not those of the product. */
export function somaIsCompiled(): boolean {
  return existsSync(BINARY);
}

export const soma: Contender = {
  name: "soma",
  title: "soma serve (compiled binary, else from source)",
  missing: () =>
    existsSync(BINARY) || existsSync(SOURCE)
      ? undefined
      : "neither dist/soma nor src/main.ts exists",
  command: (place) => [
    ...(somaIsCompiled() ? [BINARY] : [process.execPath, SOURCE]),
    "serve",
    ...placeFlags(place),
    "--max-sessions",
    "2000",
    "--max-clients",
    "5000",
  ],
};

export const barePublish: Contender = {
  name: "bare-publish",
  title: "Bun.serve publishing fixed bytes: the floor, no computation",
  missing: () => undefined,
  command: (place) => [process.execPath, join(RIVALS, "bare-publish.ts"), ...placeFlags(place)],
};

export const nodeWs: Contender = {
  name: "node-ws",
  title: "node with ws 8, no deflate",
  missing: () => (runs(["node", "--version"]) ? undefined : "node is not installed"),
  command: (place) => ["node", join(RIVALS, "node-ws.mjs"), ...placeFlags(place)],
};

export const fastapi: Contender = {
  name: "fastapi",
  title: "FastAPI on uvicorn with uvloop and numpy",
  missing: () =>
    runs([PYTHON, "-c", "import fastapi, uvicorn, websockets, uvloop, numpy"])
      ? undefined
      : `apt-get install ${PYTHON_PACKAGES}`,
  command: (place) => [PYTHON, join(RIVALS, "fastapi_server.py"), ...placeFlags(place)],
};

export const CONTENDERS: readonly Contender[] = [soma, barePublish, nodeWs, fastapi];
