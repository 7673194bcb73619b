/** Plug-in files as this thread knows them: which name is in which file, and how a file is imported. Knows no engine. */
import { Fault, messageOf } from "../core/fault.ts";
import { NO_PLUGINS, type PluginFiles } from "./runtime/messages.ts";

let plugins: PluginFiles = NO_PLUGINS;

/** Tells this thread which plug-in files there are; called once before the first engine is loaded. */
export function usePlugins(files: PluginFiles): void {
  plugins = files;
}

/** Absolute path of the module that provides an animator, if it came with --plugin. */
export function animatorPluginFile(name: string): string | undefined {
  return Object.hasOwn(plugins.animators, name) ? plugins.animators[name] : undefined;
}

/** Absolute path of the module that provides an engine, if it came with --plugin. */
export function enginePluginFile(name: string): string | undefined {
  return Object.hasOwn(plugins.engines, name) ? plugins.engines[name] : undefined;
}

/** Imports a plug-in file and returns its default export, or its named exports where it has no default. */
export async function importPlugin(file: string): Promise<Record<string, unknown>> {
  try {
    const module: Record<string, unknown> = await import(file);
    const exported = module["default"] ?? module;
    if (typeof exported !== "object" || exported === null)
      throw new Error("its default export is not an object");
    return exported as Record<string, unknown>;
  } catch (error) {
    throw new Fault("PLUGIN_INVALID", `${file}: ${messageOf(error)}`, undefined, { cause: error });
  }
}
