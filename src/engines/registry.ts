/**
 * Engines by name, loaded when first needed. Adding an engine is a folder and a line in `builtIn`; plug-ins come from files.
 * Loaded in workers: imports no engine until asked, and no zod.
 */
import { Fault } from "../core/fault.ts";
import type { EngineModule } from "./contract.ts";
import { enginePluginFile, importPlugin } from "./plugins.ts";

const builtIn: Readonly<Record<string, () => Promise<EngineModule>>> = {
  animation: async () => (await import("./animation/engine.ts")).animationEngine,
};

export async function loadEngineModule(name: string): Promise<EngineModule> {
  const load = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (load) return await load();
  const file = enginePluginFile(name);
  if (!file) throw new Fault("ENGINE_UNKNOWN", `there is no engine named "${name}"`);
  const exported = await importPlugin(file);
  if (typeof exported["open"] !== "function") {
    throw new Fault("PLUGIN_INVALID", `${file}: an engine plug-in exports "open"`);
  }
  return exported as unknown as EngineModule;
}
