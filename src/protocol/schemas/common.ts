/** Schemas that several routes share. */
import { z } from "zod";
import { ERROR_CODES } from "../errors.ts";
import { LIMITS } from "../limits.ts";

export const errorSchema = z
  .object({
    error: z.object({
      code: z.enum(ERROR_CODES as [string, ...string[]]).describe("Stable name of the failure."),
      message: z.string().describe("What was wrong and what would be right."),
      hint: z.string().describe("What to do about it."),
      details: z.unknown().optional().describe("More for a program: fields, known names, ranges."),
    }),
    detail: z
      .string()
      .optional()
      .describe("The message once more, where the origin system's clients look for it."),
  })
  .describe("A failure.")
  .meta({ id: "Error" });

export const sessionId = z
  .string()
  .regex(
    new RegExp(`^[A-Za-z0-9_-]{1,${LIMITS.sessionIdChars}}$`),
    "letters, digits, _ and -, at most 64",
  )
  .describe("Session id: letters, digits, _ and -, at most 64 characters.");

/** Ids that are paths of other dialects under /ws. */
export const RESERVED_IDS: readonly string[] = ["sessions", "session", "reconstruct"];

export const idParams = z.object({
  id: z.string({ error: "is not percent-encoded UTF-8" }).min(1).max(256).describe("Session id."),
});

/** The envelope of issue lists in `details`. */
export interface FieldIssue {
  readonly path: string;
  readonly message: string;
}

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly errors?: readonly (readonly Issue[])[] | undefined;
}

/** Flattens zod issues about `value` for people: of a union, the alternative that came closest. */
export function fieldIssues(issues: readonly Issue[], value: unknown): readonly FieldIssue[] {
  return issues.flatMap((issue): readonly FieldIssue[] => {
    const path = issue.path.map(String).join(".");
    const alternatives = issue.code === "invalid_union" ? (issue.errors ?? []) : [];
    const inside = valueAt(value, issue.path);
    const [closest] = [...alternatives].sort(
      (a, b) => depth(b) - depth(a) || absent(a, inside) - absent(b, inside) || a.length - b.length,
    );
    if (!closest || closest.length === 0) return [{ path, message: issue.message }];
    return fieldIssues(closest, inside).map((inner) => ({
      path: [path, inner.path].filter((part) => part !== "").join("."),
      message: inner.message,
    }));
  });
}

/** How far into the value an alternative got before it failed. */
function depth(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

/** How many issues are about what is not there: an alternative that nobody meant. */
function absent(issues: readonly Issue[], value: unknown): number {
  return issues.filter((issue) => valueAt(value, issue.path) === undefined).length;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

export function issueText(issues: readonly FieldIssue[]): string {
  return issues
    .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
    .join("; ");
}
