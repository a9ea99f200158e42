import type { Libc } from "./libc.js";
import { CLOCK_MONOTONIC, CLOCK_REALTIME } from "./linux.js";

/** A wait without an end, ms: twelve days. Waits are small integers, which V8 passes without making an object. */
export const FOREVER_MS = 2 ** 30 - 1;

/** struct timespec: two 64-bit integers. */
const TIMESPEC_BYTES = 16;

/**
 * The loop's clock: read once per batch of events, in monotonic milliseconds with fractions, on the same scale as
 * `systemClock` in every thread.
 */
export class LoopClock {
  readonly #libc: Libc;
  readonly #address: number;
  readonly #timespec: Uint32Array;
  /** Monotonic time and wall time as columns: a field of fractions would be a new object each time it is written. */
  readonly #now = new Float64Array(2);

  constructor(libc: Libc) {
    const { buffer, address } = libc.allocate(TIMESPEC_BYTES);
    this.#libc = libc;
    this.#address = address;
    this.#timespec = new Uint32Array(buffer);
    this.tick();
  }

  /** The time at the last `tick`. */
  get nowMs(): number {
    return this.#now[0];
  }

  /** The wall time at the last `readWall`: milliseconds since 1970. */
  get wallMs(): number {
    return this.#now[1];
  }

  /** Reads the time; unlike `performance.now` and `process.hrtime`, allocates nothing. */
  tick(): void {
    this.#read(CLOCK_MONOTONIC, 0);
  }

  /** Reads the wall time; unlike `Date.now`, allocates nothing. */
  readWall(): void {
    this.#read(CLOCK_REALTIME, 1);
  }

  #read(clock: number, index: number): void {
    this.#libc.clockGettime(clock, this.#address);
    // The lower halves are enough: as unsigned seconds they reach to 2106.
    this.#now[index] = this.#timespec[0] * 1000 + this.#timespec[2] / 1e6;
  }
}
