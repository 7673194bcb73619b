/** Socket options that Bun has no option for, on real listeners. */
import { expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { getNotsentLowat, openLibc, setNotsentLowat } from "../../src/native/libc.ts";
import { testWith } from "../tools/requirement.ts";

const LINUX = { machine: "Linux", has: process.platform === "linux" } as const;

testWith(
  [LINUX],
  "TCP_NOTSENT_LOWAT is set on the listener of a port and on no other",
  async () => {
    const one = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("one") });
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("other") });
    try {
      const before = getNotsentLowat(other.port ?? 0);
      expect(before).toHaveLength(1);
      expect(setNotsentLowat(one.port ?? 0, 16_384)).toBe(1);
      expect(getNotsentLowat(one.port ?? 0)).toEqual([16_384]);
      expect(getNotsentLowat(other.port ?? 0)).toEqual(before);
    } finally {
      await one.stop(true);
      await other.stop(true);
    }
  },
);

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === "::1"),
);

testWith(
  [LINUX, { machine: "an IPv6 loopback", has: hasIpv6 }],
  "IPv6 listeners count too",
  async () => {
    const server = Bun.serve({ port: 0, hostname: "::1", fetch: () => new Response() });
    try {
      expect(setNotsentLowat(server.port ?? 0, 32_768)).toBe(1);
      expect(getNotsentLowat(server.port ?? 0)).toEqual([32_768]);
    } finally {
      await server.stop(true);
    }
  },
);

test("a port that nobody listens on changes nothing", () => {
  expect(setNotsentLowat(1, 16_384)).toBe(0);
  expect(getNotsentLowat(1)).toEqual([]);
});

test("a function that no C library has is answered with undefined", () => {
  expect(openLibc({ soma_no_such_function: { args: [], returns: "i32" } })).toBeUndefined();
});
