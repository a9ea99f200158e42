/** What is to be reached, in words and as a judgement of what was measured. */
import { median } from "../stats.js";
import type { RunResult } from "./observations.js";
import type { Timing } from "./products.js";

/** What is judged. */
export interface Measured {
  readonly timing: Timing;
  readonly results: readonly RunResult[];
  /** keepalived's runs of the same row; none where it was not measured. */
  readonly keepalived: readonly RunResult[];
}

/** See the file's head. */
export interface Target {
  readonly words: string;
  /** @returns undefined where that cannot be said */
  isReached(measured: Measured): boolean | undefined;
}

/** Of the backup, which has priority 100. Version 2 counts it in seconds. */
const SKEW = (256 - 100) / 256;
const PLUS_MS = 5;
const HANDOVER_MS = 20;
/** An advertisement is on time when it is not later than this. */
const LATE_MS = 10;

const outages = (results: readonly RunResult[]): number[] => results.map(({ outageMs }) => outageMs);
const worst = (results: readonly RunResult[], value: (result: RunResult) => number): number =>
  Math.max(...results.map(value));
const skewMs = ({ version, advertMs }: Timing): number => SKEW * (version === 2 ? 1000 : advertMs);

export const AS_KEEPALIVED: Target = {
  words: `keepalived's median + ${PLUS_MS} ms, by the median`,
  isReached: ({ results, keepalived }) =>
    keepalived.length === 0 ? undefined : median(outages(results)) <= median(outages(keepalived)) + PLUS_MS,
};

/** Skew_Time and so many milliseconds. */
export function skewTimePlus(plusMs: number): Target {
  return {
    words: `Skew_Time (609 ms; 61 ms) + ${plusMs} ms, by the median`,
    isReached: ({ results, timing }) => median(outages(results)) <= skewMs(timing) + plusMs,
  };
}

export const HANDOVER: Target = {
  words: `${HANDOVER_MS} ms, every run`,
  isReached: ({ results }) => worst(results, ({ outageMs }) => outageMs) <= HANDOVER_MS,
};

export const GUARDED: Target = {
  words: `Skew_Time (609 ms; 61 ms) + ${HANDOVER_MS} ms, by the median; held by one, every run`,
  isReached: (measured) =>
    skewTimePlus(HANDOVER_MS).isReached(measured) &&
    worst(measured.results, ({ holdersMs }) => holdersMs) <= 0,
};

export const UNNOTICED: Target = {
  words: "no failover, no probe lost, every run",
  isReached: ({ results }) =>
    results.every(({ lost, mastersMs }) => lost === 0 && mastersMs === Number.NEGATIVE_INFINITY),
};

export const FAILBACK: Target = {
  words: `at most 1 probe lost, held by two for ${PLUS_MS} ms, every run`,
  isReached: ({ results }) => results.every(({ lost, holdersMs }) => lost <= 1 && holdersMs <= PLUS_MS),
};

export const HEALED: Target = {
  words: "at most 1 probe lost, every run",
  isReached: ({ results }) => worst(results, ({ lost }) => lost) <= 1,
};

export const WOKEN: Target = {
  words: "at most 1 set of announcements, no probe lost after waking, every run",
  isReached: ({ results }) =>
    results.every(({ lost, announcementSets }) => lost === 0 && announcementSets <= 1),
};

export const ON_TIME: Target = {
  words: `no failover, no probe lost, advertisements at most ${LATE_MS} ms late, every run`,
  isReached: (measured) =>
    UNNOTICED.isReached(measured) &&
    worst(measured.results, ({ silenceMs }) => silenceMs) <= measured.timing.advertMs + LATE_MS,
};
