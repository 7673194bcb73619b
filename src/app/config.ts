/**
 * The server's options: one schema, read once from flags, environment, a file and defaults, in that order of precedence, and
 * frozen. Unknown options are refused with the nearest known name.
 */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";
import { Fault } from "../core/fault.ts";
import { LOG_LEVELS } from "../core/log.ts";
import { LIMITS } from "../protocol/limits.ts";

const list = z.array(z.string().min(1));
const count = (max: number): z.ZodInt => z.int().min(1).max(max);
const path = z
  .string()
  .min(1)
  .transform((value) => resolve(value));

/** Option → schema. The description is what --help prints. */
const shape = {
  host: z.string().min(1).default("127.0.0.1").describe("Address to listen on."),
  port: z.int().min(0).max(65535).default(8080).describe("Port; 0 takes any free one."),
  "seed-ports": z
    .boolean()
    .default(false)
    .describe("Also listen on the origin systems' own ports: 9810 (animation)."),
  clips: path.optional().describe("Folder of BVH, glTF and GLB clips, beside the built-in ones."),
  plugin: list
    .default([])
    .describe("TypeScript or JavaScript file with an animator or engine; may be repeated."),
  token: z
    .string()
    .min(8)
    .optional()
    .describe(
      "Secret that requests must carry, at least 8 characters; probes of health need none.",
    ),
  insecure: z
    .boolean()
    .default(false)
    .describe("Allow a --host other than loopback without a token."),
  "allow-origin": list
    .default([])
    .describe("Web origins that may write and open sockets, or '*'; loopback always may."),
  "allow-host": list
    .default([])
    .describe("Host names the server answers to, beside its own addresses."),
  "cert-file": path.optional().describe("TLS certificate chain, PEM."),
  "key-file": path.optional().describe("TLS private key, PEM."),
  workers: count(256)
    .default(Math.max(1, availableParallelism() - 1))
    .describe("Threads that run light sessions."),
  "max-sessions": count(100_000).default(LIMITS.maxSessions).describe("Sessions at once."),
  "max-clients": count(100_000).default(LIMITS.maxClients).describe("Stream clients at once."),
  "max-body-bytes": count(2 ** 31 - 1)
    .default(LIMITS.maxBodyBytes)
    .describe("Largest request body."),
  "idle-timeout-s": z
    .number()
    .min(0)
    .max(7 * 86_400)
    .default(LIMITS.idleTimeoutMs / 1000)
    .describe("End sessions nobody used for so long; 0 keeps them."),
  "tick-limit-ms": count(60_000)
    .default(LIMITS.tickMs)
    .describe("An engine busier than this in one tick is stopped."),
  "load-limit-ms": count(600_000).default(LIMITS.loadMs).describe("Longest time to load a clip."),
  "clip-cache-mb": count(1_000_000)
    .default(LIMITS.clipCacheBytes / 2 ** 20)
    .describe("Memory for loaded clips, MiB."),
  "shutdown-grace-ms": z
    .int()
    .min(0)
    .max(600_000)
    .default(LIMITS.shutdownGraceMs)
    .describe("Time to end after SIGTERM or SIGINT."),
  "log-level": z.enum(LOG_LEVELS).default("info").describe("Least level that is logged:"),
  "log-format": z
    .enum(["text", "json"])
    .default("text")
    .describe("Lines for people, or JSON for programs:"),
} as const;

const schema = z.strictObject(shape);
export type Config = Readonly<z.infer<typeof schema>>;
type OptionName = keyof typeof shape;
const NAMES = Object.keys(shape) as readonly OptionName[];

/** Where an option may also come from, beside SOMA_<NAME>. */
const ENVIRONMENT_ALIASES: Partial<Record<OptionName, readonly string[]>> = {
  "log-level": ["LOG_LEVEL", "RUST_LOG"],
};
const SHORT: Readonly<Record<string, OptionName>> = { p: "port", H: "host" };

interface OptionKind {
  readonly boolean: boolean;
  readonly list: boolean;
  readonly number: boolean;
}

const kinds = new Map<OptionName, OptionKind>();

function kindOf(name: OptionName): OptionKind {
  let kind = kinds.get(name);
  if (!kind) {
    const type = innermost(shape[name]).def.type;
    kind = { boolean: type === "boolean", list: type === "array", number: type === "number" };
    kinds.set(name, kind);
  }
  return kind;
}

/** The schema inside defaults, optionals and transforms. */
function innermost(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return innermost(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodPipe) return innermost(schema.in as z.ZodType);
  return schema;
}

export interface ConfigSources {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the command line asks for beside options. */
export interface Invocation {
  readonly config: Config;
  readonly printConfig: boolean;
}

/** Reads and checks every source; throws CONFIG_INVALID naming the option and what would be right. */
export function readConfig(sources: ConfigSources): Invocation {
  const flags = readFlags(sources.args);
  const fromFile =
    flags.file === undefined ? readEnvironmentFile(sources.env) : readFile(flags.file);
  const merged = { ...fromFile, ...readEnvironment(sources.env), ...flags.options };
  const parsed = schema.safeParse(merged);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = issue.path.map(String).join(".");
      return issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => unknownOption(key)).join("; ")
        : `--${name}: ${issue.message}`;
    });
    throw new Fault("CONFIG_INVALID", lines.join("; "));
  }
  checkTogether(parsed.data);
  return { config: Object.freeze(parsed.data), printConfig: flags.printConfig };
}

function checkTogether(config: Config): void {
  if ((config["cert-file"] === undefined) !== (config["key-file"] === undefined)) {
    throw new Fault("CONFIG_INVALID", "--cert-file and --key-file go together");
  }
  for (const file of [config["cert-file"], config["key-file"]]) {
    if (file !== undefined && !existsSync(file))
      throw new Fault("CONFIG_INVALID", `there is no file ${file}`);
  }
  if (config.clips !== undefined && !existsSync(config.clips)) {
    throw new Fault("CONFIG_INVALID", `--clips: there is no folder ${config.clips}`);
  }
  if (!isLoopback(config.host) && config.token === undefined && !config.insecure) {
    throw new Fault(
      "CONFIG_INVALID",
      `--host ${config.host} lets others in, so it needs a token: soma serve --host ${config.host} --token ${crypto.randomUUID()}` +
        `   (or, on a network you trust: soma serve --host ${config.host} --insecure)`,
    );
  }
}

export function isLoopback(host: string): boolean {
  return (
    host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host)
  );
}

interface Flags {
  readonly options: Record<string, unknown>;
  readonly file: string | undefined;
  readonly printConfig: boolean;
}

function readFlags(args: readonly string[]): Flags {
  const options: Record<string, unknown> = {};
  let file: string | undefined;
  let printConfig = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "-v" || arg === "--verbose") {
      options["log-level"] = "debug";
      continue;
    }
    if (arg === "--print-config") {
      printConfig = true;
      continue;
    }
    const { name, inline } = splitFlag(arg);
    const take = (): string => {
      if (inline !== undefined) return inline;
      const next = args[++at];
      if (next === undefined) throw new Fault("CONFIG_INVALID", `${arg} needs a value`);
      return next;
    };
    if (name === "config") {
      file = take();
      continue;
    }
    if (!isOption(name)) throw new Fault("CONFIG_INVALID", unknownOption(name));
    const kind = kindOf(name);
    if (kind.boolean) options[name] = inline === undefined ? true : toValue(name, inline);
    else if (kind.list)
      options[name] = [...((options[name] as string[] | undefined) ?? []), ...take().split(",")];
    else options[name] = toValue(name, take());
  }
  return { options, file, printConfig };
}

function splitFlag(arg: string): { name: string; inline: string | undefined } {
  const short = /^-([a-zA-Z])$/.exec(arg)?.[1];
  if (short !== undefined && SHORT[short]) return { name: SHORT[short], inline: undefined };
  if (!arg.startsWith("--")) {
    throw new Fault("CONFIG_INVALID", `"${arg}" is not an option; 'soma serve --help' lists them`);
  }
  const equals = arg.indexOf("=");
  return equals < 0
    ? { name: arg.slice(2), inline: undefined }
    : { name: arg.slice(2, equals), inline: arg.slice(equals + 1) };
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(shape, name);
}

/** Turns text into what the option's schema expects; what does not fit is left for the schema to refuse. */
function toValue(name: OptionName, text: string): unknown {
  const kind = kindOf(name);
  if (kind.boolean)
    return /^(1|true|yes|on)$/i.test(text) ? true : /^(0|false|no|off)$/i.test(text) ? false : text;
  if (kind.number) return text.trim() === "" ? text : Number(text);
  if (kind.list) return text.split(",").filter((item) => item !== "");
  return name === "log-level" ? text.toLowerCase() : text;
}

function readEnvironment(env: ConfigSources["env"]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of NAMES) {
    const own = `SOMA_${name.toUpperCase().replaceAll("-", "_")}`;
    for (const key of [...(ENVIRONMENT_ALIASES[name] ?? []), own]) {
      const text = env[key];
      if (text === undefined || text === "") continue;
      const value = toValue(name, text);
      // RUST_LOG and LOG_LEVEL belong to everybody: what we do not understand there is not our business.
      if (key !== own && !LOG_LEVELS.some((level) => level === value)) continue;
      options[name] = value;
    }
  }
  return options;
}

function readEnvironmentFile(env: ConfigSources["env"]): Record<string, unknown> {
  const file = env["SOMA_CONFIG"];
  return file ? readFile(file) : {};
}

function readFile(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new Error("not a JSON object");
    return { ...value };
  } catch (error) {
    throw new Fault(
      "CONFIG_INVALID",
      `--config ${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function unknownOption(name: string): string {
  const near = NAMES.find(
    (known) => known.startsWith(name) || name.startsWith(known) || known.includes(name),
  );
  return `there is no option --${name}${near ? `; did you mean --${near}?` : "; 'soma serve --help' lists them"}`;
}

/** What stands for an option's value in the help. */
function valueName(name: OptionName): string {
  const kind = kindOf(name);
  if (kind.boolean) return "";
  if (kind.list) return " LIST";
  if (kind.number) return " N";
  if (name === "clips") return " FOLDER";
  return name.endsWith("-file") ? " FILE" : " VALUE";
}

/** The options part of --help. */
export function describeOptions(): string {
  const lines = NAMES.map((name) => {
    const json = z.toJSONSchema(shape[name], { io: "input", unrepresentable: "any" }) as {
      description?: string;
      default?: unknown;
      enum?: readonly string[];
    };
    const standard = json.default;
    const choices = json.enum ? ` ${json.enum.join(", ")}` : "";
    const byDefault =
      typeof standard === "string" || typeof standard === "number" ? ` (default ${standard})` : "";
    return `  --${`${name}${valueName(name)}`.padEnd(24)} ${json.description ?? ""}${choices}${byDefault}`;
  });
  return [
    ...lines,
    `  ${"--config FILE".padEnd(26)} JSON file with any of these options; $SOMA_CONFIG names one too.`,
    `  ${"--print-config".padEnd(26)} Print the options in force, and stop.`,
    `  ${"-v, --verbose".padEnd(26)} The same as --log-level debug.`,
  ].join("\n");
}
