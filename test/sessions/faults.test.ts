/**
 * What one bad session may do to the others: nothing. The faulty engine shares a pool worker with healthy sessions and throws,
 * loops, sleeps in C for ever or exits; the guilty one fails with the reason, its pool-mates go on.
 */
import { afterEach, describe, expect, test } from "bun:test";
import type { SessionManager } from "../../src/sessions/manager.ts";
import { failureOf, faultyManager, STREAM, TestSink, until } from "../tools/faulty-manager.ts";

let manager: SessionManager | undefined;

afterEach(async () => {
  await manager?.close();
  manager = undefined;
});

function fresh(settings?: Parameters<typeof faultyManager>[0]): SessionManager {
  manager = faultyManager(settings);
  return manager;
}

const create = async (id: string, options: Record<string, unknown> = {}) =>
  await (manager as SessionManager).create({ engine: "faulty", id, options });

/** Longest time between two frames that reached the client. */
function longestGapMs(sink: TestSink): number {
  return Math.max(...sink.arrivedMs.slice(1).map((ms, index) => ms - (sink.arrivedMs[index] ?? 0)));
}

describe("a session that misbehaves in a tick", () => {
  test("throws: it fails with the message, its worker and pool-mates live on without a gap", async () => {
    const sessions = fresh();
    const good = await create("good");
    const bad = await create("bad");
    const goodSink = new TestSink();
    const badSink = new TestSink();
    good.subscribe(STREAM, goodSink);
    bad.subscribe(STREAM, badSink);
    bad.command("misbehave", { how: "throw" });
    await until(() => bad.state === "failed");
    expect(bad.fault).toEqual({ code: "ENGINE_CRASHED", message: "thrown on purpose" });
    expect(badSink.closed?.code).toBe(4500);
    expect(badSink.closed?.reason).toContain("thrown on purpose");
    const before = goodSink.sequences.length;
    await until(() => goodSink.sequences.length > before + 20);
    expect(good.resumes).toBe(0);
    expect(sessions.pool.restarts).toBe(0);
    expect(
      goodSink.sequences.every(
        (sequence, at) => at === 0 || sequence === (goodSink.sequences[at - 1] ?? 0) + 1,
      ),
    ).toBe(true);
    expect(() => bad.command("set", { value: 1 })).toThrow("thrown on purpose");
  });

  for (const how of ["hang", "hang in C", "exit"]) {
    test(`${how}: it fails, pool-mates resume from their saved state within 500 ms, gaps counted`, async () => {
      const sessions = fresh();
      const good = await create("good");
      const bad = await create("bad");
      good.command("set", { value: 42 });
      const sink = new TestSink();
      const { client } = good.subscribe(STREAM, sink);
      await until(() => sink.values.at(-1) === 42);
      const mediaBefore = Number((await good.describe())["alive_s"]);
      const startedMs = performance.now();
      bad.command("misbehave", { how });
      // Sent while the worker hangs: must be applied by the next one.
      good.command("add", { value: 1 });
      await until(() => bad.state === "failed");
      await until(() => sink.values.at(-1) === 43);
      const frames = sink.sequences.length;
      await until(() => sink.sequences.length > frames + 30);

      expect(bad.fault?.code).toBe(how === "exit" ? "ENGINE_EXITED" : "ENGINE_STALLED");
      expect(good.state).toBe("running");
      expect(good.resumes).toBe(1);
      expect(sessions.pool.restarts).toBe(1);
      expect(longestGapMs(sink)).toBeLessThan(how === "exit" ? 300 : 500);
      // Every frame since the client joined is either sent or counted as lost.
      const first = sink.sequences[0] ?? 0;
      const last = sink.sequences.at(-1) ?? 0;
      expect(client.sent).toBe(sink.sequences.length);
      expect(client.sent + client.lost).toBe(last - first + 1);
      // The session's own time went on while it had no worker, to within three frames.
      const elapsedS = (performance.now() - startedMs) / 1000;
      const mediaS = Number((await good.describe())["alive_s"]) - mediaBefore;
      expect(Math.abs(mediaS - elapsedS)).toBeLessThan(0.05);
    }, 15_000);
  }

  test("an exception outside any session (a timer): the worker is replaced and nobody fails", async () => {
    const sessions = fresh();
    const good = await create("good");
    await create("other");
    const sink = new TestSink();
    good.subscribe(STREAM, sink);
    await until(() => sink.sequences.length > 5);
    good.command("misbehave", { how: "crash later" });
    await until(() => sessions.pool.restarts === 1);
    const frames = sink.sequences.length;
    await until(() => sink.sequences.length > frames + 10);
    expect(good.state).toBe("running");
  });

  test("resumed twice, with questions unanswered at each death: every command is applied exactly once", async () => {
    fresh();
    const good = await create("good");
    let added = 0;
    const add = (): void => {
      good.command("add", { value: 1 });
      added++;
    };
    for (let death = 1; death <= 2; death++) {
      const bad = await create(`bad${death}`);
      add();
      bad.command("misbehave", { how: "hang" });
      // Reaches the worker while it hangs; nobody will answer.
      await Bun.sleep(40);
      const question = failureOf(good.ask("get", {}));
      add();
      await until(() => good.resumes === death);
      // Sent while the session is opening in its new worker.
      add();
      const sink = new TestSink();
      good.subscribe(STREAM, sink).end();
      expect(await question).toMatchObject({ code: "ENGINE_STALLED" });
      expect(await good.ask("get", {})).toEqual({ value: added });
    }
    const late = new TestSink();
    good.subscribe(STREAM, late);
    await until(() => late.values.at(-1) === added);
  }, 15_000);

  test("a worker that keeps dying: after three resumes in a minute the session fails", async () => {
    fresh();
    const good = await create("good");
    for (let death = 1; death <= 4; death++) {
      const bad = await create(`bad${death}`);
      bad.command("misbehave", { how: "exit" });
      await until(() => bad.state === "failed");
      await until(() => good.resumes === death || good.state === "failed");
      await Bun.sleep(50);
    }
    await until(() => good.state === "failed");
    expect(good.fault?.message).toContain("more than three times");
  }, 15_000);

  test("in a worker of its own: other workers never notice", async () => {
    const sessions = fresh();
    const good = await create("good");
    const bad = await create("bad", { place: "dedicated" });
    const sink = new TestSink();
    good.subscribe(STREAM, sink);
    await until(() => sink.sequences.length > 5);
    bad.command("misbehave", { how: "hang" });
    await until(() => bad.state === "failed");
    const frames = sink.sequences.length;
    await until(() => sink.sequences.length > frames + 10);
    expect(good.resumes).toBe(0);
    const gaps = sink.sequences
      .slice(1)
      .map((sequence, at) => sequence - (sink.sequences[at] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2);
    expect(sessions.pool.restarts).toBe(1);
  });
});

describe("a session that misbehaves in a command", () => {
  test("throws: it fails, and whoever waits is told why", async () => {
    fresh();
    const bad = await create("bad");
    expect(await failureOf(bad.ask("now", { how: "throw" }))).toMatchObject({
      code: "ENGINE_CRASHED",
      message: "thrown on purpose",
    });
    await until(() => bad.state === "failed");
  });

  test("commands never overlap: those behind a waiting one are applied after it, in order", async () => {
    fresh();
    const session = await create("one");
    const slow = session.ask("wait", { ms: 100 });
    session.command("set", { value: 5 });
    session.command("add", { value: 2 });
    expect(await slow).toEqual({ waited: true });
    expect(await session.ask("get", {})).toEqual({ value: 7 });
  });

  test("no answer in time: COMMAND_TIMEOUT, and a late answer is not taken for another's", async () => {
    fresh();
    const session = await create("one");
    expect(await failureOf(session.ask("wait", { ms: 2_300 }))).toMatchObject({
      code: "COMMAND_TIMEOUT",
    });
    expect(await session.ask("get", {})).toEqual({ value: 0 });
  });

  test("a flood is refused, and what was accepted is applied exactly once", async () => {
    fresh();
    const session = await create("one");
    let accepted = 0;
    let refused: unknown;
    for (let n = 0; n < 5_000 && refused === undefined; n++) {
      try {
        session.command("add", { value: 1 });
        accepted++;
      } catch (error) {
        refused = error;
      }
    }
    expect(refused).toMatchObject({ code: "COMMAND_RATE" });
    expect(accepted).toBeGreaterThan(100);
    await Bun.sleep(100);
    expect(await session.ask("get", {})).toEqual({ value: accepted });
  });
});

describe("a start that fails", () => {
  const cases: readonly [string, string, string][] = [
    ["throws", "throw", "ENGINE_OPEN_FAILED"],
    ["loops for ever", "hang", "ENGINE_STALLED"],
    ["exits", "exit", "ENGINE_EXITED"],
    ["throws while loading", "load throws", "INTERNAL"],
    ["loads for ever", "load hangs", "CLIP_LOAD_TIMEOUT"],
  ];
  for (const [title, onOpen, code] of cases) {
    test(`${title}: ${code}; nothing stays, and the id is free`, async () => {
      const sessions = fresh({ openMs: 500 });
      const good = await create("good");
      expect(await failureOf(create("x", { onOpen }))).toMatchObject({ code });
      expect(sessions.list().map((session) => session.id)).toEqual(["good"]);
      const again = await create("x");
      expect(again.state).toBe("running");
      await until(() => good.state === "running");
    }, 10_000);
  }

  test("two requests for one id at the same time: one gets it", async () => {
    fresh();
    const results = await Promise.allSettled([create("same"), create("same"), create("same")]);
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
    for (const result of results)
      if (result.status === "rejected")
        expect(result.reason).toMatchObject({ code: "SESSION_EXISTS" });
  });

  test("the limit counts sessions that are starting", async () => {
    fresh({ maxSessions: 3 });
    const results = await Promise.allSettled(Array.from({ length: 6 }, (_, n) => create(`s${n}`)));
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(3);
    for (const result of results)
      if (result.status === "rejected")
        expect(result.reason).toMatchObject({ code: "SESSION_LIMIT" });
  });
});
