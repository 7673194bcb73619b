/**
 * A whole server in this process, for tests of what clients see: on a free port, with two clips and a plug-in of its own, and
 * everything gone after `stop`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/app/config.ts";
import { type RunningServer, startServer } from "../../src/app/wiring.ts";

/** Two bones, 31 frames at 30 Hz: one second. */
const STEP_BVH = `HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 20 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 15 0
    }
  }
}
MOTION
Frames: 31
Frame Time: 0.0333333
${Array.from({ length: 31 }, (_, frame) => `${frame} 90 0 0 0 0 ${frame * 3} 0 0`).join("\n")}
`;

export const STEP = { clip: "step.bvh", bones: 2, durationS: 1 } as const;

/** An animator that does what it is told: \`echo\` answers, \`refuse\` throws, \`crash\` ends the session. */
const PUPPET = `
let crash = false;
export const name = "Puppet";
export function create() {
  return {
    initialize() {},
    getSkeleton: () => ({
      type: "SKELETON_DEF",
      bone_names: ["root"],
      parents: [-1],
      bind_pose: { positions: [[0, 0, 0]], rotations: [[0, 0, 0, 1]], scales: [[1, 1, 1]] },
    }),
    getMemorySize: () => 64,
    writeFrameToBuffer(view, offset) {
      if (crash) throw new Error("the strings are cut");
      for (let at = 0; at < 16; at++) view.setFloat32(offset + at * 4, at % 5 === 0 ? 1 : 0, true);
    },
    commands: {
      echo: (value) => ({ said: value }),
      refuse: () => { throw new Error("not today"); },
      crash: () => { crash = true; },
    },
  };
}
`;

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly manager: RunningServer["manager"];
  request(path: string, init?: RequestInit): Promise<Response>;
  /** POSTs JSON. */
  post(path: string, body?: unknown): Promise<Response>;
  /** Creates a session on the step clip. */
  create(id: string, options?: Record<string, unknown>): Promise<void>;
  /** Creates a session and makes its engine crash; resolves when it has failed. */
  createFailed(id: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestServer(...args: readonly string[]): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "soma-transports-"));
  writeFileSync(join(folder, STEP.clip), STEP_BVH);
  writeFileSync(join(folder, "damaged.bvh"), STEP_BVH.slice(0, 200));
  const plugin = join(folder, "puppet.ts");
  writeFileSync(plugin, PUPPET);
  const { config } = readConfig({
    args: ["--port", "0", "--clips", folder, "--plugin", plugin, "--workers", "1", ...args],
    env: {},
  });
  const server = await startServer(config);
  const url = `http://127.0.0.1:${server.port}`;
  const request = async (path: string, init?: RequestInit) => await fetch(url + path, init);
  const post = async (path: string, body: unknown = {}) =>
    await request(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const created = async (body: unknown) => {
    const answer = await post("/sessions", body);
    if (answer.status !== 200)
      throw new Error(`no session: ${answer.status} ${await answer.text()}`);
  };
  return {
    url,
    port: server.port,
    manager: server.manager,
    request,
    post,
    create: async (id, options = {}) =>
      await created({ engine: "animation", id, options: { file: STEP.clip, ...options } }),
    createFailed: async (id) => {
      await created({ engine: "animation", id, options: { session_type: "Puppet" } });
      await post(`/sessions/${id}/commands/crash`);
      while (server.manager.find(id)?.state === "running") await Bun.sleep(2);
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
