/** Monotonic time, so that a jump of the wall clock breaks no deadline. Tests hand in one that they move themselves. */
export interface Clock {
  /** Milliseconds since some fixed point; never goes back. */
  nowMs(): number;
}

/** The clock of the running system. All threads and processes of one host see the same value (CLOCK_MONOTONIC). */
export const systemClock: Clock = {
  nowMs: () => Number(process.hrtime.bigint() / 1_000_000n),
};
