/** Choosing a take by what a client wrote: its name, or its index. Knows nothing of formats. */
import { Fault } from "../../../core/fault.ts";
import type { TakeInfo } from "./description.ts";

/** A take's name, or its index as a number or in digits. */
export type TakeChoice = string | number;

/**
 * Index of the chosen take; 0 where none is chosen. A name outranks digits that could be an index, and the first of
 * several takes with one name is meant. Throws CLIP_TAKE_NOT_FOUND listing the takes.
 */
export function chooseTake(takes: readonly TakeInfo[], choice: TakeChoice | undefined): number {
  if (choice === undefined) return 0;
  const byName = takes.findIndex(({ name }) => name === choice);
  if (byName >= 0) return byName;
  const byIndex =
    typeof choice === "number" ? choice : /^\d{1,9}$/.test(choice) ? Number(choice) : -1;
  if (Number.isInteger(byIndex) && byIndex >= 0 && byIndex < takes.length) return byIndex;
  const names = takes.map(({ name }) => name);
  const shown = names
    .slice(0, 20)
    .map((name, i) => `${i} '${name}'`)
    .join(", ");
  const rest = names.length > 20 ? ` and ${names.length - 20} more` : "";
  throw new Fault(
    "CLIP_TAKE_NOT_FOUND",
    `there is no take '${String(choice).slice(0, 80)}'; the clip has ${shown}${rest}`,
    { takes: names.slice(0, 100) },
  );
}
