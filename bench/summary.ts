/** Samples made into medians, ratios against the baseline, and targets reached or not. */
import type { ScenarioSamples } from "./rounds.js";
import type { Metric, Target } from "./scenarios/scenario.js";
import { median, roundRatios, type Spread, spread } from "./stats.js";

/** One metric of one peer. */
export interface Figure {
  readonly metric: Metric;
  /** Undefined where the peer cannot have it, or every measurement failed. */
  readonly median: number | undefined;
  /** Against the baseline; undefined where either is missing. */
  readonly ratio: Spread | undefined;
}

/** One peer in one scenario. */
export interface PeerSummary {
  readonly peer: string;
  readonly figures: readonly Figure[];
}

/** Whether the candidate reached a target. */
export interface Verdict {
  readonly scenario: string;
  readonly metric: string;
  readonly target: Target;
  /** Undefined when it could not be measured, or the baseline has none. */
  readonly ratio: Spread | undefined;
  /** Of the candidate; undefined when it could not be measured. */
  readonly median: number | undefined;
  readonly reached: boolean;
}

/** One scenario. */
export interface ScenarioSummary {
  readonly name: string;
  readonly title: string;
  readonly peers: readonly PeerSummary[];
  readonly verdicts: readonly Verdict[];
  /** What its ratios are against. */
  readonly baseline: string;
}

/**
 * Sums up one scenario.
 * @param usualBaseline name of the peer that ratios are against, unless the scenario has its own
 * @param usualCandidate name of the peer whose targets are checked, likewise; no verdicts where it was not measured
 */
export function summarise(
  scenario: ScenarioSamples,
  usualBaseline: string,
  usualCandidate: string,
): ScenarioSummary {
  const { baseline, candidate } = scenario.comparison ?? {
    baseline: usualBaseline,
    candidate: usualCandidate,
  };
  const values = (peer: string, metric: Metric) =>
    scenario.peers.find((entry) => entry.peer === peer)?.samples.map((sample) => sample?.[metric.key]) ?? [];
  const peers = scenario.peers.map(({ peer }) => ({
    peer,
    figures: scenario.metrics.map((metric): Figure => {
      const present = values(peer, metric).filter((value) => value !== undefined);
      return {
        metric,
        median: present.length === 0 ? undefined : median(present),
        ratio: spread(roundRatios(values(peer, metric), values(baseline, metric))),
      };
    }),
  }));
  const figures = peers.find(({ peer }) => peer === candidate)?.figures ?? [];
  const verdicts = figures.flatMap(({ metric, median, ratio }) =>
    metric.target === undefined
      ? []
      : [
          {
            scenario: scenario.name,
            metric: metric.title,
            target: metric.target,
            ratio,
            median,
            reached: reaches(metric.target, ratio?.median, median),
          },
        ],
  );
  return { name: scenario.name, title: scenario.title, peers, verdicts, baseline };
}

function reaches(target: Target, ratio: number | undefined, median: number | undefined): boolean {
  if ("below" in target) return median !== undefined && median < target.below;
  if (ratio === undefined) return false;
  return "atMost" in target ? ratio <= target.atMost : ratio >= target.atLeast;
}
