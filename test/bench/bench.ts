/**
 * What every benchmark is given: where its programs and clips lie, how long and how often it measures, and what machine
 * its figures belong to.
 */
import type { Machine } from "./machine.ts";

export interface Bench {
  readonly quick: boolean;
  readonly rounds: number;
  readonly windowMs: number;
  /** The stream without its header: the seed's bytes; only messages, bytes and CPU are known then. */
  readonly headerless: boolean;
  /** Names of the contenders to measure; all without it. */
  readonly only: readonly string[] | undefined;
  /** Whether figures are appended to the result files. */
  readonly recorded: boolean;
  readonly workDir: string;
  readonly clipsDir: string;
  /** Path of the compiled load client. */
  readonly loadClient: string;
  readonly machine: Machine;
}
