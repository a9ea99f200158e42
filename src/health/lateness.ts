/** How late probes start, as a histogram: the measure of whether the director keeps up with its checks. */
import { build, type Histogram } from "hdr-histogram-js";
import type { DurationSummary } from "../core/status.js";

/** Later starts count as this: an hour, in milliseconds. */
const LATEST_MS = 3_600_000;

/** Lateness of probes since the start or the last `reset`. */
export class Lateness {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATEST_MS,
    numberOfSignificantValueDigits: 2,
    useWebAssembly: false,
  });

  /** Counts one start. */
  record(lateMs: number): void {
    this.#histogram.recordValue(Math.min(Math.max(Math.round(lateMs), 0), LATEST_MS));
  }

  summary(): DurationSummary {
    const histogram = this.#histogram;
    if (histogram.totalCount === 0) return { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
    return {
      count: histogram.totalCount,
      p50Ms: histogram.getValueAtPercentile(50),
      p99Ms: histogram.getValueAtPercentile(99),
      maxMs: histogram.maxValue,
    };
  }

  reset(): void {
    this.#histogram.reset();
  }
}
