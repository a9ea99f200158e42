/**
 * Connect and session times of each realserver slot as HDR histograms: microseconds to a day, two significant digits.
 * They are made at the first connection of a slot and grow with the longest time seen, so that a slot costs 4 to 20 KiB
 * for each of its two kinds of time, and one that was never used costs nothing.
 */
import { build, type Histogram } from "hdr-histogram-js";
import type { DurationSummary } from "../core/status.js";

/** Longer times count as this: a day, in microseconds. */
const LONGEST_US = 24 * 3600 * 1e6;
/** A bucket counts in 32 bits: a histogram begins anew before one of them can overflow. */
const MOST_RECORDED = 2 ** 32 - 1;
const NO_DURATIONS: DurationSummary = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };

/** Durations of the realservers of one forwarder; single-threaded. */
export class Durations {
  readonly #connect: (Histogram | undefined)[] = [];
  readonly #session: (Histogram | undefined)[] = [];

  /** Counts one connection that reached the realserver of a slot. */
  record(server: number, connectMs: number, sessionMs: number): void {
    recordIn(this.#connect, server, connectMs);
    recordIn(this.#session, server, sessionMs);
  }

  /** How long connecting to the realserver took. */
  connectTime(server: number): DurationSummary {
    return summaryOf(this.#connect[server]);
  }

  /** How long connections to the realserver lived. */
  sessionTime(server: number): DurationSummary {
    return summaryOf(this.#session[server]);
  }

  /** Forgets the times of a slot: its realserver is gone, or its counters were zeroed. */
  forget(server: number): void {
    this.#connect[server] = undefined;
    this.#session[server] = undefined;
  }
}

function recordIn(histograms: (Histogram | undefined)[], server: number, durationMs: number): void {
  let histogram = histograms[server];
  if (histogram === undefined || histogram.totalCount >= MOST_RECORDED) {
    histogram = build({
      bitBucketSize: 32,
      lowestDiscernibleValue: 1,
      highestTrackableValue: 2,
      autoResize: true,
      numberOfSignificantValueDigits: 2,
      useWebAssembly: false,
    });
    histograms[server] = histogram;
  }
  histogram.recordValue(Math.min(Math.max(Math.round(durationMs * 1000), 0), LONGEST_US));
}

function summaryOf(histogram: Histogram | undefined): DurationSummary {
  if (histogram === undefined) return NO_DURATIONS;
  // A percentile is the upper end of its bucket, which may lie above the longest time.
  const atPercentile = (percentile: number): number =>
    Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / 1000;
  return {
    count: histogram.totalCount,
    p50Ms: atPercentile(50),
    p99Ms: atPercentile(99),
    maxMs: histogram.maxValue / 1000,
  };
}
