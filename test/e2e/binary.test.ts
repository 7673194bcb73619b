/** The one executable, run from an empty folder: what it says, what it serves, and how it ends. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { VERSION } from "../../src/protocol/version.ts";
import { runBinary, startBinary } from "../tools/running-binary.ts";

const EXAMPLES = resolve(import.meta.dir, "../../examples");

/** Frames of a stream, as they come. */
async function frames(url: string, count: number): Promise<ArrayBuffer[]> {
  const { promise, resolve: done, reject } = Promise.withResolvers<ArrayBuffer[]>();
  const received: ArrayBuffer[] = [];
  const socket = new WebSocket(url.replace("http", "ws"));
  socket.binaryType = "arraybuffer";
  socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
    if (typeof event.data === "string") return reject(new Error(event.data));
    received.push(event.data);
    if (received.length === count) done(received);
  };
  socket.onclose = (event) => reject(new Error(`closed with ${event.code} ${event.reason}`));
  try {
    return await promise;
  } finally {
    socket.onclose = null;
    socket.close();
  }
}

describe("the main job", () => {
  test("from an empty folder: a built-in clip streams, the pages are there, nothing is left behind", async () => {
    await using soma = await startBinary();
    const { body } = await soma.get("/animations");
    const names = body["animations"] as string[];
    expect(names.length).toBeGreaterThanOrEqual(4);
    for (const file of names) {
      const id = file.replace(/\W/g, "-");
      expect(await soma.post("/sessions", { session_id: id, animation_file: file })).toMatchObject({
        status: 200,
      });
      const skeleton = (await soma.get(`/sessions/${id}/skeleton`)).body;
      const bones = (skeleton["bone_names"] as string[]).length;
      const [first, second] = await frames(`${soma.url}/ws/${id}`, 20).then((all) => [
        all[0],
        all[19],
      ]);
      expect(first?.byteLength).toBe(bones * 64);
      expect(
        Buffer.from(first ?? new ArrayBuffer()).equals(Buffer.from(second ?? new ArrayBuffer())),
      ).toBe(false);
    }
    for (const path of ["/", "/view/walk-bvh", "/sdk.js", "/docs", "/openapi.json"]) {
      const response = await fetch(soma.url + path);
      expect([path, response.status]).toEqual([path, 200]);
      await response.arrayBuffer();
    }
    expect(readdirSync(soma.folder)).toEqual([]);
    expect(await soma.stop()).toBe(0);
  }, 60_000);

  test("files in the working folder change nothing: no .env, no bunfig.toml is read", async () => {
    await using soma = await startBinary();
    writeFileSync(join(soma.folder, ".env"), "SOMA_MAX_SESSIONS=1\n");
    writeFileSync(join(soma.folder, "evil.ts"), 'require("fs").writeFileSync("evil.txt", "ran")');
    writeFileSync(join(soma.folder, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    const { stdout, code } = await (async () => {
      const { binaryPath } = await import("../tools/binary.ts");
      const child = Bun.spawn([await binaryPath(), "serve", "--print-config"], {
        cwd: soma.folder,
        stdout: "pipe",
      });
      return { stdout: await child.stdout.text(), code: await child.exited };
    })();
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ "max-sessions": 2_000 });
    expect(existsSync(join(soma.folder, "evil.txt"))).toBe(false);
  });
});

describe("the native library", () => {
  const noexec = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .find(
      ([, path, , options]) =>
        options?.includes("noexec") && options.startsWith("rw") && path === "/dev/shm",
    )?.[1];

  for (const [title, tmpdir] of [
    ["without a temporary folder", "/nonexistent"],
    ["with a read-only temporary folder", "/proc"],
    ...(noexec === undefined ? [] : [["with a noexec temporary folder", noexec]]),
  ] as const) {
    test(`${title} it is loaded from memory, in main and in workers`, async () => {
      const env = { TMPDIR: tmpdir, BUN_TMPDIR: tmpdir };
      const { stdout } = await runBinary(["doctor", "--port", "0"], env);
      expect(stdout).toContain("loaded (memfd)");
      await using soma = await startBinary({ env });
      expect(
        await soma.post("/sessions", { session_id: "a", animation_file: "walk.bvh" }),
      ).toMatchObject({ status: 200 });
      expect(await frames(`${soma.url}/ws/a`, 3)).toHaveLength(3);
    }, 30_000);
  }

  test("without it poses are computed in TypeScript, and agree to 1e-6", async () => {
    const pose = async (env: Record<string, string>): Promise<Float32Array> => {
      await using soma = await startBinary({ env });
      await soma.post("/sessions", {
        engine: "animation",
        id: "a",
        options: { file: "walk.bvh", paused: true },
      });
      await soma.post("/sessions/a/seek", { time: 0.5 });
      const { body } = await soma.get("/status");
      expect(body["native"]).toMatchObject({ loaded: env["SOMA_NATIVE"] !== "off" });
      return new Float32Array(
        await (await fetch(`${soma.url}/sessions/a/frame?space=global`)).arrayBuffer(),
      );
    };
    const [c, typescript] = [await pose({}), await pose({ SOMA_NATIVE: "off" })];
    const scale = Math.max(...c.map(Math.abs));
    const worst = Math.max(
      ...c.map((value, at) => Math.abs(value - (typescript[at] ?? Number.NaN))),
    );
    expect(worst / scale).toBeLessThan(1e-6);
  }, 30_000);
});

describe("plug-ins", () => {
  test("an animator from a file streams, takes its own commands, and refuses what it should", async () => {
    await using soma = await startBinary({
      args: ["--plugin", join(EXAMPLES, "animators/wave-chain.ts")],
    });
    expect(
      await soma.post("/sessions", { session_id: "chain", session_type: "WaveChain" }),
    ).toEqual({
      status: 200,
      body: { status: "created", session_id: "chain" },
    });
    expect((await frames(`${soma.url}/ws/chain`, 5))[0]?.byteLength).toBe(12 * 64);
    expect(await soma.post("/sessions/chain/commands/amplitude", { radians: 0.5 })).toEqual({
      status: 200,
      body: { status: "done", radians: 0.5, session_id: "chain" },
    });
    expect(await soma.post("/sessions/chain/commands/amplitude", { radians: 7 })).toMatchObject({
      status: 422,
    });
    expect(await soma.post("/sessions/chain/commands/nonsense")).toMatchObject({ status: 422 });
    expect((await soma.get("/sessions/chain")).body).toMatchObject({
      place: "dedicated",
      state: "running",
    });
    const global = await fetch(
      `${soma.url}/sessions/chain/frame?space=global&order=column&dtype=f64`,
    );
    expect((await global.arrayBuffer()).byteLength).toBe(12 * 128);
  }, 30_000);

  test("a plug-in that is none stops the start with the file and the reason", async () => {
    const { stderr, code } = await runBinary([
      "serve",
      "--port",
      "0",
      "--plugin",
      join(EXAMPLES, "..", "build.ts"),
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('export a "name"');
  });
});

describe("the end", () => {
  test("SIGTERM: sockets are closed with 1001 and a reason, the exit code is 0, well within the grace time", async () => {
    await using soma = await startBinary({ args: ["--shutdown-grace-ms", "3000"] });
    await soma.post("/sessions", { session_id: "a", animation_file: "walk.bvh" });
    const socket = new WebSocket(`${soma.url.replace("http", "ws")}/ws/a`);
    const closed = Promise.withResolvers<CloseEvent>();
    socket.onclose = (event) => closed.resolve(event);
    await new Promise((opened) => {
      socket.onopen = opened;
    });
    const startedMs = performance.now();
    const exit = soma.stop();
    const event = await closed.promise;
    expect([event.code, event.reason]).toEqual([1001, "the server is stopping"]);
    expect(await exit).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(3_500);
  }, 20_000);

  test("SIGTERM with a plug-in that hangs for ever: the grace time is kept", async () => {
    const file = join(EXAMPLES, "..", "test/fixtures/hanging-animator.ts");
    await using soma = await startBinary({
      args: ["--plugin", file, "--shutdown-grace-ms", "1000", "--tick-limit-ms", "60000"],
    });
    await soma.post("/sessions", { session_id: "a", session_type: "Hanging" });
    await Bun.sleep(200);
    const startedMs = performance.now();
    expect(await soma.stop()).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(2_500);
  }, 20_000);
});

describe("the command line", () => {
  test("version, help, and what is not a command", async () => {
    expect(await runBinary(["version"])).toEqual({
      stdout: `soma ${VERSION}\n`,
      stderr: "",
      code: 0,
    });
    const help = await runBinary(["serve", "--help"]);
    for (const option of [
      "--port",
      "--host",
      "--clips",
      "--plugin",
      "--token",
      "--max-sessions",
      "--print-config",
    ]) {
      expect(help.stdout).toContain(option);
    }
    const wrong = await runBinary(["sreve"]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('no command "sreve"');
  });

  const refusals: readonly [string, readonly string[], string][] = [
    ["an unknown option", ["--prot", "1"], "--prot"],
    ["a port out of range", ["--port", "70000"], "--port"],
    ["a host without a token", ["--host", "0.0.0.0"], "soma serve --host 0.0.0.0 --token"],
    ["a folder that is not there", ["--clips", "/nonexistent"], "there is no folder /nonexistent"],
    ["half a TLS pair", ["--cert-file", "/x.pem"], "go together"],
    ["a value that is missing", ["--port"], "--port needs a value"],
  ];
  for (const [title, args, text] of refusals) {
    test(`${title} is refused with what would be right`, async () => {
      const { stderr, code } = await runBinary(["serve", ...args]);
      expect(code).toBe(2);
      expect(stderr).toContain(text);
      expect(stderr).not.toContain("    at ");
    });
  }

  test("flags outrank the environment, that outranks the file, that the defaults", async () => {
    const folder = join(process.env["TMPDIR"] ?? "/tmp", `soma-config-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "soma.json");
    writeFileSync(file, JSON.stringify({ port: 1111, "max-sessions": 11, "max-clients": 12 }));
    const { stdout } = await runBinary(
      ["serve", "--print-config", "--config", file, "--port", "3333"],
      {
        SOMA_PORT: "2222",
        SOMA_MAX_SESSIONS: "22",
        RUST_LOG: "DEBUG",
      },
    );
    expect(JSON.parse(stdout)).toMatchObject({
      port: 3333,
      "max-sessions": 22,
      "max-clients": 12,
      "idle-timeout-s": 0,
      "log-level": "debug",
    });
  });

  test("a port in use is said in one line", async () => {
    await using soma = await startBinary();
    const { stderr, code } = await runBinary(["serve", "--port", new URL(soma.url).port]);
    expect(code).toBe(2);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("it is in use");
  });
});
