/** A token bucket over one session's commands: bursts are welcome, floods are refused. */
import { Fault } from "../core/fault.ts";
import { LIMITS } from "../protocol/limits.ts";

export class CommandBudget {
  #tokens: number = LIMITS.commandBurst;
  #atMs = 0;

  /** Takes one token or throws COMMAND_RATE. */
  spend(nowMs: number): void {
    const earned = ((nowMs - this.#atMs) / 1000) * LIMITS.commandsPerSecond;
    this.#tokens = Math.min(LIMITS.commandBurst, this.#tokens + earned);
    this.#atMs = nowMs;
    if (this.#tokens < 1) {
      throw new Fault(
        "COMMAND_RATE",
        `a session takes ${LIMITS.commandsPerSecond} commands per second`,
      );
    }
    this.#tokens--;
  }
}
