/**
 * Goal: a file is read in one sitting, a worker's entry at a glance. Method: lines are counted; tables and tests are exempt, by name.
 * (The length of functions is the linter's business.)
 */
import { expect, test } from "bun:test";
import { readText, repositoryFiles } from "./source-files.ts";

const FILE_LINES = 400;
const WORKER_LINES = 40;

/** Files that are tables, with the reason. */
const TABLES: Readonly<Record<string, string>> = {};

function lines(path: string): number {
  return readText(path).trimEnd().split("\n").length;
}

test(`sources have at most ${FILE_LINES} lines`, () => {
  const files = repositoryFiles("{src,workers,ffi,examples}/**/*.{ts,c,h,css,html}");
  const tools = repositoryFiles("test/{tools,house}/**/*.ts");
  expect(files.length).toBeGreaterThan(100);
  const long = ["build.ts", ...files, ...tools].filter((path) => lines(path) > FILE_LINES);
  expect(long.filter((path) => !path.endsWith(".test.ts"))).toEqual(Object.keys(TABLES));
});

test(`worker entries have at most ${WORKER_LINES} lines: they pass messages and decide nothing`, () => {
  const workers = repositoryFiles("workers/*.ts");
  expect(workers.length).toBeGreaterThan(1);
  expect(workers.filter((path) => lines(path) > WORKER_LINES)).toEqual([]);
});

test("every source opens with what it owns", () => {
  const files = repositoryFiles("{src,workers,test,examples,ffi}/**/*.{ts,mjs,c,h}");
  expect(files.length).toBeGreaterThan(150);
  expect(files.filter((path) => !/^(#!.*\n)?\/[*/]/.test(readText(path)))).toEqual([]);
});
