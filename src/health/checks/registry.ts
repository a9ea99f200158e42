/** Check kinds by the name that users write. A new kind is one file and one line here. */
import type { Checker } from "../checker.js";
import type { Programs } from "../program.js";
import { httpCheck } from "./http.js";
import { connectCheck } from "./tcp.js";
import { expectCheck } from "./tcp-expect.js";
import { tlsCheck } from "./tls.js";

/** What checkers may need beyond their own options. */
export interface CheckTools {
  /** Runs external programs, with one bound for all. */
  readonly programs: Programs;
}

/** Makes a checker of its options: plain data as the configuration has them. @throws UvsError INVALID */
export const CHECK_KINDS = {
  connect: connectCheck,
  tls: tlsCheck,
  "tcp-expect": expectCheck,
  http: httpCheck,
} as const satisfies Readonly<Record<string, (options: never, tools: CheckTools) => Checker>>;

export type CheckKind = keyof typeof CHECK_KINDS;
export const CHECK_KIND_NAMES = Object.keys(CHECK_KINDS) as readonly CheckKind[];

/** The options of one kind. */
export type CheckOptions<K extends CheckKind> = Parameters<(typeof CHECK_KINDS)[K]>[0];

/**
 * Makes a checker.
 * @param options of the kind; their types are the caller's to keep, their values are checked
 * @throws UvsError INVALID, naming the option, what was found and what is accepted
 */
export function createChecker<K extends CheckKind>(
  kind: K,
  options: CheckOptions<K>,
  tools: CheckTools,
): Checker {
  return (CHECK_KINDS[kind] as (options: CheckOptions<K>, tools: CheckTools) => Checker)(options, tools);
}
