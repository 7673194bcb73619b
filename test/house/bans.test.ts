/**
 * Goal: what the house does without stays out, and the exceptions stay few. Method: a ratchet. Each ban names its exceptions by file and
 * count; a count that rises fails, and so does one that falls, so that the list shrinks with the code.
 */
import { describe, expect, test } from "bun:test";
import { readText, repositoryFiles } from "./source-files.ts";

interface Ban {
  readonly what: string;
  readonly pattern: RegExp;
  /** Which files it holds for; all text files by default. */
  readonly files?: RegExp;
  /** A text that it refuses. */
  readonly example: string;
  readonly instead: string;
  readonly exceptions?: Readonly<Record<string, number>>;
}

const CODE = /\.(ts|mjs|js)$/;
const SERVER = /^(src|workers)\/.*\.ts$/;
const PRODUCT_NEVER_BROWSER = /^(workers|src\/(?!client\/|web\/)).*\.ts$/;
const TESTS = /^test\/.*\.ts$/;
/** Benchmarks are programs that wait for a living; their tests are tests. */
const WAITING_TESTS = /^test\/(?!bench\/).*\.ts$|\.test\.ts$/;

const BANS: readonly Ban[] = [
  {
    what: "as any",
    pattern: /\bas any\b/,
    files: CODE,
    example: "value as any;",
    instead: "unknown, and a check",
  },
  {
    what: "silenced type errors",
    pattern: /@ts-(ignore|expect-error|nocheck)/,
    files: CODE,
    example: "// @ts-ignore",
    instead: "types that say what is so",
  },
  {
    what: "silenced lint",
    pattern: /(oxlint|eslint)-disable/,
    files: CODE,
    example: "// oxlint-disable-line",
    instead: "the code that the rule asks for, or a reason in .oxlintrc.json",
  },
  {
    what: "the wall clock",
    pattern: /\bDate\.now\(|\bnew Date\(\)/,
    files: SERVER,
    example: "const nowMs = Date.now();",
    instead: "time as an argument, from src/core/clock.ts",
    exceptions: { "src/core/clock.ts": 1 },
  },
  {
    what: "the machine's own clock",
    pattern: /\bperformance\.(now\(|timeOrigin)/,
    files: PRODUCT_NEVER_BROWSER,
    example: "const startMs = performance.now();",
    instead: "monotonicMs of src/core/clock.ts",
    exceptions: { "src/core/clock.ts": 2 },
  },
  {
    what: "unseeded chance",
    pattern: /\bMath\.random\(/,
    files: SERVER,
    example: "Math.random()",
    instead: "the session's own random(); only the SDK's retries are to differ from each other",
    exceptions: { "src/client/socket-link.ts": 1 },
  },
  {
    what: "timers in tests",
    pattern: /(?<!\.)\bsetTimeout\(/,
    files: WAITING_TESTS,
    example: "setTimeout(done, 100)",
    instead: "waiting for the thing itself",
    // An engine that crashes after its tick has ended; a server that speaks late; the deadline of a wait.
    exceptions: {
      "test/fixtures/faulty-engine.ts": 1,
      "test/bench/load-client.test.ts": 1,
      "test/transports/test-socket.ts": 1,
    },
  },
  {
    what: "open ends",
    pattern: /\b(TODO|FIXME|XXX|HACK)\b/,
    files: /\.(ts|mjs|js|c|h|py|md|css|html)$/,
    example: "// TODO later",
    instead: "doing it, or an issue",
  },
  {
    what: "printing",
    pattern: /\bconsole\.\w+\(/,
    files: SERVER,
    example: "console.log(x)",
    instead: "src/core/log.ts",
  },
  {
    what: "leaving the process",
    pattern: /\bprocess\.exit\(/,
    files: SERVER,
    example: "process.exit(1)",
    instead: "a Fault that main turns into an exit code",
    exceptions: { "src/main.ts": 2, "src/app/serve.ts": 1 },
  },
  {
    what: "skipping by hand",
    pattern: /\b(test|describe|it)\.(skip|skipIf|if|todo|todoIf|only)\b/,
    files: TESTS,
    example: "test.skipIf(!present)",
    instead: "testWith and describeWith of test/tools/requirement.ts, which CI understands",
    // The one way itself, and a planted test.
    exceptions: { "test/tools/requirement.ts": 1, "test/tools/run-tests.test.ts": 1 },
  },
  {
    what: "rooms without a name",
    pattern: /\/(utils?|helpers?|misc)(\/|\.ts")/,
    files: CODE,
    example: 'import "../utils.ts"',
    instead: "a name that says what is inside",
  },
  {
    what: "words of the workplace",
    pattern: /\/work\/|helper[ ]session|farm[-]|seeds-[o]rigin|design\.m[d]|\/tmp\/b[r]iefs/,
    example: `see ${["", "work", "main"].join("/")}`,
    instead: "what a stranger with a clone can follow",
  },
  {
    what: "data beside the repository",
    pattern: /shared\/data|(?<![\w/-])shared\//,
    example: ["shared", "data"].join("/"),
    instead: "thirdPartyData of test/tools/third-party-data.ts",
    exceptions: { "test/tools/third-party-data.ts": 2 },
  },
  {
    what: "addresses of package registries",
    pattern: /\bregistry\.[a-z0-9-]+\.[a-z]{2,}/,
    example: ["https://registry", "npmjs", "org"].join("."),
    instead: "the names of packages; each machine knows its registry",
  },
];

const texts = readTexts();

describe("bans", () => {
  test("were looked for: in all text files, code of three languages among them", () => {
    expect(texts.size).toBeGreaterThan(150);
    for (const pattern of [SERVER, TESTS, /\.c$/, /\.py$/, /\.json$/]) {
      expect([...texts.keys()].some((path) => pattern.test(path))).toBe(true);
    }
  });

  for (const ban of BANS) {
    test(`${ban.what}; instead: ${ban.instead}`, () => {
      expect(countIn(ban, ban.example)).toBe(1);
      const counts: Record<string, number> = {};
      for (const [path, text] of texts) {
        if (ban.files?.test(path) === false) continue;
        const count = countIn(ban, text);
        if (count > 0) counts[path] = count;
      }
      expect(counts).toEqual({ ...ban.exceptions });
    });
  }
});

function countIn({ pattern }: Ban, text: string): number {
  return [...text.matchAll(new RegExp(pattern, "g"))].length;
}

function readTexts(): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const path of repositoryFiles("**")) {
    // Clips are numbers by the megabyte, and the lock file is not written by us.
    if (/\.(bvh|glb|png|so)$/.test(path)) continue;
    const text = readText(path);
    // The tables of this file hold an example of all that they ban.
    if (!text.includes("\0") && path !== "test/house/bans.test.ts") texts.set(path, text);
  }
  return texts;
}
