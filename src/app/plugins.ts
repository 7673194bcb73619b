/** Loads --plugin files on main, to learn what they are: an animator (`create`) or an engine (`open`). Workers load them again. */
import { Fault } from "../core/fault.ts";
import type { EngineSpec } from "../engines/contract.ts";
import { importPlugin } from "../engines/plugins.ts";
import type { PluginFiles } from "../engines/runtime/messages.ts";

export interface Plugins {
  readonly files: PluginFiles;
  readonly specs: readonly EngineSpec[];
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export async function loadPlugins(files: readonly string[]): Promise<Plugins> {
  const animators: Record<string, string> = {};
  const engines: Record<string, string> = {};
  const specs: EngineSpec[] = [];
  for (const file of files) {
    const exported = await importPlugin(file);
    const name = exported["name"];
    if (typeof name !== "string" || !NAME.test(name)) {
      throw new Fault("PLUGIN_INVALID", `${file}: export a "name" of letters, digits, _ and -`);
    }
    if (Object.hasOwn(animators, name) || Object.hasOwn(engines, name)) {
      throw new Fault("PLUGIN_INVALID", `${file}: there is a plug-in "${name}" already`);
    }
    if (typeof exported["create"] === "function") {
      animators[name] = file;
    } else if (typeof exported["open"] === "function") {
      engines[name] = file;
      specs.push(engineSpec(file, exported));
    } else {
      throw new Fault(
        "PLUGIN_INVALID",
        `${file}: export "create" (an animator) or "open" (an engine)`,
      );
    }
  }
  return { files: { animators, engines }, specs };
}

/** An engine from a plug-in always has workers of its own: it can harm nobody else. */
function engineSpec(file: string, exported: Record<string, unknown>): EngineSpec {
  for (const key of ["options", "commands", "ports", "prepare"]) {
    if (exported[key] === undefined)
      throw new Fault("PLUGIN_INVALID", `${file}: an engine exports "${key}"`);
  }
  const spec = exported as unknown as EngineSpec;
  return {
    ...spec,
    prepare: async (options) => ({ ...(await spec.prepare(options)), place: "dedicated" }),
  };
}
