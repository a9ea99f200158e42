/** The times of an election (RFC 3768 §6.1, RFC 5798 §6.1, RFC 9568 §6.1), in milliseconds with fractions. */
import type { Version } from "./codec.js";

/** What the times of an election follow from. */
export interface IntervalParts {
  readonly version: Version;
  /** Effective priority, 1 to 255. */
  readonly priority: number;
  /** Version 2: our own advertisement interval. Version 3: the master's, as learned from its advertisements. */
  readonly masterIntervalMs: number;
  /** Advertisements that may be missing. */
  readonly deadAdverts: number;
}

/** How long a backup waits after a master has left: the higher the priority, the shorter. */
export function skewMs({ version, priority, masterIntervalMs }: IntervalParts): number {
  // Version 2 counts in seconds, whatever the interval is.
  return ((256 - priority) * (version === 2 ? 1000 : masterIntervalMs)) / 256;
}

/** How long a backup waits for a silent master: Master_Down_Interval, Active_Down_Interval in RFC 9568. */
export function downMs(parts: IntervalParts): number {
  return parts.deadAdverts * parts.masterIntervalMs + skewMs(parts);
}
