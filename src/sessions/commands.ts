/**
 * Commands as clients send them, whatever the transport: found in the engine's table, checked, settled, and sent on. The answer
 * is the same everywhere.
 */
import { Fault } from "../core/fault.ts";
import type { CommandSpec } from "../engines/contract.ts";
import { fieldIssues, issueText } from "../protocol/schemas/common.ts";
import type { Session } from "./session.ts";

export type CommandAnswer = { readonly status: string; readonly session_id: string } & Record<
  string,
  unknown
>;

/** Runs one command with untrusted arguments. Commands of the table answer at once, others when the engine has. */
export async function runCommand(
  session: Session,
  name: string,
  args: unknown,
): Promise<CommandAnswer> {
  const { commands, openCommands } = session.spec;
  const spec = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (spec) return runKnown(session, name, spec, args);
  if (!openCommands) {
    const names = Object.keys(commands);
    throw new Fault(
      "COMMAND_UNKNOWN",
      `there is no command "${name}"; there are: ${names.join(", ")}`,
      { commands: names },
    );
  }
  const result = await session.ask(name, asObject(args));
  const fields =
    typeof result === "object" && result !== null ? result : result === undefined ? {} : { result };
  return { ...fields, status: "done", session_id: session.id };
}

function runKnown(session: Session, name: string, spec: CommandSpec, args: unknown): CommandAnswer {
  const parsed = spec.schema.safeParse(asObject(args));
  if (!parsed.success) {
    const issues = fieldIssues(parsed.error.issues, args);
    throw new Fault("REQUEST_INVALID", issueText(issues), issues);
  }
  const value = spec.resolve ? spec.resolve(parsed.data, session.definition) : parsed.data;
  session.command(name, value);
  return { status: "updated", ...spec.answer(value), session_id: session.id };
}

function asObject(args: unknown): Record<string, unknown> {
  if (args === undefined || args === null) return {};
  if (typeof args === "object" && !Array.isArray(args)) return args as Record<string, unknown>;
  throw new Fault("REQUEST_INVALID", "the arguments must be a JSON object");
}
