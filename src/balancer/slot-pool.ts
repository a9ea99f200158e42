/** Hands out slot numbers from 0 on, the one given back last first, so that columns stay dense and warm. */
import { UvsError } from "../core/errors.js";

/** A bounded set of slots. */
export class SlotPool {
  readonly #what: string;
  readonly #capacity: number;
  readonly #returned: number[] = [];
  #used = 0;

  /** @param what for the message when there are no more: "realservers" */
  constructor(what: string, capacity: number) {
    this.#what = what;
    this.#capacity = capacity;
  }

  /** How many can still be taken. */
  get available(): number {
    return this.#capacity - this.#used + this.#returned.length;
  }

  /** @throws UvsError TOO_MANY */
  take(): number {
    const slot = this.#returned.pop();
    if (slot !== undefined) return slot;
    if (this.#used === this.#capacity) throw this.exhausted();
    return this.#used++;
  }

  give(slot: number): void {
    this.#returned.push(slot);
  }

  /** The error for "no more". */
  exhausted(): UvsError {
    return new UvsError(
      "TOO_MANY",
      `no more than ${this.#capacity} ${this.#what}: raise limits in the configuration and restart`,
      { side: "director", details: { limit: this.#capacity } },
    );
  }
}
