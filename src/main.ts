/** The command line: `soma serve`, `soma doctor`, `soma version`, help. */
import { describeOptions, readConfig } from "./app/config.ts";
import { messageOf } from "./core/fault.ts";
import { VERSION } from "./protocol/version.ts";

const HELP = `soma ${VERSION}: bodies, faces and places as live data

  soma serve [options]    run the server
  soma doctor             check this machine: native library, SIMD, ports
  soma version            print the version
  soma help               print this

soma serve --help lists the options. The server's own pages: / and /docs.
`;

async function main(args: readonly string[]): Promise<number | undefined> {
  const [command = "help", ...rest] = args;
  const wantsHelp = rest.includes("--help") || rest.includes("-h");
  switch (command) {
    case "serve":
      if (wantsHelp) {
        process.stdout.write(
          `soma serve [options]\n\n${describeOptions()}\n\nEvery option is also $SOMA_<NAME>: SOMA_PORT, SOMA_MAX_SESSIONS, …\n`,
        );
        return 0;
      }
      return await serve(rest);
    case "doctor":
      return await (await import("./app/doctor.ts")).doctor(rest, process.env);
    case "version":
    case "--version":
    case "-V":
      process.stdout.write(`soma ${VERSION}\n`);
      return 0;
    case "help":
    case "--help":
    case "-h":
      process.stdout.write(HELP);
      return 0;
    default:
      process.stderr.write(`soma: there is no command "${command}"\n\n${HELP}`);
      return 2;
  }
}

async function serve(args: readonly string[]): Promise<number | undefined> {
  const { config, printConfig } = readConfig({ args, env: process.env });
  if (printConfig) {
    process.stdout.write(
      `${JSON.stringify({ ...config, token: config.token && "(set)" }, null, 2)}\n`,
    );
    return 0;
  }
  const { runUntilSignal } = await import("./app/serve.ts");
  return await runUntilSignal(config);
}

try {
  const code = await main(process.argv.slice(2));
  process.exit(code ?? 0);
} catch (error) {
  process.stderr.write(`soma: ${messageOf(error)}\n`);
  process.exit(2);
}
