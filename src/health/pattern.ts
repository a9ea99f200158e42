/**
 * Regular expressions from the configuration, run on text from realservers. JavaScript's engine backtracks: a hostile
 * page can keep it busy for years. Patterns that can repeat are therefore run under a time limit (`node:vm` stops the
 * engine), the others directly.
 */
import { createContext, Script } from "node:vm";
import { CheckFailure } from "./checker.js";
import { invalidOption } from "./option.js";

/** Ordinary patterns need 1 to 2 ms for a mebibyte. The event loop stands still meanwhile. */
const TIME_LIMIT_MS = 50;
/** The limit is wall time: where other processes have used it up, it is tried again so often. */
const MAX_TRIES = 5;
const LONGEST_PATTERN = 4096;
/** What can repeat without a known bound, or backtrack into a long text. */
const REPEATS = /[*+{]/;

const sandbox = createContext({ pattern: /./, text: "" });
const script = new Script("pattern.test(text)");

/** A regular expression of the configuration. */
export interface Pattern {
  readonly source: string;
  /** @throws CheckFailure L7RSP where it takes too long on this text */
  test(text: string): boolean;
}

/**
 * Compiles a regular expression of the configuration: JavaScript's, with `.` and `^$` as in Perl without flags; a leading
 * `(?i)` makes it case-insensitive, `(?s)` and `(?m)` as there.
 * @param field name of the option, for the error
 * @throws UvsError INVALID
 */
export function compilePattern(field: string, source: string): Pattern {
  const [, flags = "", rest] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(source) ?? ["", "", source];
  const pattern = compile(field, source, rest, [...new Set(flags)].join(""));
  const isDirect = !REPEATS.test(rest);
  return { source, test: (text) => (isDirect ? pattern.test(text) : testWithin(pattern, text)) };
}

function compile(field: string, source: string, rest: string, flags: string): RegExp {
  if (source.length > LONGEST_PATTERN) {
    throw invalidOption(field, source, `a regular expression of at most ${LONGEST_PATTERN} characters`);
  }
  try {
    return new RegExp(rest, flags);
  } catch (error) {
    throw invalidOption(field, source, `a regular expression (${(error as Error).message})`);
  }
}

function testWithin(pattern: RegExp, text: string): boolean {
  Object.assign(sandbox, { pattern, text });
  try {
    for (let tries = 1; ; tries++) {
      const startUs = cpuUs();
      const answer = tryOnce();
      if (answer !== undefined) return answer;
      const isOurs = cpuUs() - startUs >= (TIME_LIMIT_MS * 1000) / 2;
      if (isOurs || tries === MAX_TRIES) {
        throw new CheckFailure(
          "L7RSP",
          `the regular expression takes more than ${TIME_LIMIT_MS} ms on this answer`,
        );
      }
    }
  } finally {
    sandbox.text = "";
  }
}

/** @returns undefined where the time was over */
function tryOnce(): boolean | undefined {
  try {
    return script.runInContext(sandbox, { timeout: TIME_LIMIT_MS }) as boolean;
  } catch {
    return undefined;
  }
}

/** CPU time of this process so far, in microseconds. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
