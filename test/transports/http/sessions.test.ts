/**
 * Goal: sessions over REST answer exactly as the animation seed's clients expect, and in our own form; what is read can be read by HEAD,
 * with a trailing slash, and by ETag. Method: whole requests against whole answers.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  FRAME_HEADER_BYTES,
  MOMA_HEADER_BYTES,
  readFrameHeader,
} from "../../../src/protocol/layouts.ts";
import { STEP, startTestServer, type TestServer } from "../test-server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => await server.stop());

/** Status and exact text of an answer. */
async function exactly(response: Promise<Response>): Promise<string> {
  const { status, text } = await response.then(async (it) => ({
    status: it.status,
    text: await it.text(),
  }));
  return `${status} ${text}`;
}

async function detailOf(
  response: Promise<Response>,
): Promise<{ status: number; detail: unknown; code: unknown }> {
  const answer = await response;
  const body = (await answer.json()) as { detail?: unknown; error?: { code?: unknown } };
  return { status: answer.status, detail: body.detail, code: body.error?.code };
}

describe("the seed's form", () => {
  test("creates, commands and deletes with the origin's own answers", async () => {
    const create = { session_id: "seed", session_type: "FK", animation_file: STEP.clip };
    expect(await exactly(server.post("/sessions", create))).toBe(
      '200 {"status":"created","session_id":"seed"}',
    );
    // Clients of the origin post without a body, and with a JSON type all the same.
    for (const headers of [{}, { "content-type": "application/json" }]) {
      const post = (path: string) => server.request(path, { method: "POST", headers });
      expect(await exactly(post("/sessions/seed/pause"))).toBe(
        '200 {"status":"paused","session_id":"seed"}',
      );
      expect(await exactly(post("/sessions/seed/play"))).toBe(
        '200 {"status":"playing","session_id":"seed"}',
      );
    }
    for (const [name, value] of [
      ["speed", 2],
      ["playback_speed", -0.5],
    ] as const) {
      expect(await exactly(server.post("/sessions/seed/speed", { [name]: value }))).toBe(
        `200 {"status":"updated","session_id":"seed","speed":${value}}`,
      );
    }
    expect(await exactly(server.post("/sessions/seed/fps", { fps: 120 }))).toBe(
      '200 {"status":"updated","session_id":"seed","fps":120}',
    );
    expect(await exactly(server.request("/sessions/seed", { method: "DELETE" }))).toBe(
      '200 {"status":"deleted","session_id":"seed"}',
    );
  });

  test("knows its aliases, defaults to FK, and ignores what else there is", async () => {
    for (const body of [
      { id: "alias", file: STEP.clip },
      { session_id: "alias", file: STEP.clip, take: 0 },
      { id: "alias", animation_file: "step", extra: { anything: true } },
    ]) {
      expect(await exactly(server.post("/sessions", body))).toBe(
        '200 {"status":"created","session_id":"alias"}',
      );
      const skeleton = await (await server.request("/sessions/alias/skeleton")).json();
      expect(skeleton).toMatchObject({ type: "SKELETON_DEF", animator: "FK" });
      await server.request("/sessions/alias", { method: "DELETE" });
    }
  });

  test("answers its failures with 400 and detail", async () => {
    const form = { session_id: "twice", animation_file: STEP.clip };
    await server.post("/sessions", form);
    const cases = [
      [form, "SESSION_EXISTS"],
      [{ ...form, session_id: "b", animation_file: "none.bvh" }, "CLIP_NOT_FOUND"],
      [{ ...form, session_id: "b", animation_file: "../../etc/passwd" }, "CLIP_NOT_FOUND"],
      [{ ...form, session_id: "b", animation_file: "damaged.bvh" }, "CLIP_INVALID"],
      [{ ...form, session_id: "b", session_type: "VAE" }, "ANIMATOR_UNKNOWN"],
      [{ ...form, session_id: "b", take: "other" }, "CLIP_TAKE_NOT_FOUND"],
    ] as const;
    for (const [body, code] of cases) {
      const answer = await detailOf(server.post("/sessions", body));
      expect(answer).toEqual({ status: 400, code, detail: expect.stringMatching(/.{10}/) });
    }
    expect(server.manager.find("b")).toBeUndefined();
    await server.request("/sessions/twice", { method: "DELETE" });
  });

  test("answers a wrong shape with 422 and detail", async () => {
    for (const body of [
      {},
      { session_id: "" },
      { session_id: 7, animation_file: STEP.clip },
      { animation_file: STEP.clip },
      { session_id: "c" },
    ]) {
      const { status, detail } = await detailOf(server.post("/sessions", body));
      expect({ status, detail }).toEqual({ status: 422, detail: expect.stringMatching(/.{10}/) });
    }
  });

  test("answers for an unknown session with 404 and detail", async () => {
    const requests = [
      server.request("/sessions/none/skeleton"),
      server.request("/sessions/none", { method: "DELETE" }),
      ...["play", "pause"].map((name) => server.post(`/sessions/none/${name}`)),
      server.post("/sessions/none/speed", { playback_speed: 1 }),
      server.post("/sessions/none/fps", { fps: 60 }),
    ];
    for (const request of requests) {
      const answer = await detailOf(request);
      expect(answer).toMatchObject({
        status: 404,
        code: "SESSION_NOT_FOUND",
        detail: expect.any(String),
      });
    }
  });

  test("reserves the ids that are paths of other dialects", async () => {
    for (const id of ["sessions", "session", "reconstruct"]) {
      expect(
        (await server.post("/sessions", { session_id: id, animation_file: STEP.clip })).status,
      ).toBe(422);
    }
  });
});

describe("our form", () => {
  test("creates with an id of its own choice where none is given", async () => {
    const answer = await server.post("/sessions", {
      engine: "animation",
      options: { file: STEP.clip },
    });
    const { session_id: id } = (await answer.json()) as { session_id: string };
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    await server.request(`/sessions/${id}`, { method: "DELETE" });
  });

  test("answers failures with their own status", async () => {
    await server.create("own");
    const options = (changed: object) => ({
      engine: "animation",
      id: "d",
      options: { file: STEP.clip, ...changed },
    });
    const cases = [
      [{ ...options({}), id: "own" }, 409, "SESSION_EXISTS"],
      [options({ file: "none.bvh" }), 404, "CLIP_NOT_FOUND"],
      [options({ file: "damaged.bvh" }), 422, "CLIP_INVALID"],
      [options({ session_type: "VAE" }), 422, "ANIMATOR_UNKNOWN"],
      [{ engine: "teleport", id: "d" }, 422, "REQUEST_INVALID"],
    ] as const;
    for (const [body, status, code] of cases) {
      expect(await detailOf(server.post("/sessions", body))).toMatchObject({ status, code });
    }
    expect(server.manager.find("d")).toBeUndefined();
    await server.request("/sessions/own", { method: "DELETE" });
  });

  test("lists and describes what it made", async () => {
    await server.create("seen", { fps: 30, speed: -2, paused: true });
    const list = (await (await server.request("/sessions")).json()) as { sessions: object[] };
    expect(list.sessions).toContainEqual(
      expect.objectContaining({
        session_id: "seen",
        engine: "animation",
        state: "running",
        clients: 0,
        fps: 30,
      }),
    );
    expect(await (await server.request("/sessions/seen")).json()).toMatchObject({
      session_id: "seen",
      details: { paused: true, speed: -2, fps: 30, bones: STEP.bones },
    });
    await server.request("/sessions/seen", { method: "DELETE" });
  });

  test("keeps a failed session with its reason until it is deleted", async () => {
    await server.createFailed("broken");
    expect(await (await server.request("/sessions/broken")).json()).toMatchObject({
      state: "failed",
      error: { code: "ENGINE_CRASHED", message: expect.stringContaining("the strings are cut") },
    });
    for (const path of ["/skeleton", "/layout", "/frame"]) {
      const answer = await detailOf(server.request(`/sessions/broken${path}`));
      expect(answer).toMatchObject({ status: 410, code: "SESSION_FAILED" });
    }
    expect((await server.post("/sessions/broken/play")).status).toBe(410);
    expect((await server.request("/sessions/broken", { method: "DELETE" })).status).toBe(200);
    expect((await server.request("/sessions/broken")).status).toBe(404);
  });

  test("takes commands that only a plug-in knows, waits for the answer, and passes its refusal on", async () => {
    const puppet = { engine: "animation", id: "puppet", options: { session_type: "Puppet" } };
    expect((await server.post("/sessions", puppet)).status).toBe(200);
    expect(await (await server.post("/sessions/puppet/commands/echo", { a: [1] })).json()).toEqual({
      status: "done",
      said: { a: [1] },
      session_id: "puppet",
    });
    expect(await detailOf(server.post("/sessions/puppet/commands/refuse"))).toEqual({
      status: 422,
      code: "INVALID_ARGUMENT",
      detail: "refuse: not today",
    });
    const unknown = await detailOf(server.post("/sessions/puppet/commands/fly"));
    expect(unknown).toMatchObject({ status: 422, code: "COMMAND_UNKNOWN" });
    expect(String(unknown.detail)).toContain("echo");
    expect((await server.post("/sessions/puppet/commands/pause")).status).toBe(200);
    await server.request("/sessions/puppet", { method: "DELETE" });
  });
});

describe("reading", () => {
  beforeAll(async () => await server.create("read", { paused: true }));

  const PATHS = [
    ...[
      "/healthz",
      "/readyz",
      "/status",
      "/metrics",
      "/animations",
      "/time",
      "/openapi.json",
      "/docs",
      "/swagger",
    ],
    ...[
      "/sessions",
      "/sessions/read",
      "/sessions/read/skeleton",
      "/sessions/read/layout",
      "/sessions/read/frame",
    ],
  ];

  test("a trailing slash changes nothing", async () => {
    for (const path of PATHS) {
      const [plain, slashed] = await Promise.all([
        server.request(path),
        server.request(`${path}/`),
      ]);
      expect({ path, status: plain.status }).toEqual({ path, status: 200 });
      expect({ path, status: slashed.status }).toEqual({ path, status: 200 });
      expect(slashed.headers.get("content-type")).toBe(plain.headers.get("content-type"));
    }
    expect((await server.post("/sessions/read/pause/")).status).toBe(200);
  });

  test("HEAD answers as GET does, without the body", async () => {
    for (const path of [...PATHS, "/nope", "/sessions/none"]) {
      await server.request(path);
      if (path.endsWith("/frame")) await Bun.sleep(100);
      const get = await server.request(path);
      const head = await server.request(path, { method: "HEAD" });
      expect({ path, status: head.status }).toEqual({ path, status: get.status });
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
      expect(head.headers.get("etag")).toBe(get.headers.get("etag"));
      expect((await head.arrayBuffer()).byteLength).toBe(0);
    }
  });

  test("every answer may be read by every origin", async () => {
    for (const path of PATHS) {
      expect((await server.request(path)).headers.get("access-control-allow-origin")).toBe("*");
    }
  });

  test("pages and document have an ETag that is answered with 304", async () => {
    for (const path of [
      "/docs",
      "/openapi.json",
      "/docs/assets/swagger-ui-bundle.js",
      "/docs/assets/swagger-ui.css",
    ]) {
      const etag = (await server.request(path)).headers.get("etag") ?? "";
      expect(etag).toMatch(/^"\w+"$/);
      const again = await server.request(path, { headers: { "if-none-match": etag } });
      expect(again.status).toBe(304);
      expect((await again.arrayBuffer()).byteLength).toBe(0);
    }
  });
});

describe("the newest frame", () => {
  beforeAll(async () => await server.create("frame", { paused: true }));

  test("has an ETag that changes with the frame, and only then", async () => {
    // The first look makes the stream; the frame drawn for it may still be on its way when the answer is.
    await server.request("/sessions/frame/frame");
    await Bun.sleep(100);
    const first = await server.request("/sessions/frame/frame");
    const etag = first.headers.get("etag") ?? "";
    expect(first.headers.get("x-soma-sequence")).toMatch(/^\d+$/);
    expect(first.headers.get("x-soma-variant")).toBe("f32.local.row");
    const again = await server.request("/sessions/frame/frame", {
      headers: { "if-none-match": etag },
    });
    expect({ status: again.status, etag: again.headers.get("etag") }).toEqual({
      status: 304,
      etag,
    });
    await server.post("/sessions/frame/seek", { fraction: 0.5 });
    await Bun.sleep(100);
    const moved = await server.request("/sessions/frame/frame", {
      headers: { "if-none-match": etag },
    });
    expect(moved.status).toBe(200);
    expect(moved.headers.get("etag")).not.toBe(etag);
    expect(Buffer.from(await moved.arrayBuffer())).not.toEqual(
      Buffer.from(await first.arrayBuffer()),
    );
    const other = await server.request("/sessions/frame/frame?dtype=f64", {
      headers: { "if-none-match": etag },
    });
    expect(other.status).toBe(200);
  });

  test("has the size that its layout says, in every form", async () => {
    const sizes = { f16: 2, f32: 4, f64: 8 } as const;
    const headers = { none: 0, soma: FRAME_HEADER_BYTES, moma: MOMA_HEADER_BYTES } as const;
    for (const [dtype, bytes] of Object.entries(sizes)) {
      for (const [header, headerBytes] of Object.entries(headers)) {
        for (const form of ["space=local&order=row", "space=global&order=column"]) {
          const query = `dtype=${dtype}&header=${header}&${form}`;
          const frame = await (
            await server.request(`/sessions/frame/frame?${query}`)
          ).arrayBuffer();
          const layout = await (await server.request(`/sessions/frame/layout?${query}`)).json();
          expect(frame.byteLength).toBe(headerBytes + STEP.bones * 16 * bytes);
          expect(layout).toMatchObject({
            frame_bytes: frame.byteLength,
            header: { form: header, bytes: headerBytes },
            fields: [{ dtype, shape: [STEP.bones, 4, 4] }],
          });
        }
      }
    }
  });

  test("is made of homogeneous matrices, row-major, columns swapped when asked", async () => {
    const read = async (query: string) =>
      new Float32Array(
        await (await server.request(`/sessions/frame/frame?${query}`)).arrayBuffer(),
      );
    const [row, column] = [await read("order=row"), await read("order=column")];
    expect(row).toHaveLength(STEP.bones * 16);
    for (let bone = 0; bone < STEP.bones; bone++) {
      for (let at = 0; at < 16; at++) {
        const transposed = (at % 4) * 4 + Math.floor(at / 4);
        expect(column[bone * 16 + transposed]).toBe(row[bone * 16 + at] ?? Number.NaN);
      }
      expect([...row.subarray(bone * 16 + 12, bone * 16 + 16)]).toEqual([0, 0, 0, 1]);
    }
    // The root stands at (x, 90, 0) in the file; the chest 20 above it.
    expect(row[7]).toBeCloseTo(90, 4);
    expect([row[16 + 3], row[16 + 7], row[16 + 11]]).toEqual([0, 20, 0]);
  });

  test("carries the header that was asked for", async () => {
    const answer = await server.request("/sessions/frame/frame?header=soma&dtype=f16");
    const header = readFrameHeader(new DataView(await answer.arrayBuffer()));
    expect(header).toMatchObject({ version: 1, kind: 1, payloadBytes: STEP.bones * 32 });
    expect(String(header?.sequence)).toBe(answer.headers.get("x-soma-sequence") ?? "");
  });
});
