/**
 * What the data path cost when the baseline was recorded, and how much more is a regression. Counts of system calls have no
 * tolerance beyond what scheduling makes of them; bytes and processor time have some.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../system/repository.js";

/** Where the recorded figures lie: written by `npm run guard -- --record`, and committed. */
export const BASELINE_FILE = join(repository, "bench/guard/baseline.json");

/** A figure's name and value, in the order in which they are printed. */
export type Figures = Readonly<Record<string, number>>;

/** A figure held against the baseline. */
export interface Comparison {
  readonly figure: string;
  /** Undefined where the other side does not have it. */
  readonly found: number | undefined;
  readonly recorded: number | undefined;
  /** What it may be at most. */
  readonly limit: number;
  readonly passes: boolean;
}

interface Tolerance {
  readonly pattern: RegExp;
  readonly factor: number;
  readonly plus: number;
}

/** The first that matches counts. */
const TOLERANCES: readonly Tolerance[] = [
  // Two events fall into one batch or into two, as the machine has it.
  { pattern: /^(epollWait|clockGettime) per connection$/, factor: 1.5, plus: 0 },
  // Less than one number with a fraction, the smallest thing that V8 allocates.
  { pattern: /^heap/, factor: 1, plus: 12 },
  { pattern: /^CPU/, factor: 1.3, plus: 0 },
  { pattern: /./, factor: 1, plus: 0.05 },
];

/** Holds what was found against what was recorded; a call that is new fails, one that is gone passes. */
export function compare(found: Figures, recorded: Figures): Comparison[] {
  const names = [...new Set([...Object.keys(recorded), ...Object.keys(found)])];
  return names.map((figure) => {
    const { factor, plus } = TOLERANCES.find(({ pattern }) => pattern.test(figure)) as Tolerance;
    const limit = (recorded[figure] ?? 0) * factor + plus;
    return {
      figure,
      found: found[figure],
      recorded: recorded[figure],
      limit,
      passes: (found[figure] ?? 0) <= limit,
    };
  });
}

/** @throws Error naming the file where it is missing or no JSON object of numbers */
export function readBaseline(): Figures {
  const content: unknown = JSON.parse(readFileSync(BASELINE_FILE, "utf8"));
  const isFigures =
    typeof content === "object" &&
    content !== null &&
    Object.values(content).every((value) => typeof value === "number");
  if (!isFigures) throw new Error(`${BASELINE_FILE}: accepted is one JSON object of numbers`);
  return content as Figures;
}

/** Makes what was found the baseline. */
export function recordBaseline(found: Figures): void {
  const rounded = Object.entries(found).map(([name, value]) => [name, Math.round(value * 1000) / 1000]);
  writeFileSync(BASELINE_FILE, `${JSON.stringify(Object.fromEntries(rounded), undefined, 2)}\n`);
}
