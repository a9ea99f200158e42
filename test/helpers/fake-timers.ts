import { setImmediate as nextTurn } from "node:timers/promises";
import type { CancelTimer, Timers } from "../../src/health/timers.js";

/** Time that a test moves itself. Starts at 1000, so that 0 is not a time. */
export class FakeTimers implements Timers {
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  #nowMs = 1000;

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time on, calling what is due in its order, and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await nextTurn();
    for (;;) {
      let next: { readonly atMs: number; readonly callback: () => void } | undefined;
      for (const timer of this.#timers) {
        if (timer.atMs <= end && (next === undefined || timer.atMs < next.atMs)) next = timer;
      }
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await nextTurn();
    }
    this.#nowMs = end;
  }
}
