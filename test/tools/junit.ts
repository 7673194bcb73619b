/** Reads the JUnit report that `bun test` writes: which files ran, what failed, what was skipped. */

interface NamedTest {
  readonly file: string;
  readonly name: string;
}

export interface JunitReport {
  readonly passed: number;
  readonly failed: readonly NamedTest[];
  readonly skipped: readonly NamedTest[];
  /** Seconds spent in each test file that ran at least one test or skipped it. */
  readonly filesS: ReadonlyMap<string, number>;
}

/** Throws where the text is no such report, or its totals are not those of its tests: then it was cut short. */
export function readJunit(xml: string): JunitReport {
  const failed: NamedTest[] = [];
  const skipped: NamedTest[] = [];
  const filesS = new Map<string, number>();
  let count = 0;
  for (const [, head = "", body = ""] of xml.matchAll(
    /<testcase\b((?:[^>"]|"[^"]*")*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    count += 1;
    const file = attribute(head, "file");
    const group = attribute(head, "classname");
    const name = group === "" ? attribute(head, "name") : `${group} > ${attribute(head, "name")}`;
    filesS.set(file, (filesS.get(file) ?? 0) + Number(attribute(head, "time")));
    if (/^\s*<(failure|error)\b/.test(body)) failed.push({ file, name });
    else if (/^\s*<skipped\b/.test(body)) skipped.push({ file, name });
  }
  const total = attribute(/<testsuites\b([^>]*)>/.exec(xml)?.[1] ?? "", "tests");
  if (total === "" || Number(total) !== count) {
    throw new Error(`the JUnit report has ${count} tests and says ${total || "nothing of them"}`);
  }
  return { passed: count - failed.length - skipped.length, failed, skipped, filesS };
}

function attribute(head: string, name: string): string {
  const text = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(head)?.[1] ?? "";
  return text.replaceAll(/&(lt|gt|quot|apos|amp|#(\d+));/g, (_, entity: string, code?: string) =>
    code === undefined ? (ENTITIES[entity] ?? "") : String.fromCodePoint(Number(code)),
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
};
