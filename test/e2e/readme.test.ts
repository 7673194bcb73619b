/**
 * Goal: what the README shows works as it stands. Method: its commands run against the executable, its snippets and the clients of
 * examples/ are compiled and run against live sessions, and what they print is held against the bytes of /frame; its tables are held
 * against the code. Only the port is replaced.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describeOptions } from "../../src/app/config.ts";
import {
  FRAME_FLAG,
  FRAME_HEADER,
  FRAME_MAGIC,
  MOMA_MAGIC,
  readFrameHeader,
} from "../../src/protocol/layouts.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { ROOT, readText, repositoryFiles } from "../house/source-files.ts";
import { binaryPath } from "../tools/binary.ts";
import { PYTHON } from "../tools/debian-packages.ts";
import { type Requirement, testWith } from "../tools/requirement.ts";
import { type RunningBinary, startBinary } from "../tools/running-binary.ts";

const README = readText("README.md");
const FIXTURES = join(ROOT, "test/fixtures/readme");
const CLIENTS = join(ROOT, "examples/clients");
/** The address that the README writes. */
const WRITTEN_HOST = "127.0.0.1:8080";
const DEADLINE_MS = 20_000;
const TEST_MS = 60_000;

const CURL: Requirement = { package: "curl" };
const OPENSSL: Requirement = { package: "openssl" };

// ---- blocks and tables --------------------------------------------------------------------------------------------

interface Block {
  readonly language: string;
  /** What follows the language: what is done with the block here. */
  readonly mark: string;
  readonly text: string;
}

const blocks: readonly Block[] = [...README.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = "", mark = "", text = ""]) => ({ language, mark, text }),
);

function blocksOf(language: string, mark = ""): readonly Block[] {
  return blocks.filter((block) => block.language === language && block.mark === mark);
}

/** The one block of its kind. */
function snippet(language: string, mark = ""): string {
  const [block, ...others] = blocksOf(language, mark);
  if (!block || others.length > 0)
    throw new Error(`the README has ${1 + others.length} blocks "${language} ${mark}"`);
  return block.text;
}

/** Cells of the table whose head begins with `head`, without the code marks. */
function table(head: string): readonly (readonly string[])[] {
  const lines = README.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${head}`));
  const end = lines.findIndex((line, at) => at > start && !line.startsWith("|"));
  if (start < 0) throw new Error(`the README has no table "${head}"`);
  return lines.slice(start + 2, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function codeIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

// ---- running things -----------------------------------------------------------------------------------------------

/** A reader's clone, as far as the commands need it: what they write stays out of ours. */
async function readersFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "soma-readme-"));
  for (const name of ["examples", "src"]) symlinkSync(join(ROOT, name), join(folder, name));
  mkdirSync(join(folder, "dist"));
  symlinkSync(await binaryPath(), join(folder, "dist/soma"));
  // Makes curl fail where the server refuses, and be quiet otherwise.
  writeFileSync(join(folder, ".curlrc"), "silent\nshow-error\nfail-with-body\nmax-time = 10\n");
  return folder;
}

/** Runs shell commands as written, but for the port, to their end. */
async function shell(
  script: string,
  { folder, host }: { folder: string; host: string },
): Promise<string> {
  const text = script.replaceAll(WRITTEN_HOST, host).replace(/^dist\/soma doctor/m, "$& --port 0");
  const child = Bun.spawn(["bash", "-euo", "pipefail", "-c", text], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, CURL_HOME: folder },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  expect({ script, code, stderr: code === 0 ? "" : `${stdout}${stderr}` }).toEqual({
    script,
    code: 0,
    stderr: "",
  });
  for (const [, promised = ""] of script.matchAll(/^# → (.*)$/gm))
    expect(stdout).toContain(promised);
  return stdout;
}

/** Compiles or runs something that ends by itself, and gives what it printed. */
async function run(command: readonly string[], cwd: string): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/** A program that prints for ever, line by line. Ended with the scope that holds it, or after a time that no test needs. */
class Printing implements AsyncDisposable {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #stderr: Promise<string>;
  readonly #lines: AsyncGenerator<string, void, void>;

  constructor(command: readonly string[], cwd: string) {
    this.child = Bun.spawn([...command], {
      cwd,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    this.#stderr = this.child.stderr.text();
    this.#lines = linesOf(this.child.stdout);
  }

  /** The next line; throws with the last one and what went to stderr when there is none. */
  async next(last = ""): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done !== true) return value;
    const { signalCode, exitCode } = this.child;
    const end = `${signalCode ?? exitCode}, after "${last.slice(0, 500)}"`;
    throw new Error(`nothing more was printed (${end}): ${await this.#stderr}`);
  }

  /** The first line from here on that is `wanted`. */
  async until(wanted: (line: string) => boolean): Promise<string> {
    let line = await this.next();
    while (!wanted(line)) line = await this.next(line);
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

// ---- poses --------------------------------------------------------------------------------------------------------

/** The newest frame as numbers; `query` as in the README's table of parameters. */
async function frameOf(soma: RunningBinary, id: string, query = ""): Promise<Float32Array> {
  const response = await fetch(`${soma.url}/sessions/${id}/frame${query}`);
  expect(response.status).toBe(200);
  return new Float32Array(await response.arrayBuffer());
}

/** A session that stands still in the middle of a step, where no two bones agree and few numbers are 0. */
async function createPaused(soma: RunningBinary, id: string): Promise<void> {
  const options = { file: "walk.bvh", paused: true };
  const created = await soma.post("/sessions", { engine: "animation", id, options });
  expect(created).toMatchObject({ status: 200 });
  await standStill(soma, id);
}

/** Pauses a session at 1 s, waits until its frames in this form show that, and gives the one that does, with its header. */
async function standStill(soma: RunningBinary, id: string, form = ""): Promise<ArrayBuffer> {
  await soma.post(`/sessions/${id}/pause`);
  await soma.post(`/sessions/${id}/seek`, { time: 1 });
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (performance.now() < deadlineMs) {
    const frame = (await frameOf(soma, id, `?header=soma${form}`)).buffer as ArrayBuffer;
    const header = readFrameHeader(new DataView(frame));
    if (header?.mediaTimeS === 1 && (header.flags & FRAME_FLAG.paused) !== 0) return frame;
    await Bun.sleep(5);
  }
  throw new Error(`session ${id} does not stand still`);
}

function greatestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let greatest = 0;
  for (let at = 0; at < a.length; at++)
    greatest = Math.max(greatest, Math.abs((a[at] ?? Number.NaN) - (b[at] ?? Number.NaN)));
  return greatest;
}

/** What the examples' test programs print of a frame. */
interface PrintedFrame {
  readonly sequence: number;
  readonly captureUs: number;
  readonly mediaTimeS: number;
  readonly flags: number;
  readonly lost: number;
  readonly matrices: readonly number[];
}

function printedFrame(line: string): PrintedFrame {
  return JSON.parse(line) as PrintedFrame;
}

// ---- the tests ----------------------------------------------------------------------------------------------------

describe("the README's commands", () => {
  testWith(
    [CURL],
    "run, and answer what they say",
    async () => {
      const runnable = blocksOf("sh", "run");
      expect(runnable.length).toBeGreaterThan(1);
      const folder = await readersFolder();
      await using soma = await startBinary();
      for (const { text } of runnable) await shell(text, { folder, host: new URL(soma.url).host });
      expect((await soma.get("/sessions/walk")).body["details"]).toMatchObject({
        paused: false,
        speed: -0.5,
        fps: 120,
      });
      expect(Bun.file(join(folder, "pose.bin")).size).toBe(65 * 64);
      rmSync(folder, { recursive: true });
    },
    TEST_MS,
  );

  const servings = blocksOf("sh", "serve");
  test("start the server in more than one way", () => expect(servings.length).toBeGreaterThan(4));
  for (const { text } of servings) {
    const [command = ""] = /^dist\/soma serve .*$/m.exec(text) ?? [];
    testWith(
      text.includes("openssl") ? [CURL, OPENSSL] : [CURL],
      `work with '${command}'`,
      async () => {
        const folder = await readersFolder();
        const [before = "", after = ""] = text.split(command);
        await shell(before, { folder, host: WRITTEN_HOST });
        await using server = new Printing([...command.split(" "), "--port", "0"], folder);
        const line = await server.until((printed) => printed.includes("pages"));
        const { host } = new URL(/https?:\/\/\S+/.exec(line)?.[0] ?? "");
        expect(await shell(after, { folder, host })).not.toBe("");
        rmSync(folder, { recursive: true });
      },
      TEST_MS,
    );
  }

  test("are marked, or run by other tests", () => {
    const unmarked = blocksOf("sh").map(({ text }) => text.split(/\s+#/)[0]);
    expect(unmarked).toEqual(["npx bun start", "bun dev"]);
  });
});

describe("with a session", () => {
  let soma: RunningBinary;
  let folder: string;
  /** Row by row, float32, relative to the parent: the README's default. */
  let local: Float32Array;
  let global: Float32Array;
  let boneCount = 0;

  beforeAll(async () => {
    [soma, folder] = await Promise.all([startBinary(), readersFolder()]);
    await createPaused(soma, "demo");
    local = await frameOf(soma, "demo");
    global = await frameOf(soma, "demo", "?space=global");
    boneCount = local.length / 16;
    await Bun.write(join(folder, "sdk.js"), await fetch(`${soma.url}/sdk.js`));
  }, TEST_MS);
  afterAll(async () => {
    await soma[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const here = (text: string): string => text.replaceAll(WRITTEN_HOST, new URL(soma.url).host);

  /** Entry (row, column) of a bone's local matrix. */
  const entry = (bone: number, row: number, column: number): number =>
    local[16 * bone + 4 * row + column] ?? Number.NaN;

  describe("the README's snippets", () => {
    testWith(
      [{ package: "python3" }, { package: "python3-numpy" }, { package: "python3-websockets" }],
      "Python prints where the hips are",
      async () => {
        await Bun.write(join(folder, "snippet.py"), here(snippet("python")));
        await using python = new Printing([PYTHON, "-u", "snippet.py"], folder);
        const printed = (await python.next()).split(" ").map(Number);
        // numpy prints the shortest decimals that are the float32.
        expect(printed.map(Math.fround)).toEqual([3, 7, 11].map((at) => global[at] ?? Number.NaN));
      },
      TEST_MS,
    );

    test(
      "JavaScript starts a session and prints its frames",
      async () => {
        await Bun.write(join(folder, "snippet.mjs"), here(snippet("js", "sdk")));
        await using script = new Printing([process.execPath, "snippet.mjs"], folder);
        const moving = [(await script.next()).split(" "), (await script.next()).split(" ")];
        expect(Number(moving[1]?.[0])).toBeGreaterThan(Number(moving[0]?.[0]));
        expect((await soma.get("/sessions/run")).body["details"]).toMatchObject({ speed: 0.5 });
        const frame = new Float32Array(await standStill(soma, "run", "&space=global"), 32);
        const hips = [3, 7, 11].map((at) => String(frame[at])).join(" ");
        await script.until((line) => line.replace(/^\d+ /, "") === hips);
      },
      TEST_MS,
    );

    test(
      "three.js puts every bone where the server says it is",
      async () => {
        const scene = `
          const scene = new THREE.Scene(), camera = undefined;
          const renderer = { render() { scene.updateMatrixWorld(); }, setAnimationLoop(draw) {
            const timer = setInterval(() => {
              draw();
              if (!stream.latest()) return;
              clearInterval(timer);
              console.log(JSON.stringify(rig.bones.map((bone) => bone.matrixWorld.clone().transpose().toArray())));
              process.exit();
            }, 1);
          } };\n`;
        const text = snippet("js", "three")
          .replace("http://127.0.0.1:8080/sdk.js", "./sdk.js")
          .replace('"three"', JSON.stringify(Bun.resolveSync("three", ROOT)));
        // Imports come first wherever they stand.
        await Bun.write(join(folder, "three.mjs"), scene + here(text));
        await using script = new Printing([process.execPath, "three.mjs"], folder);
        const matrices = (JSON.parse(await script.next()) as number[][]).flat();
        // three.js multiplies in float64, the server rounds to float32 at the end: half a unit in the last place of 128 cm, and what
        // the rounded local matrices add over ten joints.
        expect(greatestDifference(matrices, global)).toBeLessThan(1e-4);
      },
      TEST_MS,
    );

    testWith(
      [{ package: "mono-mcs" }],
      "C# moves Unity's transforms, X turned round",
      async () => {
        await Bun.write(join(folder, "SomaPose.cs"), here(snippet("csharp")));
        const sources = [
          "SomaPose.cs",
          join(CLIENTS, "csharp/SomaStream.cs"),
          ...["UnityEngine", "Play"].map((name) => join(FIXTURES, `unity/${name}.cs`)),
        ];
        await run(
          ["mcs", "-langversion:7.2", "-warn:4", "-warnaserror", "-out:Play.exe", ...sources],
          folder,
        );
        const bones = JSON.parse(
          await run(["mono", "Play.exe", String(boneCount)], folder),
        ) as number[][];
        const sign = (row: number, column: number): number =>
          (row === 0) === (column === 0) ? 1 : -1;
        for (const [bone, numbers] of bones.entries()) {
          const [tx = 0, ty = 0, tz = 0, x = 0, y = 0, z = 0, w = 0, ...scale] = numbers;
          expect([tx, ty, tz].map(Math.fround)).toEqual(
            [-entry(bone, 0, 3) + 0, entry(bone, 1, 3), entry(bone, 2, 3)].map(
              (value) => value + 0,
            ),
          );
          const rotation = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
          ];
          const got = rotation.flatMap((row) =>
            row.map((value, column) => value * (scale[column] ?? 0)),
          );
          const wanted = rotation.flatMap((row, r) =>
            row.map((_, c) => sign(r, c) * entry(bone, r, c)),
          );
          // Through a quaternion in float32 and back: a few units in the last place of 1.
          expect(greatestDifference(got, wanted)).toBeLessThan(1e-6);
        }
        expect(bones).toHaveLength(boneCount);
      },
      TEST_MS,
    );

    testWith(
      [{ package: "g++" }],
      "C++ gives Unreal's transforms, Z up and left-handed",
      async () => {
        await Bun.write(join(folder, "snippet.h"), snippet("cpp"));
        const includes = [`-I${folder}`, `-isystem${join(FIXTURES, "unreal")}`];
        await compileCpp(["-o", "pose", ...includes, join(FIXTURES, "unreal/main.cpp")], folder);
        const [, query = ""] = /ws\/demo(\?[^"]*)"/.exec(snippet("cpp")) ?? [];
        await Bun.write(
          join(folder, "column.bin"),
          (await frameOf(soma, "demo", query)).buffer as ArrayBuffer,
        );
        const { url, matrices } = JSON.parse(await run(["./pose", "column.bin"], folder)) as {
          url: string;
          matrices: number[];
        };
        expect(url).toBe(`ws://${WRITTEN_HOST}/ws/demo${query}`);
        const swapped = [0, 2, 1, 3];
        const wanted = Array.from({ length: local.length }, (_, at) => {
          // For row vectors: Unreal's row is our column.
          const [bone, row, column] = [at >> 4, (at >> 2) & 3, at & 3];
          return entry(bone, swapped[column] ?? 0, swapped[row] ?? 0);
        });
        // Numbers only change places.
        expect(matrices.map(Math.fround)).toEqual(wanted);
      },
      TEST_MS,
    );
  });

  describe("the README's table of text messages", () => {
    test("has the answers that come", async () => {
      const rows = table("text message").filter(([, answer = ""]) => answer.startsWith("`"));
      expect(rows.length).toBeGreaterThan(6);
      await createPaused(soma, "talk");
      const socket = new WebSocket(`${soma.url.replace("http", "ws")}/ws/talk`);
      await new Promise((opened) => socket.addEventListener("open", opened, { once: true }));
      const answers: unknown[] = [];
      let arrived = Promise.withResolvers<void>();
      socket.addEventListener("message", ({ data }) => {
        if (typeof data !== "string") return;
        answers.push(JSON.parse(data));
        arrived.resolve();
      });
      for (const [request = "", answer = ""] of rows) {
        arrived = Promise.withResolvers<void>();
        socket.send(codeIn(request)[0] ?? "");
        await arrived.promise;
        const promised = JSON.parse(
          (codeIn(answer)[0] ?? "").replaceAll(":…", ':"any number"').replace("demo", "talk"),
        ) as Record<string, unknown>;
        const anyNumbers = Object.entries(promised).map(([key, value]) => [
          key,
          value === "any number" ? expect.any(Number) : value,
        ]);
        expect(answers.pop()).toEqual(Object.fromEntries(anyNumbers));
      }
      socket.close();
    });

    test("is followed by the form of failures", async () => {
      const shown = JSON.parse(snippet("json")) as { error: object };
      const { url } = soma;
      const response = await fetch(`${url}/sessions/nobody`);
      expect(response.status).toBe(404);
      const text = JSON.stringify(shown).replace("demo", "nobody");
      expect(await response.json()).toMatchObject(JSON.parse(text) as object);
    });
  });

  describe("the clients to copy", () => {
    /** Starts, loses frames while stopped, sees the session end and come back, and has the right pose in the end. */
    async function followsThroughLosses(
      command: readonly string[],
      id: string,
      exactLosses: boolean,
    ): Promise<void> {
      await soma.post("/sessions", {
        engine: "animation",
        id,
        options: { file: "walk.bvh", fps: LIMITS.maxFps },
      });
      await using client = new Printing(command, folder);
      let sequence = printedFrame(await client.next()).sequence;
      let gaps = 0;
      const note = (line: string): PrintedFrame => {
        const frame = printedFrame(line);
        expect(frame.sequence).toBeGreaterThan(sequence);
        gaps += frame.sequence - sequence - 1;
        sequence = frame.sequence;
        return frame;
      };
      for (let count = 0; count < 20; count++)
        expect(note(await client.next()).matrices).toHaveLength(boneCount * 16);
      // 8 MB a second fill what the kernel holds for a client in less than this.
      client.child.kill("SIGSTOP");
      await Bun.sleep(1_500);
      client.child.kill("SIGCONT");
      await client.until((line) => {
        const { lost } = note(line);
        if (exactLosses) expect(lost).toBe(gaps);
        else expect(lost).toBeLessThanOrEqual(gaps);
        return lost > 0;
      });
      await fetch(`${soma.url}/sessions/${id}`, { method: "DELETE" });
      await createPaused(soma, id);
      const header = readFrameHeader(
        new DataView((await frameOf(soma, id, "?header=soma")).buffer),
      );
      const after = printedFrame(
        await client.until((line) => (printedFrame(line).flags & 1) === 1),
      );
      expect(after.mediaTimeS).toBe(Math.fround(header?.mediaTimeS ?? Number.NaN));
      // Mono prints -0 as 0.
      expect(greatestDifference(after.matrices.map(Math.fround), local)).toBe(0);
      // The server's clock is this machine's.
      expect(Math.abs(after.captureUs / 1000 - Date.now())).toBeLessThan(DEADLINE_MS);
    }

    testWith(
      [{ package: "python3" }, { package: "python3-numpy" }, { package: "python3-websockets" }],
      "Python counts losses and comes back",
      async () => {
        const command = [
          PYTHON,
          join(FIXTURES, "python/follow.py"),
          join(CLIENTS, "python"),
          `${soma.url.replace("http", "ws")}/ws/py`,
        ];
        await followsThroughLosses(command, "py", true);
      },
      TEST_MS,
    );

    testWith(
      [{ package: "mono-mcs" }],
      "C# counts losses and comes back",
      async () => {
        const sources = [join(CLIENTS, "csharp/SomaStream.cs"), join(FIXTURES, "csharp/Follow.cs")];
        await run(
          ["mcs", "-langversion:7.2", "-warn:4", "-warnaserror", "-out:Follow.exe", ...sources],
          folder,
        );
        // It hands out the newest frame: those that it passes over are not lost.
        await followsThroughLosses(
          ["mono", "Follow.exe", `${soma.url.replace("http", "ws")}/ws/cs`],
          "cs",
          false,
        );
      },
      TEST_MS,
    );

    testWith(
      [{ package: "g++" }],
      "C++ reads headers and matrices, counts losses, and refuses what is no frame",
      async () => {
        await compileCpp(
          ["-o", "read_frames", `-I${join(CLIENTS, "cpp")}`, join(FIXTURES, "cpp/read_frames.cpp")],
          folder,
        );
        await soma.post("/sessions", {
          engine: "animation",
          id: "cpp",
          options: { file: "walk.bvh" },
        });
        const bytes: ArrayBuffer[] = [];
        for (let count = 0; count < 2; count++) {
          bytes.push((await frameOf(soma, "cpp", "?header=soma")).buffer as ArrayBuffer);
          await Bun.sleep(200);
        }
        const [first = new ArrayBuffer(), second = new ArrayBuffer()] = bytes;
        const messages = [first, second, second.slice(0, -4), first.slice(32), new ArrayBuffer()];
        const files = messages.map((_, at) => `message-${at}.bin`);
        for (const [at, message] of messages.entries())
          await Bun.write(join(folder, files[at] ?? ""), message);
        const printed = (await run(["./read_frames", ...files], folder)).trim().split("\n");
        expect(printed.slice(2)).toEqual(["null", "null", "null"]);
        const headers = [first, second].map((message) => readFrameHeader(new DataView(message)));
        const gap = (headers[1]?.sequence ?? 0) - (headers[0]?.sequence ?? 0) - 1;
        expect(gap).toBeGreaterThan(0);
        for (const [at, message] of [first, second].entries()) {
          const { matrices, mediaTimeS, ...frame } = printedFrame(printed[at] ?? "");
          const { sequence, captureUs, flags } = headers[at] ?? {};
          expect(frame).toEqual({ sequence, captureUs, flags, lost: at * gap } as typeof frame);
          expect(Math.fround(mediaTimeS)).toBe(headers[at]?.mediaTimeS ?? Number.NaN);
          expect(matrices.map(Math.fround)).toEqual([...new Float32Array(message, 32)]);
        }
      },
      TEST_MS,
    );

    testWith(
      [{ package: "chromium" }],
      "the page draws a skeleton that moves",
      async () => {
        const page = Bun.file(join(CLIENTS, "web/index.html"));
        const cdn = `https://cdn.jsdelivr.net/npm/three@${(await manifest()).dependencies["three"]}/`;
        expect(await page.text()).toContain(`"three": "${cdn}build/three.module.js"`);
        using host = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(page) });
        const browser = await chromium.launch({
          executablePath: Bun.which("chromium") ?? "",
          args: ["--no-sandbox", "--enable-unsafe-swiftshader", "--use-angle=swiftshader"],
        });
        try {
          const tab = await browser.newPage({ viewport: { width: 480, height: 360 } });
          const complaints: string[] = [];
          tab.on("pageerror", (error) => complaints.push(error.message));
          await tab.route(`${cdn}**`, async (route) => {
            const path = join(ROOT, "node_modules/three", route.request().url().slice(cdn.length));
            await route.fulfill({
              path,
              contentType: "text/javascript",
              headers: { "access-control-allow-origin": "*" },
            });
          });
          await tab.goto(`${host.url.href}?server=${soma.url}&session=page&file=run.bvh`);
          const figures = (text: RegExp) =>
            tab.getByText(text).waitFor({ state: "attached", timeout: DEADLINE_MS });
          // Lies over the canvas, and would be in its pictures.
          await tab.addStyleTag({ content: "#figures { visibility: hidden }" });
          await figures(/^[1-9]\d* frames\/s, \d+ lost/);
          const canvas = tab.locator("canvas");
          const before = await canvas.screenshot();
          await tab.waitForTimeout(200);
          const after = await canvas.screenshot();
          expect(before.equals(after)).toBe(false);
          // Still when the session stands still: it was the skeleton that moved.
          await soma.post("/sessions/page/pause");
          await figures(/^0 frames\/s/);
          const still = await canvas.screenshot();
          expect(still.equals(await canvas.screenshot())).toBe(true);
          expect(complaints).toEqual([]);
        } finally {
          await browser.close();
        }
      },
      TEST_MS,
    );
  });
});

async function compileCpp(args: readonly string[], folder: string): Promise<void> {
  const compiler = Bun.which("g++") === null ? "c++" : "g++";
  await run(
    [compiler, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", ...args],
    folder,
  );
}

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

async function manifest(): Promise<Manifest> {
  return (await Bun.file(join(ROOT, "package.json")).json()) as Manifest;
}

describe("the README's tables", () => {
  test("have the header's fields where they are", () => {
    const rows = table("offset");
    const offsets = Object.fromEntries(
      rows.map(([offset = "", , field = ""]) => [field, Number(offset)]),
    );
    expect(offsets).toEqual({ ...FRAME_HEADER });
    expect(rows[0]?.[3]).toContain(`0x${FRAME_MAGIC.toString(16).toUpperCase()}`);
    expect(README).toContain(`0x${MOMA_MAGIC.toString(16).toUpperCase()}`);
    // Each field ends where the next begins.
    const bytes = { u8: 1, u16: 2, u32: 4, f32: 4, f64: 8 } as Record<string, number>;
    const ends = rows.map(
      ([offset = "", type = ""]) => Number(offset) + (bytes[type] ?? Number.NaN),
    );
    expect(ends).toEqual([...rows.slice(1).map(([offset = ""]) => Number(offset)), 32]);
  });

  test("have every option with its default", () => {
    const known = [...describeOptions().matchAll(/^ +(?:-\w, )?--([a-z-]+)(.*)$/gm)].map(
      ([, name = "", rest = ""]) => {
        const standard = /\(default (.*)\)$/.exec(rest)?.[1] ?? "";
        return `--${name} ${name === "workers" ? "processors − 1" : standard}`.trim();
      },
    );
    const shown = table("option").map(([option = "", standard = ""]) => {
      const name = codeIn(option).find((code) => code.startsWith("--")) ?? "";
      return `${name} ${standard}`.trim();
    });
    expect(shown).toEqual(known);
  });

  test("and its text have the limits that are", () => {
    const { maxJoints, maxClipBytes, commandsPerSecond, minFps, maxFps } = LIMITS;
    expect(README).toContain(`${maxJoints.toLocaleString("en")} bones`);
    expect(README).toContain(`${maxClipBytes / 2 ** 20} MiB per clip`);
    expect(README).toContain(`${commandsPerSecond.toLocaleString("en")} commands per second`);
    expect(README).toContain(`${minFps} to ${maxFps.toLocaleString("en")}`);
  });

  test("have no figure that was not measured", async () => {
    const rows = table("| goal");
    expect(rows.length).toBeGreaterThan(5);
    for (const [what = "", , measured = "", from = ""] of rows) {
      const [name = "", column = ""] = codeIn(from);
      const records = await readResults(name);
      const ratio = /(\S+) ÷ (\S+)$/.exec(from);
      const candidates = ratio
        ? ratiosOf(records, column, { over: ratio[1] ?? "", under: ratio[2] ?? "" }).map((value) =>
            value.toFixed(2),
          )
        : records
            .filter(({ contender = "soma" }) => contender === "soma")
            .map((record) => record[column] ?? "");
      const number = measured.split(" ")[0] ?? "";
      // A dash says that there is no measurement; then there is none.
      if (number === "–") expect({ what, candidates }).toEqual({ what, candidates: [] });
      else
        expect({ what, candidates }).toEqual({
          what,
          candidates: expect.arrayContaining([number]) as string[],
        });
    }
  });
});

type Result = Readonly<Record<string, string>>;

/** Rows of test/bench/results/NAME.csv; none where there is no such file. No cell of ours holds a comma. */
async function readResults(name: string): Promise<readonly Result[]> {
  const file = Bun.file(join(ROOT, `test/bench/results/${name}.csv`));
  if (!(await file.exists())) return [];
  const [head = [], ...rows] = (await file.text())
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  return rows.map((row) => Object.fromEntries(head.map((column, at) => [column, row[at] ?? ""])));
}

/** Per run, the geometric mean over its scenarios. */
function ratiosOf(
  records: readonly Result[],
  column: string,
  { over, under }: { over: string; under: string },
): readonly number[] {
  const runs = Map.groupBy(records, ({ commit, date }) => `${commit} ${date}`);
  return [...runs.values()].flatMap((records) => {
    const value = (contender: string, scenario: string | undefined): number =>
      Number(
        records.find(
          (record) => record["contender"] === contender && record["scenario"] === scenario,
        )?.[column],
      );
    const scenarios = new Set(records.map(({ scenario }) => scenario));
    const logs = [...scenarios].map((scenario) =>
      Math.log(value(over, scenario) / value(under, scenario)),
    );
    const mean = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
    return Number.isFinite(mean) ? [mean] : [];
  });
}

describe("the README's names", () => {
  test("of files, in links and in text, are those of files", () => {
    const tops = [...new Set(repositoryFiles("**").map((path) => path.split("/")[0] ?? ""))];
    const links = [...README.matchAll(/\]\((?!https?:|#)([^)\s]+)\)/g)].map(
      ([, path = ""]) => path,
    );
    const named = [...README.matchAll(/`([\w.-]+(?:\/[\w.*-]+)*)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => tops.includes(path.split("/")[0] ?? ""));
    expect(links.length).toBeGreaterThan(5);
    expect(named.length).toBeGreaterThan(10);
    const made = new Set(["dist/soma"]);
    expect(
      [...links, ...named].filter((path) => !made.has(path) && !existsSync(join(ROOT, path))),
    ).toEqual([]);
  });

  test("of scripts are those of package.json", async () => {
    const { scripts } = await manifest();
    const named = [...README.matchAll(/bun run ([a-z]+)/g)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});
