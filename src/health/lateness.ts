/**
 * How late probes start, as a histogram: the measure of whether the director keeps up with its checks. Of the present and
 * the last ten seconds before it, so that it speaks of now and not of the start.
 */
import { build, type Histogram } from "hdr-histogram-js";
import type { DurationSummary } from "../core/status.js";

/** Later starts count as this: an hour, in milliseconds. */
const LATEST_MS = 3_600_000;
const PERIOD_MS = 10_000;

/** Lateness of probes in the last 10 to 20 s. */
export class Lateness {
  #present = histogram();
  #last = histogram();
  #periodEndMs = 0;

  /** Counts one start. */
  record(lateMs: number, nowMs: number): void {
    this.#moveOn(nowMs);
    this.#present.recordValue(Math.min(Math.max(Math.round(lateMs), 0), LATEST_MS));
  }

  summary(nowMs: number): DurationSummary {
    this.#moveOn(nowMs);
    const both = histogram();
    both.add(this.#last);
    both.add(this.#present);
    if (both.totalCount === 0) return { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
    return {
      count: both.totalCount,
      p50Ms: both.getValueAtPercentile(50),
      p99Ms: both.getValueAtPercentile(99),
      maxMs: both.maxValue,
    };
  }

  #moveOn(nowMs: number): void {
    if (nowMs < this.#periodEndMs) return;
    const isNext = nowMs < this.#periodEndMs + PERIOD_MS;
    this.#periodEndMs = nowMs + PERIOD_MS;
    [this.#last, this.#present] = [this.#present, this.#last];
    this.#present.reset();
    if (!isNext) this.#last.reset();
  }
}

function histogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATEST_MS,
    numberOfSignificantValueDigits: 2,
    useWebAssembly: false,
  });
}
