/** What runs in a loader worker: reads assets for engines, one job at a time, away from everything that ticks. */
import { Fault, toFaultRecord } from "../../core/fault.ts";
import { installLog, isLogLevel } from "../../core/log.ts";
import { usePlugins } from "../plugins.ts";
import { loadEngineModule } from "../registry.ts";
import type { FromLoader, ToLoader } from "./messages.ts";

export class LoaderWorker {
  readonly #post: (message: FromLoader) => void;

  constructor(post: (message: FromLoader) => void) {
    this.#post = post;
  }

  receive(message: ToLoader): void {
    if (message.type === "start") {
      if (isLogLevel(message.logLevel)) {
        installLog(message.logLevel, (record) => this.#post({ type: "log", record }));
      }
      usePlugins(message.plugins);
      this.#post({ type: "ready" });
      return;
    }
    void this.#run(message);
  }

  async #run(message: Extract<ToLoader, { type: "load" }>): Promise<void> {
    const { job } = message;
    try {
      const module = await loadEngineModule(message.engine);
      const work = module[message.method];
      if (!work)
        throw new Fault("INTERNAL", `engine ${message.engine} has nothing to ${message.method}`);
      this.#post({ type: "done", job, value: await work(message.options) });
    } catch (error) {
      this.#post({ type: "refused", job, fault: toFaultRecord(error, "INTERNAL") });
    }
  }
}
