/** The small parts of the SDK by themselves: clock, rate, backoff, addresses, errors, half floats. */
import { describe, expect, test } from "bun:test";
import { parseAddress, streamUrl } from "../../src/client/addresses.ts";
import { backoffMs } from "../../src/client/backoff.ts";
import { floatOfHalf } from "../../src/client/frame.ts";
import { RateMeter } from "../../src/client/rate-meter.ts";
import { Requests } from "../../src/client/requests.ts";
import { ServerClock } from "../../src/client/server-clock.ts";
import { errorFromBody, errorFromClose, SomaError } from "../../src/client/soma-error.ts";
import { ERROR_CODES, ERRORS } from "../../src/protocol/errors.ts";

/** The same numbers in every run (Lehmer, modulus 2³¹ − 1). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe("server clock", () => {
  test("the error is at most half of the shortest round trip, whatever the queues do", () => {
    const random = randomFrom(7);
    const offsetUs = 1.7e15;
    for (let run = 0; run < 50; run++) {
      const clock = new ServerClock();
      let nowMs = 1_000;
      for (let ping = 0; ping < 20; ping++) {
        nowMs += 5_000;
        // Queues delay either way, independently and up to 300 ms.
        const thereMs = 2 + 300 * random() ** 4;
        const backMs = 2 + 300 * random() ** 4;
        clock.add(nowMs, nowMs + thereMs + backMs, offsetUs + (nowMs + thereMs) * 1000);
        const errorUs = Math.abs((clock.unixUs(nowMs) ?? Number.NaN) - (offsetUs + nowMs * 1000));
        // One microsecond for the float64 sum of numbers near 1.7e15.
        expect(errorUs).toBeLessThanOrEqual(((clock.rttMs ?? 0) / 2) * 1000 + 1);
      }
    }
  });

  test("believes the quickest of the last eight, and forgets it after", () => {
    const clock = new ServerClock();
    expect(clock.unixUs(0)).toBeUndefined();
    clock.add(0, 2, 1_000);
    expect(clock.rttMs).toBe(2);
    for (let ping = 0; ping < 7; ping++) clock.add(100, 150, 0);
    expect(clock.rttMs).toBe(2);
    clock.add(100, 150, 0);
    expect(clock.rttMs).toBe(50);
  });
});

describe("rate meter", () => {
  test.each([10, 60, 240, 2_000])("finds %i events per second within one event per slot", (hz) => {
    const meter = new RateMeter();
    for (let event = 0; event < 3 * hz; event++) meter.add((event * 1000) / hz);
    const rate = meter.perSecond(3_000);
    // Ten slots of 100 ms, each of which may gain or lose one event at either edge of the second.
    expect(Math.abs(rate - hz)).toBeLessThanOrEqual(1);
  });

  test("falls to nothing in silence, and starts again", () => {
    const meter = new RateMeter();
    expect(meter.perSecond(0)).toBe(0);
    for (let event = 0; event < 60; event++) meter.add(event * 16.7);
    expect(meter.perSecond(1_000)).toBeGreaterThan(50);
    expect(meter.perSecond(1_600)).toBeWithin(20, 40);
    expect(meter.perSecond(2_200)).toBe(0);
    meter.add(60_000);
    expect(meter.perSecond(60_150)).toBeGreaterThan(0);
  });
});

test("backoff doubles to its bound and is spread over its upper half", () => {
  const limits = { firstMs: 100, maxMs: 1_000 };
  const at = (attempt: number): number[] =>
    [0, 0.5, 1].map((random) => backoffMs(attempt, random, limits));
  expect(at(1)).toEqual([50, 75, 100]);
  expect(at(2)).toEqual([100, 150, 200]);
  expect(at(4)).toEqual([400, 600, 800]);
  expect(at(5)).toEqual([500, 750, 1_000]);
  expect(at(10_000)).toEqual([500, 750, 1_000]);
});

describe("addresses", () => {
  test.each([
    ["http://host:8080", "http://host:8080", undefined],
    ["https://host/", "https://host", undefined],
    ["host:8080", "http://host:8080", undefined],
    ["ws://host:8080/ws/demo", "http://host:8080", "demo"],
    ["wss://host/behind/proxy/ws/a%20b", "https://host/behind/proxy", "a b"],
    ["https://host/behind/proxy/", "https://host/behind/proxy", undefined],
  ])("%s", (url, baseUrl, session) => {
    expect(parseAddress(url)).toMatchObject({
      baseUrl,
      ...(session === undefined ? {} : { session }),
    });
    expect(parseAddress(url).session).toBe(session as string);
  });

  test("a stream's own address is read back, form and token included", () => {
    const url = streamUrl({ baseUrl: "https://host/p", token: "t&?" }, "a b", {
      dtype: "f16",
      order: "column",
    });
    expect(url).toBe("wss://host/p/ws/a%20b?dtype=f16&order=column&header=soma&token=t%26%3F");
    const form = { dtype: "f16" as const, order: "column" as const };
    expect(parseAddress(url)).toEqual({
      baseUrl: "https://host/p",
      token: "t&?",
      session: "a b",
      form,
    });
  });

  test.each(["ftp://host", "http://", "file:///x"])("refuses %s", (url) => {
    expect(() => parseAddress(url)).toThrow(SomaError);
  });

  test("without an address outside of a web page, asks for one", () => {
    expect(() => parseAddress(undefined)).toThrow("name the server");
  });
});

describe("errors", () => {
  test("every code of the server keeps its hint and whether to try again", () => {
    for (const code of ERROR_CODES) {
      const error = new SomaError(code, "because");
      expect(error).toMatchObject({
        code,
        message: "because",
        hint: ERRORS[code].hint,
        retry: ERRORS[code].retry,
      });
    }
  });

  test("a code that only a newer server knows is passed on", () => {
    expect(errorFromBody({ error: { code: "NEWER", message: "m", hint: "h" } })).toMatchObject({
      code: "NEWER",
      hint: "h",
    });
    for (const body of [undefined, null, "text", {}, { error: null }, { error: { code: 1 } }]) {
      expect(errorFromBody(body)).toBeUndefined();
    }
  });

  test("a close code shared by several errors is one to try again if any of them is", () => {
    expect(errorFromClose(4000, "").code).toBe("SESSION_NOT_FOUND");
    expect(errorFromClose(1001, "")).toMatchObject({ code: "SHUTTING_DOWN", retry: true });
    expect(errorFromClose(4503, "full")).toMatchObject({ message: "full", retry: true });
    expect(errorFromClose(1006, "")).toMatchObject({ code: "CONNECTION_LOST", retry: true });
  });

  test("a question nobody answers is refused when its time is up", async () => {
    const requests = new Requests(20);
    const failure = await requests.ask("ping", {}, () => true).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "COMMAND_TIMEOUT" });
    expect(requests.settle({ type: "pong", id: 1 })).toBe(false);
  });
});

test("half floats: all 65536 as the platform's own Float16Array has them", () => {
  const halves = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
  const expected = new Float16Array(halves.buffer);
  for (const [bits, value] of expected.entries()) {
    if (!Object.is(floatOfHalf(bits), value))
      throw new Error(`0x${bits.toString(16)}: ${floatOfHalf(bits)}, not ${value}`);
  }
});
