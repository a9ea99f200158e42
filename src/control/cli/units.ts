/** Quantities for people. */
import type { DurationSummary } from "../../core/status.js";

const BYTE_UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** `0 B`, `1023 B`, `1.0 KiB`, `3.4 GiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  // 1023.95 would be rounded to 1024.0: the next unit begins where the rounding does.
  while (value >= 1023.95 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** The two greatest units of a time: `42s`, `4m 5s`, `3h 12m`, `2d 3h`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)}d ${hours % 24}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

/** `0.3ms`, `120ms`, `12.5s`, `4m 5s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)}ms`;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)}ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)}s`;
  return formatAge(milliseconds);
}

/** Median and 99th percentile: `0.3ms/12ms`, or `-` where there is none. */
export function formatPercentiles(summary: DurationSummary): string {
  return summary.count === 0 ? "-" : `${formatDuration(summary.p50Ms)}/${formatDuration(summary.p99Ms)}`;
}
