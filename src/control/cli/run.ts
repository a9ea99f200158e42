/** The command line of `uvs`: finds the command, takes its arguments apart, runs it, words what went wrong. */
import { parseArgs } from "node:util";
import { UvsError } from "../../core/errors.js";
import type { Operations } from "../operations.js";
import { socketPath } from "../socket-path.js";
import { type Command, type CommandArguments, ExitCode, UsageError } from "./command.js";
import { COMMANDS } from "./commands.js";
import { commandHelp, overviewHelp } from "./help.js";
import { printable } from "./printable.js";

const COMMON_OPTIONS = {
  socket: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

/** What the process gives to `uvs`. */
export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly version: string;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Opens the director behind a control socket; called when a command is about to run. */
  readonly connect: (path: string) => Operations;
  /** Write text as it is. */
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/**
 * Runs one command line.
 * @param args without the program's name
 * @returns the exit code; never throws
 */
export async function runUvs(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const print = (text: string): void => surroundings.stdout(`${printable(text)}\n`);
  const complain = (text: string): void => surroundings.stderr(`${printable(`uvs: ${text}`)}\n`);
  try {
    return await dispatch(args, surroundings, print);
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      complain(thrown.message);
      return ExitCode.USAGE;
    }
    complain(UvsError.from(thrown).message);
    return ExitCode.FAILED;
  }
}

async function dispatch(
  args: readonly string[],
  surroundings: Surroundings,
  print: (text: string) => void,
): Promise<number> {
  const { name, rest } = takeCommandName(args);
  const command = name === undefined || name === "help" ? undefined : findCommand(name);
  const { options, positionals } = parse(rest, command);
  if (options["version"]) {
    print(`uvs ${surroundings.version}`);
    return ExitCode.OK;
  }
  if (command === undefined || options["help"]) {
    if (name === undefined && !options["help"])
      throw new UsageError(`no command given\n\n${overviewHelp(COMMANDS)}`);
    print(helpText(command, positionals));
    return ExitCode.OK;
  }
  checkCount(command, positionals);
  const operations = surroundings.connect(
    socketPath(options["socket"] as string | undefined, surroundings.environment),
  );
  const { nowMs, sleep } = surroundings;
  return command.run({ operations, print, nowMs, sleep }, { options, positionals });
}

/** The first word that is neither an option nor the value of `--socket`, and what is left without it. */
function takeCommandName(args: readonly string[]): { name: string | undefined; rest: string[] } {
  const { tokens } = parseArgs({
    args: [...args],
    options: COMMON_OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const first = tokens.find((token) => token.kind === "positional");
  return { name: first?.value, rest: args.filter((_, i) => i !== first?.index) };
}

function findCommand(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = [...COMMANDS.map((candidate) => candidate.name), "help"];
  throw new UsageError(`there is no command ${JSON.stringify(name)}; the commands are ${names.join(", ")}`);
}

function parse(args: string[], command: Command | undefined): CommandArguments {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { ...command?.options, ...COMMON_OPTIONS },
      allowPositionals: true,
    });
    return { options: values as CommandArguments["options"], positionals };
  } catch (error) {
    // node adds a second sentence about arguments that begin with a hyphen; the usage says more.
    const [what] = (error as Error).message.split(". ");
    throw new UsageError(`${what}\n${usageOf(command)}`);
  }
}

function helpText(command: Command | undefined, positionals: readonly string[]): string {
  if (command !== undefined) return commandHelp(command);
  const [topic] = positionals;
  return topic === undefined || topic === "help" ? overviewHelp(COMMANDS) : commandHelp(findCommand(topic));
}

function checkCount(command: Command, positionals: readonly string[]): void {
  const [min, max] = command.positionals;
  if (positionals.length < min) throw new UsageError(`an argument is missing\n${usageOf(command)}`);
  if (positionals.length > max) {
    throw new UsageError(`unexpected argument ${JSON.stringify(positionals[max])}\n${usageOf(command)}`);
  }
}

function usageOf(command: Command | undefined): string {
  return command === undefined ? "see uvs help" : `usage: uvs ${command.usage}; see uvs help ${command.name}`;
}
