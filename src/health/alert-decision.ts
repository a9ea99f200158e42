/**
 * When to call: mon's alert decision for one check and one alert specification (reference §3.6). It is told the check's
 * state after each result, so that with rise and fall of 1 it decides as mon does, and with more it speaks of downs only.
 * Pure: time comes in as numbers.
 */
import type { AlertSpec } from "./spec.js";

/** What a result said, as alerts see it. */
export interface AlertInput {
  readonly isUp: boolean;
  /** First line of the monitor's output. */
  readonly summary: string;
  /** All of it. */
  readonly detail: string;
}

/** Decides on calls. */
export class AlertDecision {
  readonly #spec: AlertSpec;
  #inRow = 0;
  #firstFailureMs = 0;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #inWindow = 0;
  /** Calls of this failure. */
  #calls = 0;
  #lastCallMs = Number.NEGATIVE_INFINITY;
  #lastSummary = "";
  #lastDetail = "";

  constructor(spec: AlertSpec) {
    this.#spec = spec;
  }

  /** Takes a result in. @returns what to call, if anything */
  decide(input: AlertInput, nowMs: number): "down" | "up" | undefined {
    return input.isUp ? this.#succeed(nowMs) : this.#fail(input, nowMs);
  }

  #succeed(nowMs: number): "up" | undefined {
    const { upAlways = false, upAfterMs = 0, every } = this.#spec;
    const hasFailed = this.#inRow > 0;
    const calls = hasFailed && (this.#calls > 0 || upAlways) && nowMs - this.#firstFailureMs >= upAfterMs;
    this.#inRow = 0;
    this.#inWindow = 0;
    this.#windowStartMs = Number.NEGATIVE_INFINITY;
    this.#calls = 0;
    if (!every?.strict) this.#lastCallMs = Number.NEGATIVE_INFINITY;
    return calls ? "up" : undefined;
  }

  #fail(input: AlertInput, nowMs: number): "down" | undefined {
    const { maxCalls = Number.POSITIVE_INFINITY } = this.#spec;
    this.#inRow++;
    if (this.#inRow === 1) this.#firstFailureMs = nowMs;
    const isTooSoon = this.#isTooSoon(input, nowMs);
    this.#lastSummary = input.summary;
    this.#lastDetail = input.detail;
    // As in mon, a failure that comes too soon does not count in the window of `after`.
    if (this.#calls >= maxCalls || isTooSoon || !this.#isEnough(nowMs)) return undefined;
    this.#calls++;
    this.#lastCallMs = nowMs;
    return "down";
  }

  #isTooSoon({ summary, detail }: AlertInput, nowMs: number): boolean {
    const { every } = this.#spec;
    if (every === undefined || nowMs - this.#lastCallMs >= every.intervalMs) return false;
    if (every.strict || every.unlessChanged === "nothing") return true;
    return every.unlessChanged === "detail" ? detail === this.#lastDetail : summary === this.#lastSummary;
  }

  #isEnough(nowMs: number): boolean {
    const { count, windowMs } = this.#spec.after;
    if (windowMs === undefined) return this.#inRow >= (count ?? 1);
    if (count === undefined) return nowMs - this.#firstFailureMs > windowMs;
    if (nowMs - this.#windowStartMs > windowMs) {
      this.#windowStartMs = nowMs;
      this.#inWindow = 0;
    }
    this.#inWindow++;
    return this.#inWindow >= count;
  }
}
