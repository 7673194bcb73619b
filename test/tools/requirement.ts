/**
 * The one way to skip a test: for something that the machine may lack. What is missing is said in one line; where it could have
 * been provided, which means always in CI, its absence fails the test instead, so that nothing is skipped there unnoticed.
 */
import { describe, test } from "bun:test";
import { DEBIAN_PACKAGES, installLine, type PackageName } from "./debian-packages.ts";
import { thirdPartyData } from "./third-party-data.ts";

export type Requirement =
  /** A file or folder of the third-party data set. */
  | { readonly data: string }
  /** What a Debian package brings. */
  | { readonly package: PackageName }
  /** A property of the machine that nobody can install, such as an instruction set. Skips in CI, too. */
  | { readonly machine: string; readonly has: boolean };

type Body = () => void | Promise<void>;

/** As `describe`, where the machine has all that is required. `body` is not called otherwise. */
export function describeWith(
  required: readonly Requirement[],
  title: string,
  body: () => void,
): void {
  const lack = firstLack(required);
  if (!lack) describe(title, body);
  else standIn(lack, title);
}

/** As `test`, where the machine has all that is required. */
export function testWith(
  required: readonly Requirement[],
  title: string,
  body: Body,
  timeoutMs?: number,
): void {
  const lack = firstLack(required);
  if (!lack) test(title, body, timeoutMs);
  else standIn(lack, title);
}

/** Absolute path of third-party data, inside a test that requires it. */
export function requiredData(relativePath: string): string {
  const path = thirdPartyData(relativePath);
  if (path === undefined) throw new Error(`the test does not say that it requires ${relativePath}`);
  return path;
}

interface Lack {
  readonly reason: string;
  /** Whether somebody could have provided it. */
  readonly avoidable: boolean;
}

/** What is missing first, or undefined. Exported for its own test. */
export function firstLack(required: readonly Requirement[]): Lack | undefined {
  for (const requirement of required) {
    const lack = lackOf(requirement);
    if (lack) return lack;
  }
  return undefined;
}

const probed = new Map<PackageName, boolean>();

function lackOf(requirement: Requirement): Lack | undefined {
  if ("data" in requirement) {
    if (thirdPartyData(requirement.data) !== undefined) return undefined;
    const reason = `the third-party file ${requirement.data} (set SOMA_TEST_DATA to its folder)`;
    return { reason, avoidable: true };
  }
  if ("machine" in requirement) {
    return requirement.has ? undefined : { reason: requirement.machine, avoidable: false };
  }
  const name = requirement.package;
  const present = probed.get(name) ?? DEBIAN_PACKAGES[name].present();
  probed.set(name, present);
  if (present) return undefined;
  return { reason: `${name} (${installLine([name])})`, avoidable: true };
}

function standIn({ reason, avoidable }: Lack, title: string): void {
  if (avoidable && process.env["CI"] === "true") {
    test(title, () => {
      throw new Error(`this test may not be skipped in CI, and it needs ${reason}`);
    });
    return;
  }
  console.error(`skipped: "${title}" needs ${reason}`);
  test.skip(title, () => {});
}
