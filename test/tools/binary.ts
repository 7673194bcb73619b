/** The compiled executable, for the tests that run it. */
import { binaryFile, prepare } from "../../build.ts";

let ready: Promise<string> | undefined;

/** Path of an up-to-date dist/soma; built at the first call of this process if it is stale, which takes some seconds. */
export function binaryPath(): Promise<string> {
  ready ??= prepare({ binary: true }).then(binaryFile);
  return ready;
}
