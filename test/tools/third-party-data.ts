/**
 * Finds the third-party test data (captures, sample models, reference matrices) that may not be part of this repository.
 * Looks at `SOMA_TEST_DATA`, then at a `shared/data` folder beside the repository. Nothing in src may import this.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const root = process.env["SOMA_TEST_DATA"] ?? resolve(import.meta.dir, "../../../shared/data");

/** Absolute path of a file or folder of the data set, or undefined where the data set is not there. */
export function thirdPartyData(relativePath: string): string | undefined {
  const path = join(root, relativePath);
  return existsSync(path) ? path : undefined;
}
