/** Entry of the director: flags, construction, signals, run. */
import { parseArgs } from "node:util";
import type { Config } from "../config/config.js";
import { loadConfig, parseConfig } from "../config/load.js";
import { DEFAULT_SOCKET_PATH } from "../control/socket-path.js";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import { makeChecker } from "../director/health.js";
import { tryTls } from "../director/sync/try-tls.js";
import { Director } from "../director.js";
import { createLogger } from "../metrics/log.js";
import { SCHEDULER_NAMES } from "../schedulers/registry.js";
import { packageVersion } from "./package-version.js";

const VERSION = packageVersion();

const USAGE = `uvsd ${VERSION}: the director of uvs, the userspace virtual server

  uvsd -c FILE              run with this configuration
  uvsd                      start empty and wait for commands (uvsadm, uvs)
  uvsd -t -c FILE           test the file: prints what is wrong, exits 1 if anything is

  -c, --config FILE         configuration (docs/configuration.md)
  -t, --test                test only
      --socket PATH         control socket; goes before UVS_SOCKET, and that before control.socket
                            of the file [${DEFAULT_SOCKET_PATH}]
  -h, --help    -v, --version

Signals: TERM, INT stop and let connections finish (shutdown.grace); a second one stops at once.
HUP reloads the file and reopens the access log. USR2 makes a new forwarder and lets the old one finish.`;

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

interface Flags {
  readonly config?: string;
  readonly test?: boolean;
  readonly socket?: string;
  readonly help?: boolean;
  readonly version?: boolean;
}

function parseFlags(): Flags {
  try {
    return parseArgs({
      options: {
        config: { type: "string", short: "c" },
        test: { type: "boolean", short: "t" },
        socket: { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
      },
    }).values;
  } catch (error) {
    console.error(`uvsd: ${(error as Error).message}\nTry 'uvsd --help'.`);
    process.exit(EXIT_USAGE);
  }
}

function readConfig({ config: file, socket }: Flags): Config {
  const options = { schedulers: SCHEDULER_NAMES, tryCheck: makeChecker, tryTls };
  const config = file === undefined ? parseConfig("", "(no file)", options) : loadConfig(file, options);
  const path = socket ?? process.env["UVS_SOCKET"];
  return path ? { ...config, control: { ...config.control, socket: path } } : config;
}

/** Ends with the director's exit code; the log is flushed when the process exits. */
function handleSignals(director: Director, logger: Logger): void {
  let isStopping = false;
  const stop = (signal: string): void => {
    if (isStopping) {
      logger.warn({ signal }, "stops at once");
      process.exit(EXIT_FAILURE);
    }
    isStopping = true;
    director.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, "stopping failed");
        process.exit(EXIT_FAILURE);
      },
    );
  };
  const attempt = (what: string, action: Promise<unknown>): void => {
    action.catch((error: unknown) =>
      logger.error({ reason: UvsError.from(error).message }, `${what} failed`),
    );
  };
  process.on("exit", () => director.exits());
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () => {
    attempt("reload", director.reload());
    attempt("reopening the access log", director.reopenLogs());
  });
  process.on("SIGUSR2", () => attempt("upgrade", director.upgrade()));
}

async function main(): Promise<void> {
  const flags = parseFlags();
  if (flags.help) return console.log(USAGE);
  if (flags.version) return console.log(`uvsd ${VERSION}`);
  if (flags.test && flags.config === undefined) {
    console.error("uvsd: -t needs a file: uvsd -t -c FILE");
    process.exit(EXIT_USAGE);
  }
  const config = readConfig(flags);
  if (flags.test) return console.log(`${flags.config}: configuration is right`);
  const logger = createLogger(config.log);
  const director = new Director({ version: VERSION, config, configFile: flags.config, logger });
  handleSignals(director, logger);
  await director.start();
}

main().catch((error: unknown) => {
  const { code, message } = UvsError.from(error);
  console.error(code === "INTERNAL" && error instanceof Error ? error.stack : `uvsd: ${message}`);
  process.exit(EXIT_FAILURE);
});
