/** The SDK against the real server: its REST calls, its stream in every form, and its types against the server's schemas. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { z } from "zod";
import { connect } from "../../src/client/connect.ts";
import { type SomaServer, soma } from "../../src/client/server.ts";
import type * as wire from "../../src/client/wire.ts";
import { DTYPES, ORDERS, SPACES } from "../../src/protocol/layouts.ts";
import { statusSchema } from "../../src/protocol/schemas/server.ts";
import {
  animationsSchema,
  createdSchema,
  sessionDetailSchema,
  sessionSummarySchema,
  skeletonSchema,
} from "../../src/protocol/schemas/session.ts";
import { STEP, startTestServer, type TestServer } from "../transports/test-server.ts";
import { until } from "./fake-server.ts";

/** Compiles where every value of the schema is one of the SDK's type, and the other way round. */
type Same<Schema extends z.ZodType, Type> = [z.infer<Schema>] extends [Type]
  ? [Type] extends [DeepReadonly<z.infer<Schema>>]
    ? true
    : "the SDK's type has something the schema has not"
  : "the schema has something the SDK's type has not";
type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;
const sameTypes: readonly [
  Same<typeof statusSchema, wire.ServerStatus>,
  Same<typeof animationsSchema, wire.Animations>,
  Same<typeof createdSchema, wire.CreatedSession>,
  Same<typeof sessionSummarySchema, wire.SessionSummary>,
  Same<typeof sessionDetailSchema, wire.SessionDetail>,
  Same<typeof skeletonSchema, wire.Skeleton>,
] = [true, true, true, true, true, true];

let testServer: TestServer;
let server: SomaServer;

beforeAll(async () => {
  testServer = await startTestServer("--token", "correct horse");
  server = soma({ url: testServer.url, token: "correct horse" });
});
afterAll(async () => {
  await testServer.stop();
});

async function session(id: string, options: object = {}) {
  await server.sessions.create({ id, options: { file: STEP.clip, ...options } });
  return {
    id,
    [Symbol.asyncDispose]: async () => await server.sessions.delete(id).catch(() => {}),
  };
}

describe("REST", () => {
  test("creates, lists, describes and deletes sessions", async () => {
    expect(sameTypes).not.toContain(false as never);
    const created = await server.sessions.create({ options: { file: STEP.clip, fps: 30 } });
    createdSchema.parse(created);
    const id = created.session_id;
    const listed = (await server.sessions.list()).find((one) => one.session_id === id);
    expect(sessionSummarySchema.parse(listed)).toMatchObject({
      engine: "animation",
      state: "running",
      fps: 30,
    });
    expect(sessionDetailSchema.parse(await server.sessions.get(id)).details).toMatchObject({
      paused: false,
    });
    await server.sessions.delete(id);
    await expect(server.sessions.get(id)).rejects.toMatchObject({
      name: "SomaError",
      code: "SESSION_NOT_FOUND",
    });
  });

  test("tells clips and status", async () => {
    const { clips, animations } = animationsSchema.parse(await server.animations());
    expect(animations).toContain(STEP.clip);
    expect(clips.find(({ name }) => name === STEP.clip)?.bones).toBe(STEP.bones);
    expect(statusSchema.parse(await server.status()).status).toBe("running");
  });

  test("failures are SomaErrors: refused, wrong token, not a server of ours, nobody there", async () => {
    await using _ = await session("taken");
    await expect(session("taken")).rejects.toMatchObject({ code: "SESSION_EXISTS", retry: false });
    await expect(soma(testServer.url).status()).rejects.toMatchObject({ code: "UNAUTHORISED" });
    await using other = Bun.serve({
      port: 0,
      fetch: () => new Response("<html>", { status: 418 }),
    });
    await expect(soma(`http://127.0.0.1:${other.port}`).status()).rejects.toMatchObject({
      code: "ANSWER_UNREADABLE",
    });
    await expect(soma("http://127.0.0.1:1").status()).rejects.toMatchObject({
      code: "CONNECTION_FAILED",
    });
    await using slow = Bun.serve({
      port: 0,
      fetch: async () => (await Bun.sleep(500), new Response()),
    });
    const hasty = soma({ url: `http://127.0.0.1:${slow.port}`, timeoutMs: 50 });
    await expect(hasty.status()).rejects.toMatchObject({
      code: "CONNECTION_FAILED",
      message: "no answer in 50 ms",
    });
  });
});

describe("the stream", () => {
  const forms = DTYPES.flatMap((dtype) =>
    SPACES.flatMap((space) => ORDERS.map((order) => ({ dtype, space, order }))),
  );

  test.each(forms)("$dtype $space $order: holds the matrices that the clip says", async (form) => {
    await using _ = await session("forms", { paused: true });
    const stream = await server.connect("forms", { form });
    await stream.seek({ frame: 15 });
    await until(() => Math.abs((stream.frame?.mediaTimeS ?? 0) - 0.5) < 1e-3, "the seek");
    // Frame 15: Hips at (15, 90, 0); Chest 20 above, turned by 45° about z (its only channel that moves).
    const cos = Math.SQRT1_2;
    const hips = [1, 0, 0, 15, 0, 1, 0, 90, 0, 0, 1, 0, 0, 0, 0, 1];
    const [x, y] = form.space === "local" ? [0, 20] : [15, 110];
    const chest = [cos, -cos, 0, x, cos, cos, 0, y, 0, 0, 1, 0, 0, 0, 0, 1];
    const turn = (m: number[]): number[] => m.map((_, at) => m[(at % 4) * 4 + (at >> 2)] ?? 0);
    const expected = [hips, chest].flatMap((m) => (form.order === "row" ? m : turn(m)));
    // Half floats keep 11 bits: 1/32 at 110. Float32 and the file's five digits of frame time: 1e-4.
    const tolerance = form.dtype === "f16" ? 1 / 32 : 1e-4;
    const pose = stream.latest();
    expect(pose?.constructor.name).toBe(form.dtype === "f64" ? "Float64Array" : "Float32Array");
    Array.from(pose ?? [], (value, at) => {
      if (!(Math.abs(value - (expected[at] ?? 0)) <= tolerance)) {
        throw new Error(`element ${at} is ${value}, expected ${expected[at]}`);
      }
    });
    expect(pose?.length).toBe(32);
    stream.close();
  });

  test("runs at the session's rate, with a plausible age, and obeys", async () => {
    await using _ = await session("run", { fps: 120 });
    const url = `${testServer.url.replace("http", "ws")}/ws/run?token=correct%20horse`;
    const stream = await connect(url);
    await until(() => stream.stats.framesReceived > 150, "frames", 4_000);
    const { rateHz, ageMs = Number.NaN, framesLost, framesReceived } = stream.stats;
    // Arrivals of a second at 120 Hz; the machine may be busy.
    expect(rateHz).toBeWithin(90, 140);
    expect(ageMs).toBeWithin(-1, 250);
    expect(framesLost).toBeLessThan(framesReceived / 10);
    expect(await stream.pause()).toMatchObject({ status: "paused", session_id: "run" });
    await until(() => stream.frame?.paused === true, "the pause");
    expect(await stream.speed(2)).toMatchObject({ speed: 2 });
    await expect(stream.speed(99)).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    await expect(stream.command("dance")).rejects.toMatchObject({ code: "COMMAND_UNKNOWN" });
    expect(await stream.play()).toMatchObject({ status: "playing" });
    expect(skeletonSchema.parse(stream.skeleton).bone_names).toEqual(["Hips", "Chest"]);
    expect(stream.skeleton.source?.duration_s).toBeCloseTo(STEP.durationS, 1);
    stream.close();
  });

  test("a wrong token and a missing session are said in the server's words", async () => {
    await expect(
      connect({ url: testServer.url, session: "x", token: "wrong horse" }),
    ).rejects.toMatchObject({
      code: "UNAUTHORISED",
    });
    await expect(server.connect("nobody")).rejects.toMatchObject({
      code: "SESSION_NOT_FOUND",
      message: "Session does not exist",
    });
  });

  test("a session that is deleted ends its streams", async () => {
    await using _ = await session("short");
    const stream = await server.connect("short");
    await server.sessions.delete("short");
    await until(() => stream.status.state === "closed", "the end");
    expect(stream.status.reason?.code).toBe("SESSION_NOT_FOUND");
  });
});
