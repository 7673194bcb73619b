/**
 * Where worker entry points are found. In the compiled binary they are embedded under their path in the repository; from
 * source they are files beside it. Both forms were the only ones that worked from any working directory.
 */
export function workerUrl(name: "engine" | "loader"): string {
  return Bun.isStandaloneExecutable
    ? `./workers/${name}.ts`
    : new URL(`../../workers/${name}.ts`, import.meta.url).href;
}
