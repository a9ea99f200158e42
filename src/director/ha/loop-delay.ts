/** How late the event loop of this thread comes to what is due. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { DurationSummary } from "../../core/status.js";

const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** Measures from now on. @returns what was measured so far */
export function measureLoopDelay(): () => DurationSummary {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  // What is recorded is the time between two ticks: the delay is what it has above the interval.
  const delayMs = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  return () => {
    if (histogram.count === 0) return { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
    return {
      count: histogram.count,
      p50Ms: delayMs(histogram.percentile(50)),
      p99Ms: delayMs(histogram.percentile(99)),
      maxMs: delayMs(histogram.max),
    };
  };
}
