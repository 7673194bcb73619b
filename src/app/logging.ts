/** Where main's log records go: lines for people, or JSON through pino. Both on standard error, so that output stays usable. */
import { wallMs } from "../core/clock.ts";
import { installLog, type LogLevel, type LogRecord } from "../core/log.ts";

export async function startLogging(level: LogLevel, format: "text" | "json"): Promise<void> {
  installLog(level, format === "json" ? await jsonSink(level) : textSink);
}

async function jsonSink(level: LogLevel): Promise<(record: LogRecord) => void> {
  // Loaded only when asked for: it would be a tenth of the start-up time.
  const { pino } = await import("pino");
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  return ({ level: at, scope, message, fields }) => logger[at]({ scope, ...fields }, message);
}

function textSink({ level, scope, message, fields }: LogRecord): void {
  const time = new Date(wallMs()).toISOString().slice(11, 23);
  const rest = fields
    ? ` ${Object.entries(fields)
        .map(
          ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
        )
        .join(" ")}`
    : "";
  process.stderr.write(`${time} ${level.padEnd(5)} ${scope}: ${message}${rest}\n`);
}
