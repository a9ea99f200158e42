/**
 * The log of a process: pino, on standard error. On a terminal the records are made readable in this process; there is
 * no thread between, so nothing is lost when the process ends.
 */
import { isatty } from "node:tty";
import { pino } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Logger } from "../core/logger.js";
import { LogOutput } from "./log-output.js";
import { openOutput } from "./output.js";

/** What a log is made with. */
export interface LogOptions {
  /** Least severity logged: fatal, error, warn, info or debug. */
  readonly level: string;
  /** `auto` is pretty on a terminal and JSON otherwise. */
  readonly format: "auto" | "pretty" | "json";
  /** Descriptor to write to. @default 2, standard error */
  readonly fd?: number;
}

/**
 * Makes the logger of this process. It never throws and never waits for its reader: see `LogOutput`. Lost lines are told
 * in a record of their own once the reader goes on; what waits is written when the process exits.
 */
export function createLogger({ level, format, fd = 2 }: LogOptions): Logger {
  const output = new LogOutput(openOutput(fd));
  process.once("exit", () => output.flushLast());
  const isTerminal = isatty(fd);
  const isPretty = format === "pretty" || (format === "auto" && isTerminal);
  const toText = isPretty ? prettyFactory(prettyOptions(isTerminal)) : (line: string) => line;
  const logger = pino(
    {
      level,
      // Who speaks is said by the fields that parts add; service managers and containers add pid and host.
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string): void {
        output.write(toText(line));
        const dropped = output.takeDropped();
        if (dropped > 0)
          logger.warn({ dropped }, "log records were dropped: whoever reads the log was too slow");
      },
    },
  );
  return logger;
}

function prettyOptions(isTerminal: boolean) {
  return {
    colorize: isTerminal && process.env["NO_COLOR"] === undefined,
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
  };
}
