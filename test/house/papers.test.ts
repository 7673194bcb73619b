/**
 * Goal: the papers a reader starts with say what the code does. Method: version, options, scripts and licences are read from the code
 * and looked for in README, CHANGELOG and package.json.
 */
import { describe, expect, test } from "bun:test";
import { describeOptions } from "../../src/app/config.ts";
import { VERSION } from "../../src/protocol/version.ts";
import { readText, repositoryFiles } from "./source-files.ts";

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readText("package.json")) as Manifest;

describe("CHANGELOG.md", () => {
  test("has the version of package.json on top, or what is not released yet", () => {
    const [, top] = /^## \[?([^\]\s]+)\]?/m.exec(readText("CHANGELOG.md")) ?? [];
    expect(["Unreleased", manifest.version]).toContain(top ?? "(no heading)");
  });
});

describe("README.md", () => {
  test("names every option of the server", () => {
    const options = [...describeOptions().matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(
      ([, name]) => name,
    );
    expect(options.length).toBeGreaterThan(20);
    const readme = readText("README.md");
    expect(options.filter((name) => !readme.includes(`--${name}`))).toEqual([]);
  });

  test("names the files that it shows, as they are", () => {
    const shown = [...readText("README.md").matchAll(/\]\((?!https?:|#)([^)\s]+)\)/g)];
    const files = repositoryFiles("**");
    const targets = shown.map(([, target = ""]) =>
      target.replace(/^\.\//, "").replace(/[#?].*$/, ""),
    );
    expect(targets.length).toBeGreaterThan(0);
    const isThere = (target: string): boolean =>
      files.some((path) => path === target || path.startsWith(`${target.replace(/\/$/, "")}/`));
    expect(targets.filter((target) => !isThere(target))).toEqual([]);
  });
});

describe("package.json", () => {
  test("says the version that the binary says, and the licence that is there", () => {
    expect(manifest.version).toBe(VERSION);
    expect(manifest.license).toBe("MIT");
    expect(readText("LICENSE")).toStartWith("MIT License");
  });

  test("has the promised scripts, each of a file that is there", () => {
    const promised = ["start", "dev", "build", "test", "check", "fuzz", "bench"];
    expect(Object.keys(manifest.scripts)).toEqual(promised);
    const files = new Set(repositoryFiles("**/*.ts"));
    for (const script of Object.values(manifest.scripts)) {
      expect(files).toContain(/^bun (\S+\.ts)/.exec(script)?.[1] ?? script);
    }
  });

  test("pins what it depends on", () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.length).toBeGreaterThan(10);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
