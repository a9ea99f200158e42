/** Monotonic time with timers and fractions of a millisecond: what everything timed in this folder is handed. */
import { uptime } from "node:os";
import type { Clock } from "../core/clock.js";

/** Takes a timer back; harmless after it has fired. */
export type CancelTimer = () => void;

/** Time and timers. Tests hand in ones that they move themselves. */
export interface Timers extends Clock {
  /** Calls back once, not before `delayMs` have passed on this clock, except for delays above 24 days. */
  after(delayMs: number, callback: () => void): CancelTimer;
}

/** setTimeout holds 31 bits; whoever asked for more looks at the clock and asks again. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** `uptime()` is precise to 10 ms; only more than this is a suspended machine. */
const SUSPENSION_MS = 250;

/**
 * The timers of the running system. The time goes on while the machine is suspended, which CLOCK_MONOTONIC does not: after
 * waking, the first timer that fires already sees the time that was lost.
 */
export class SystemTimers implements Timers {
  #suspendedMs = 0;
  readonly #bootOffsetMs = uptime() * 1000 - monotonicMs();

  nowMs(): number {
    return monotonicMs() + this.#suspendedMs;
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const delay = Math.min(Math.max(Math.ceil(delayMs), 1), LONGEST_DELAY_MS);
    const timer = setTimeout(() => {
      this.#lookForSuspension();
      callback();
    }, delay);
    return () => clearTimeout(timer);
  }

  #lookForSuspension(): void {
    const suspendedMs = uptime() * 1000 - monotonicMs() - this.#bootOffsetMs;
    if (suspendedMs > this.#suspendedMs + SUSPENSION_MS) this.#suspendedMs = suspendedMs;
  }
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
