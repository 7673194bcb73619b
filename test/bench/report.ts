/**
 * How figures are shown and kept: aligned tables on stdout, rows in `results/*.csv`. Computes medians, means and quantiles;
 * measures nothing.
 */
import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const RESULTS = join(import.meta.dir, "results");

export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Nearest-rank quantile, `q` in 0…1; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted.length >> 1;
  const high = sorted[upper] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[upper - 1] ?? Number.NaN)) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** Prints rows under `columns`, the first column left-aligned and the others right-aligned. */
export function printTable(columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ");
  print(line(columns));
  print(widths.map((width) => "-".repeat(width)).join("  "));
  for (const row of rows) print(line(row));
}

function csvCell(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Appends one row to `results/{name}.csv`, writing the head where the file is new. The keys are the columns. */
export function appendCsv(name: string, row: Readonly<Record<string, string | number>>): void {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `${name}.csv`);
  if (!existsSync(path)) appendFileSync(path, `${Object.keys(row).join(",")}\n`);
  appendFileSync(path, `${Object.values(row).map(csvCell).join(",")}\n`);
}

/** One line that holds a figure against its goal, and whether it was met. */
export function printGoal(what: string, measured: string, goal: string, met: boolean): void {
  print(`${met ? "met   " : "MISSED"}  ${what}: ${measured} (goal ${goal})`);
}
