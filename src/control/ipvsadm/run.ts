/**
 * ipvsadm in one function: words and standard input in, exit status and texts out. It touches no global state, so that
 * tests run it in-process as the program does.
 */
import type { Operations } from "../operations.js";
import { execute, type Surroundings } from "./execute.js";
import { CommandLineError, usageHint } from "./failure.js";
import type { NameResolver } from "./names.js";
import { type Outcome, refusedCommand, refusedLine, success } from "./outcome.js";
import { parseCommandLine } from "./parse.js";
import { restore, restoreAtomically } from "./restore.js";

/** Standard input as text, or what reads it; it is read only for `-R`. */
export type StandardInput = string | (() => Promise<string>);

/** What the program prints and exits with. */
export interface RunResult {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one command line of ipvsadm.
 * @param argv the words after the program's name
 * @param program the name in messages. @default "ipvsadm"
 * @returns never rejects but for faults of this program, or of `stdin`
 */
export async function runIpvsadm(
  argv: readonly string[],
  stdin: StandardInput,
  operations: Operations,
  resolver: NameResolver,
  program = "ipvsadm",
): Promise<RunResult> {
  const { exit, stdout, stderr } = await runLine(argv, stdin, { operations, resolver, program });
  return { exit, stdout, stderr };
}

/** @param stdin undefined for a line of a restore, which cannot restore itself */
async function runLine(
  argv: readonly string[],
  stdin: StandardInput | undefined,
  surroundings: Surroundings,
): Promise<Outcome> {
  try {
    const command = await parseCommandLine(argv, surroundings.resolver, surroundings.program);
    if (command.name === "restore") {
      if (stdin === undefined) throw usageHint(surroundings.program);
      const stream = typeof stdin === "string" ? stdin : await stdin();
      return command.atomic
        ? await restoreAtomically(stream, surroundings)
        : await restore(stream, (words) => runLine(words, undefined, surroundings));
    }
    const endsRestore = command.name === "help" || command.name === "version";
    return await execute(command, surroundings).then(
      (stdout) => success(stdout, endsRestore),
      (error: unknown) => {
        if (error instanceof CommandLineError) throw error;
        return refusedCommand(command.name, error);
      },
    );
  } catch (error) {
    if (error instanceof CommandLineError) return refusedLine(error);
    throw error;
  }
}
