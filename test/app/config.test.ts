/** Options from every source, their precedence, and what is refused. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeOptions, isLoopback, readConfig } from "../../src/app/config.ts";

const read = (args: readonly string[], env: Record<string, string> = {}) =>
  readConfig({ args, env }).config;

function refusal(args: readonly string[], env: Record<string, string> = {}): string {
  try {
    readConfig({ args, env });
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  throw new Error("it was accepted");
}

describe("configuration", () => {
  test("defaults", () => {
    expect(read([])).toMatchObject({
      host: "127.0.0.1",
      port: 8080,
      "log-level": "info",
      plugin: [],
      insecure: false,
    });
    expect(Object.isFrozen(read([]))).toBe(true);
  });

  test("flags in every spelling", () => {
    expect(
      read([
        "--port",
        "1",
        "--max-sessions=7",
        "-v",
        "--plugin",
        "a.ts",
        "--plugin=b.ts,c.ts",
        "--insecure",
      ]),
    ).toMatchObject({
      port: 1,
      "max-sessions": 7,
      "log-level": "debug",
      plugin: ["a.ts", "b.ts", "c.ts"],
      insecure: true,
    });
    expect(read(["-p", "5", "--insecure=false"])).toMatchObject({ port: 5, insecure: false });
  });

  test("environment: own names, aliases of the log level in any case, and other people's RUST_LOG", () => {
    expect(
      read([], { SOMA_PORT: "9", SOMA_PLUGIN: "a.ts,b.ts", SOMA_INSECURE: "yes" }),
    ).toMatchObject({ port: 9, plugin: ["a.ts", "b.ts"], insecure: true });
    expect(read([], { RUST_LOG: "WARN" })["log-level"]).toBe("warn");
    expect(read([], { RUST_LOG: "hyper=trace,info" })["log-level"]).toBe("info");
    expect(read([], { RUST_LOG: "warn", LOG_LEVEL: "error" })["log-level"]).toBe("warn");
    expect(read([], { LOG_LEVEL: "error", SOMA_LOG_LEVEL: "Debug" })["log-level"]).toBe("debug");
  });

  test("a file, and its refusals", () => {
    const folder = mkdtempSync(join(tmpdir(), "soma-config-"));
    const file = (text: string): string => {
      const path = join(folder, `${Bun.hash(text)}.json`);
      writeFileSync(path, text);
      return path;
    };
    expect(read(["--config", file('{"port": 77}')])).toMatchObject({ port: 77 });
    expect(read([], { SOMA_CONFIG: file('{"port": 78}') })).toMatchObject({ port: 78 });
    expect(refusal(["--config", file('{"prot": 77}')])).toContain("--prot");
    expect(refusal(["--config", file("[1]")])).toContain("not a JSON object");
    expect(refusal(["--config", file("{")])).toContain("--config");
    expect(refusal(["--config", join(folder, "none.json")])).toContain("none.json");
  });

  const refusals: readonly [readonly string[], string][] = [
    [["--ports", "1"], "did you mean --port?"],
    [["--nonsense"], "soma serve --help"],
    [["serve"], '"serve" is not an option'],
    [["--port", "x"], "--port"],
    [["--port", "1.5"], "--port"],
    [["--port", ""], "--port"],
    [["--workers", "0"], "--workers"],
    [["--max-sessions", "NaN"], "--max-sessions"],
    [["--log-level", "loud"], "--log-level"],
    [["--insecure=maybe"], "--insecure"],
    [["--token", "short"], "--token"],
    [["--host", "0.0.0.0"], "needs a token"],
    [["--key-file", "/dev/null"], "go together"],
  ];
  for (const [args, text] of refusals) {
    test(`${args.join(" ")} is refused`, () => expect(refusal(args)).toContain(text));
  }

  test("another host starts with a token or with --insecure", () => {
    expect(read(["--host", "0.0.0.0", "--token", "12345678"]).host).toBe("0.0.0.0");
    expect(read(["--host", "0.0.0.0", "--insecure"]).host).toBe("0.0.0.0");
  });

  test("what loopback is", () => {
    for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
      expect(isLoopback(host)).toBe(true);
    for (const host of ["0.0.0.0", "10.0.0.1", "127.0.0.1.evil.com", "128.0.0.1", "::"])
      expect(isLoopback(host)).toBe(false);
  });

  test("the help names every option with what it does", () => {
    const help = describeOptions();
    for (const name of Object.keys(read([]))) expect(help).toContain(`--${name}`);
    for (const line of help.split("\n"))
      expect(line.trim().split(/\s{2,}/).length).toBeGreaterThanOrEqual(2);
  });
});
