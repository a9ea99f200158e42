/**
 * Warnings that may come by the thousand: once per reason at once, then a count. The first of a key is logged as it comes;
 * as long as more follow, one record an interval says how many were held back; after an interval without any, the next
 * one counts as the first again.
 */
import type { Clock } from "../core/clock.js";
import type { Logger } from "../core/logger.js";

/** Between two records of the same key. */
const INTERVAL_MS = 10_000;
/** Reasons known at once. */
const MAX_KEYS = 1000;

/** What a warning says: the fields of the record, and the sentence. */
export interface Warning {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** What may be chosen of a RateLimitedLog. */
export interface RateLimit {
  /** @default 10 s */
  readonly intervalMs?: number;
  /** Warnings of further keys are only counted, in a record of their own. @default 1000 */
  readonly maxKeys?: number;
}

interface Suppression {
  readonly warning: Warning;
  readonly sinceMs: number;
  suppressed: number;
}

/** Logger of repeated warnings. */
export class RateLimitedLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #maxKeys: number;
  /** Oldest interval first. */
  readonly #keys = new Map<string, Suppression>();
  #overflowing = 0;
  #overflowSinceMs = 0;

  constructor(
    logger: Logger,
    clock: Clock,
    { intervalMs = INTERVAL_MS, maxKeys = MAX_KEYS }: RateLimit = {},
  ) {
    this.#logger = logger;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#maxKeys = maxKeys;
  }

  /**
   * Warns of `count` events of one kind.
   * @param describe called only where the warning is logged at once, as the first of its key
   */
  warn(key: string, describe: () => Warning, count = 1): void {
    const known = this.#keys.get(key);
    if (known !== undefined) {
      known.suppressed += count;
    } else if (this.#keys.size < this.#maxKeys) {
      const warning = describe();
      this.#logger.warn(warning.fields, warning.message);
      this.#keys.set(key, { warning, sinceMs: this.#clock.nowMs(), suppressed: 0 });
    } else {
      if (this.#overflowing === 0) this.#overflowSinceMs = this.#clock.nowMs();
      this.#overflowing += count;
    }
  }

  /** Logs the counts whose interval is over. Call it more often than the interval. */
  tick(): void {
    const now = this.#clock.nowMs();
    for (const [key, known] of this.#keys) {
      if (now - known.sinceMs < this.#intervalMs) break;
      this.#keys.delete(key);
      if (known.suppressed === 0) continue;
      this.#report(known);
      this.#keys.set(key, { warning: known.warning, sinceMs: now, suppressed: 0 });
    }
    if (this.#overflowing > 0 && now - this.#overflowSinceMs >= this.#intervalMs) this.#reportOverflow();
  }

  /** Logs all counts that are held back, at the end. */
  flush(): void {
    for (const known of this.#keys.values()) {
      if (known.suppressed > 0) this.#report(known);
    }
    this.#keys.clear();
    if (this.#overflowing > 0) this.#reportOverflow();
  }

  #report({ warning, suppressed }: Suppression): void {
    this.#logger.warn({ ...warning.fields, suppressed }, `${warning.message} (${suppressed} more)`);
  }

  #reportOverflow(): void {
    this.#logger.warn(
      { suppressed: this.#overflowing },
      `${this.#overflowing} warnings of further kinds were left out`,
    );
    this.#overflowing = 0;
  }
}
