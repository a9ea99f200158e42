/**
 * `-R`: commands from a stream, a line each, words split at blanks, without quoting or comments; the word `ipvsadm` is
 * dropped. Nothing is cleared first. Plainly, a line that the director refuses is told and the next one goes on, and a
 * line that means nothing ends it all; with `--atomic` either every line takes effect or none.
 */
import { UvsError } from "../../core/errors.js";
import type { Change } from "../operations.js";
import { changeOf, NOTHING_BEFORE, SettingsAhead } from "./changes.js";
import type { IpvsadmCommand } from "./command.js";
import type { Surroundings } from "./execute.js";
import { CommandLineError, EXIT } from "./failure.js";
import { type Outcome, refusalText, refusedCommand, success } from "./outcome.js";
import { parseCommandLine } from "./parse.js";

/** One line of the stream that holds something. */
interface Line {
  /** From 1, empty lines counted. */
  readonly number: number;
  readonly words: readonly string[];
}

/**
 * Runs the lines one after the other.
 * @param runLine runs one command line
 * @returns all that was printed, and the exit status of the last line
 */
export async function restore(
  stream: string,
  runLine: (words: readonly string[]) => Promise<Outcome>,
): Promise<Outcome> {
  let exit: number = EXIT.ok;
  let stdout = "";
  let stderr = "";
  for (const { words } of linesOf(stream)) {
    const outcome = await runLine(words);
    exit = outcome.exit;
    stdout += outcome.stdout;
    stderr += outcome.stderr;
    if (outcome.endsRestore) break;
  }
  return { exit, stdout, stderr, endsRestore: true };
}

/**
 * Makes the changes of all lines, or none: then every bad line is named by its number. Lines that cannot be parsed are
 * named first (exit 2); only where there are none is the director asked, which names those that it refuses (exit 255).
 */
export async function restoreAtomically(stream: string, surroundings: Surroundings): Promise<Outcome> {
  const { operations } = surroundings;
  try {
    const { commands, complaints } = await parseLines(linesOf(stream), surroundings);
    if (complaints.length > 0) return refusal(EXIT.invalid, complaints);
    const changes = await changesOf(commands, surroundings);
    const refusals = await operations.applyAtomically(changes);
    if (refusals.length === 0) return success("", true);
    const texts = refusals.map(({ index, error }) => {
      const { line, command } = commands[index];
      return complaint(line, refusalText(command.name, UvsError.fromPlain(error)));
    });
    return refusal(EXIT.failed, texts);
  } catch (error) {
    return refusedCommand("restore", error);
  }
}

/** The lines with their words; the word `ipvsadm` may stand anywhere and is dropped, as ipvsadm does. */
function linesOf(stream: string): Line[] {
  return stream
    .split("\n")
    .map((text, i) => ({
      number: i + 1,
      words: text.split(/[ \t\r]+/).filter((word) => word !== "" && word !== "ipvsadm"),
    }))
    .filter(({ words }) => words.length > 0);
}

interface ParsedLine {
  readonly line: Line;
  readonly command: IpvsadmCommand;
}

async function parseLines(
  lines: readonly Line[],
  { resolver, program }: Surroundings,
): Promise<{ commands: ParsedLine[]; complaints: string[] }> {
  const commands: ParsedLine[] = [];
  const complaints: string[] = [];
  for (const line of lines) {
    try {
      const command = await parseCommandLine(line.words, resolver, program);
      if (changeOf(command, NOTHING_BEFORE) === undefined) {
        throw new CommandLineError(`${line.words[0]} changes nothing that can be part of an atomic restore`);
      }
      commands.push({ line, command });
    } catch (error) {
      if (!(error instanceof CommandLineError)) throw error;
      complaints.push(complaint(line, error.message));
    }
  }
  return { commands, complaints };
}

async function changesOf(commands: readonly ParsedLine[], { operations }: Surroundings): Promise<Change[]> {
  const ahead = new SettingsAhead(await operations.services());
  return commands.map(({ command }) => {
    // parseLines has let only commands through that are changes.
    const change = changeOf(command, ahead)!;
    ahead.follow(change);
    return change;
  });
}

function complaint(line: Line, text: string): string {
  return `line ${line.number}: ${text.trimEnd()}`;
}

function refusal(exit: number, texts: readonly string[]): Outcome {
  return { exit, stdout: "", stderr: texts.map((text) => `${text}\n`).join(""), endsRestore: true };
}
