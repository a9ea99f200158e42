/** A clock that also wakes: what everything timed in this folder is handed, so that tests move time themselves. */
import { type Clock, systemClock } from "../core/clock.js";

/** Takes a timer back. */
export type CancelTimer = () => void;

/** Monotonic time and timers. */
export interface Timers extends Clock {
  /** Calls back once, not before `delayMs` have passed. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): CancelTimer;
}

/** setTimeout holds 31 bits; a longer delay fires early, and whoever asked looks at the clock and asks again. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The timers of the running system. */
export const systemTimers: Timers = {
  nowMs: systemClock.nowMs,
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 1), LONGEST_DELAY_MS)).unref();
    return () => clearTimeout(timer);
  },
};
