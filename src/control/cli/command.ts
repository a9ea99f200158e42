/** What a command of `uvs` is. Each has a file of its own and a line in `commands.ts`; nothing else knows its name. */
import type { ParseArgsConfig } from "node:util";
import type { Operations } from "../operations.js";

/** What every command exits with. */
export const ExitCode = {
  OK: 0,
  /** The director refused, failed, or does not answer. */
  FAILED: 1,
  /** The command line is wrong; nothing was asked of the director. */
  USAGE: 2,
  /** What was compared differs. */
  DIFFERENT: 3,
} as const;

/** The parts of the world that a command may touch. */
export interface CommandContext {
  readonly operations: Operations;
  /** Writes text and a newline to standard output; control characters are made visible. */
  readonly print: (text: string) => void;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** A command line that cannot be understood: the exit code is USAGE. */
export class UsageError extends Error {}

/** A command line, taken apart. */
export interface CommandArguments {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** One command. */
export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What follows `uvs`: `status [--json]`. */
  readonly usage: string;
  /** What it does and what its options mean, in lines of at most 80 characters. */
  readonly description: string;
  /** A command line that makes sense as it stands. */
  readonly example: string;
  /** Its options, as node:util's parseArgs takes them; `socket`, `help` and `version` belong to all commands. */
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** What completion offers for its positional arguments: these words, or the names of files. */
  readonly completes?: readonly string[] | "files";
  /** How many positional arguments it takes, at least and at most. */
  readonly positionals: readonly [min: number, max: number];
  /**
   * Does it.
   * @returns the exit code
   * @throws UvsError what the director refused
   */
  run(context: CommandContext, args: CommandArguments): Promise<number>;
}
