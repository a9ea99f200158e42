/** Monotonic time with timers and fractions of a millisecond: what everything timed in this folder is handed. */
import { uptime } from "node:os";
import type { Clock } from "../core/clock.js";

/** Takes a timer back; harmless after it has fired. */
export type CancelTimer = () => void;

/** Time and timers. Tests hand in ones that they move themselves. */
export interface Timers extends Clock {
  /**
   * Calls back once, not before `delayMs` have passed on this clock, except for delays above 24 days.
   * @param isExact a millisecond late is too late: the thread may sleep for the last ones, and do nothing else meanwhile
   */
  after(delayMs: number, callback: () => void, isExact?: boolean): CancelTimer;
}

/** setTimeout holds 31 bits; whoever asked for more looks at the clock and asks again. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** An exact timer sleeps for the rest from there on: setTimeout has whole milliseconds, and comes up to two too late. */
const EXACT_MS = 2;
/** The end of that rest is waited for awake: who sleeps to the end is woken 0.1 to 0.4 ms after it. */
const AWAKE_MS = 0.3;
/** `uptime()` is precise to 10 ms; only more than this is a suspended machine. */
const SUSPENSION_MS = 250;
const BELL = new Int32Array(new SharedArrayBuffer(4));

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

  after(delayMs: number, callback: () => void, isExact = false): CancelTimer {
    const dueMs = monotonicMs() + delayMs;
    const fire = (): void => {
      this.#lookForSuspension();
      if (isExact) waitUntil(dueMs);
      callback();
    };
    if (isExact && delayMs <= EXACT_MS) {
      const soon = setImmediate(fire);
      return () => clearImmediate(soon);
    }
    const delay = Math.ceil(delayMs - (isExact ? EXACT_MS : 0));
    const timer = setTimeout(fire, Math.min(Math.max(delay, 1), LONGEST_DELAY_MS));
    return () => clearTimeout(timer);
  }

  #lookForSuspension(): void {
    const suspendedMs = uptime() * 1000 - monotonicMs() - this.#bootOffsetMs;
    if (suspendedMs > this.#suspendedMs + SUSPENSION_MS) this.#suspendedMs = suspendedMs;
  }
}

/** Stops the thread for a moment; nothing ever rings this bell. */
function waitUntil(dueMs: number): void {
  const restMs = dueMs - monotonicMs();
  // setTimeout comes up to a millisecond early; of more than 24 days it is much too early, as is said above.
  if (restMs > EXACT_MS + 1) return;
  if (restMs > AWAKE_MS) Atomics.wait(BELL, 0, 0, restMs - AWAKE_MS);
  while (monotonicMs() < dueMs) {}
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
