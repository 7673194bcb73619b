/**
 * Goal: no input that /openapi.json can describe, and none near it, makes the server fail or answer otherwise than documented. Method:
 * test/fuzz/api.ts, for some seconds here and for as long as wanted by `bun run fuzz`.
 */
import { expect, test } from "bun:test";
import { ERRORS } from "../../src/protocol/errors.ts";
import { fuzzApi } from "./api.ts";

const SECONDS = 12;
const REQUESTS = 2_500;

test(
  "the API holds what its document says",
  async () => {
    const seed = Number(process.env["SOMA_FUZZ_SEED"] ?? 1);
    const { requests, messages, answers, replies } = await fuzzApi({
      seconds: SECONDS,
      seed,
      requests: REQUESTS,
    });
    // The walk was a walk: everything was reached, and on both sides of each gate.
    expect(requests).toBeGreaterThan(500);
    expect(messages).toBeGreaterThan(200);
    const operations = Object.keys(answers);
    expect(operations.length).toBeGreaterThan(25);
    for (const name of ["play", "pause", "speed", "fps", "seek", "loop"]) {
      const seen = Object.keys(answers[`${name}Session`] ?? {});
      expect({ name, seen }).toEqual({
        name,
        seen: expect.arrayContaining(["200", "404", "410", "422"]),
      });
      expect(replies[name]).toBeGreaterThan(0);
    }
    expect(Object.keys(answers["openapi"] ?? {})).toEqual(["200", "304"]);
    expect(Object.keys(answers["createSession"] ?? {})).toEqual(
      expect.arrayContaining(["200", "400", "422"]),
    );
    expect(Object.keys(answers["getFrame"] ?? {})).toEqual(
      expect.arrayContaining(["200", "404", "410", "422"]),
    );
    for (const kind of [
      "pong",
      "stats",
      "layout",
      "SKELETON_DEF",
      "REQUEST_INVALID",
      "REQUEST_MALFORMED",
    ]) {
      expect({ kind, count: replies[kind] }).toEqual({ kind, count: expect.any(Number) });
    }
    for (const byStatus of Object.values(answers)) {
      for (const status of Object.keys(byStatus))
        expect(Number(status)).not.toBe(ERRORS.INTERNAL.status);
    }
  },
  (SECONDS + 20) * 1_000,
);
