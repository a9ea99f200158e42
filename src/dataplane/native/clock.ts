/**
 * The loop's clock: read once per batch of events, in monotonic milliseconds with fractions, on the same scale as
 * `systemClock` in every thread.
 */
export class LoopClock {
  /** The time at the last `tick`. */
  nowMs: number;
  readonly #offsetMs: number;

  constructor() {
    // performance.now() counts from the thread's start and, unlike hrtime, allocates nothing.
    this.#offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
    this.nowMs = 0;
    this.tick();
  }

  tick(): void {
    this.nowMs = performance.now() + this.#offsetMs;
  }
}
