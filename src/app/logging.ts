/** Where main's log records go: lines for people, or JSON through pino. Both on standard error, so that output stays usable. */
import pino from "pino";
import { installLog, type LogLevel, type LogRecord } from "../core/log.ts";

export function startLogging(level: LogLevel, format: "text" | "json"): void {
  installLog(level, format === "json" ? jsonSink(level) : textSink);
}

function jsonSink(level: LogLevel): (record: LogRecord) => void {
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
  return ({ level: at, scope, message, fields }) => logger[at]({ scope, ...fields }, message);
}

function textSink({ level, scope, message, fields }: LogRecord): void {
  const time = new Date().toISOString().slice(11, 23);
  const rest = fields
    ? ` ${Object.entries(fields)
        .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
        .join(" ")}`
    : "";
  process.stderr.write(`${time} ${level.padEnd(5)} ${scope}: ${message}${rest}\n`);
}
