/**
 * Structured logs: one record per event, with a message a person can read and fields a program can. Main writes records through
 * the sink that app/ installs; workers send theirs to main. Until a sink is installed, records are dropped.
 */

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogRecord {
  readonly level: Exclude<LogLevel, "silent">;
  /** The part of the server that speaks, e.g. "sessions". */
  readonly scope: string;
  readonly message: string;
  readonly fields?: Record<string, unknown>;
}

export type LogSink = (record: LogRecord) => void;

let sink: LogSink | undefined;
let threshold: number = LOG_LEVELS.indexOf("info");

/** Sends this thread's records of at least `level` to `to`. */
export function installLog(level: LogLevel, to: LogSink): void {
  threshold = LOG_LEVELS.indexOf(level);
  sink = to;
}

export function isLogLevel(value: unknown): value is LogLevel {
  return LOG_LEVELS.some((level) => level === value);
}

export function writeLog(record: LogRecord): void {
  if (sink && LOG_LEVELS.indexOf(record.level) >= threshold) sink(record);
}

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export function logOf(scope: string): Log {
  const at =
    (level: LogRecord["level"]) =>
    (message: string, fields?: Record<string, unknown>): void =>
      writeLog(fields ? { level, scope, message, fields } : { level, scope, message });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
