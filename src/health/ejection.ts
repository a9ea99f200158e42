/**
 * Passive checking of one realserver: failures of connections in a row eject it for a time that grows (reference §6.5).
 * After an ejection it is half-open: it gets the least weight until a connection succeeds, and one failure ejects it again.
 * How many may be ejected at once is the service's business (`service-health.ts`). Pure: time and chance come in as numbers.
 */
import type { PassiveSpec } from "./spec.js";

/** Whether connections may go to it as far as passive checking goes. */
export type PassivePhase = "ok" | "ejected" | "half-open";

/** Passive state of one realserver. */
export class Ejection {
  readonly spec: PassiveSpec;
  #phase: PassivePhase = "ok";
  #errors = 0;
  /** Ejections that count for the length of the next one. */
  #multiplier = 0;
  #untilMs = 0;
  /** Since when it is ok: for each `baseMs` of that one ejection is forgotten. */
  #okSinceMs = 0;

  constructor(spec: PassiveSpec) {
    this.spec = spec;
  }

  get phase(): PassivePhase {
    return this.#phase;
  }

  /** Failures in a row. */
  get errors(): number {
    return this.#errors;
  }

  /** End of the ejection; 0 where there is none. */
  get untilMs(): number {
    return this.#phase === "ejected" ? this.#untilMs : 0;
  }

  /**
   * Takes in what happened to connections since the last call. Their order is not known: with successes among them, the
   * mean run of failures between two successes counts as those in a row.
   * @returns whether the limit is reached; then the count begins anew
   */
  count(failures: number, successes: number): boolean {
    if (this.#phase === "ejected") return false;
    this.#errors = successes > 0 ? Math.floor(failures / (successes + 1)) : this.#errors + failures;
    const limit = this.#phase === "half-open" ? 1 : this.spec.errorLimit;
    if (this.#errors < limit) return false;
    this.#errors = 0;
    return true;
  }

  /** Ejects. @param random 0 to below 1, for the jitter. @returns for how long, in milliseconds */
  eject(nowMs: number, random: number): number {
    const { baseMs, maxMs, growth, jitterPercent } = this.spec;
    if (this.#phase === "ok") {
      this.#multiplier = Math.max(0, this.#multiplier - Math.floor((nowMs - this.#okSinceMs) / baseMs));
    }
    const grown = growth === "double" ? baseMs * 2 ** this.#multiplier : baseMs * (this.#multiplier + 1);
    // Beyond the longest time nothing grows, so that it is forgotten as soon.
    if (grown < maxMs) this.#multiplier++;
    const lengthMs = Math.round(Math.min(grown, maxMs) * (1 + (jitterPercent / 100) * (2 * random - 1)));
    this.#phase = "ejected";
    this.#untilMs = nowMs + lengthMs;
    return lengthMs;
  }

  /** Ends an ejection whose time is over. @returns whether it did */
  expire(nowMs: number): boolean {
    if (this.#phase !== "ejected" || nowMs < this.#untilMs) return false;
    this.#phase = "half-open";
    return true;
  }

  /** Back to normal: a connection or an active check has succeeded, or it is needed. @returns whether it was not */
  recover(nowMs: number): boolean {
    this.#errors = 0;
    if (this.#phase === "ok") return false;
    this.#phase = "ok";
    this.#okSinceMs = nowMs;
    return true;
  }
}

/** How many of a service's realservers may be ejected at once. */
export function mostEjected({ maxEjectedPercent, atLeastOne }: PassiveSpec, realservers: number): number {
  return Math.max(atLeastOne ? 1 : 0, Math.floor((realservers * maxEjectedPercent) / 100));
}
