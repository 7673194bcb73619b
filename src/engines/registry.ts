/**
 * Engines by name, loaded when first needed. Adding an engine is a folder and a line in `builtIn`; plug-ins come from files.
 * Loaded in workers: imports no engine until asked, and no zod.
 */
import { Fault, messageOf } from "../core/fault.ts";
import type { EngineModule } from "./contract.ts";
import { NO_PLUGINS, type PluginFiles } from "./runtime/messages.ts";

const builtIn: Readonly<Record<string, () => Promise<EngineModule>>> = {
  animation: async () => (await import("./animation/engine.ts")).animationEngine,
};

let plugins: PluginFiles = NO_PLUGINS;

/** Tells this thread which plug-in files there are; called once before the first engine is loaded. */
export function usePlugins(files: PluginFiles): void {
  plugins = files;
}

/** Absolute path of the module that provides an animator, if it came with --plugin. */
export function animatorPluginFile(name: string): string | undefined {
  return Object.hasOwn(plugins.animators, name) ? plugins.animators[name] : undefined;
}

export async function loadEngineModule(name: string): Promise<EngineModule> {
  const load = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (load) return await load();
  const file = Object.hasOwn(plugins.engines, name) ? plugins.engines[name] : undefined;
  if (!file) throw new Fault("ENGINE_UNKNOWN", `there is no engine named "${name}"`);
  const exported = await importPlugin(file);
  if (typeof exported["open"] !== "function") {
    throw new Fault("PLUGIN_INVALID", `${file}: an engine plug-in exports "open"`);
  }
  return exported as unknown as EngineModule;
}

/** Imports a plug-in file and returns its default export, or its named exports where it has no default. */
export async function importPlugin(file: string): Promise<Record<string, unknown>> {
  try {
    const module: Record<string, unknown> = await import(file);
    const exported = module["default"] ?? module;
    if (typeof exported !== "object" || exported === null) throw new Error("its default export is not an object");
    return exported as Record<string, unknown>;
  } catch (error) {
    throw new Fault("PLUGIN_INVALID", `${file}: ${messageOf(error)}`, undefined, { cause: error });
  }
}
