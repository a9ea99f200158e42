/**
 * ldirectord's mixed check (checktype N, reference §2.6): after a passed deep probe, N shallow ones, then deep again; a
 * failed shallow one makes the next probe deep.
 */

/** Which probe comes next for one target. */
export class MixedCycle {
  readonly #shallowCount: number;
  #passed = Number.POSITIVE_INFINITY;

  /** @param shallowCount shallow probes between two deep ones; 0 is always deep */
  constructor(shallowCount: number) {
    this.#shallowCount = shallowCount;
  }

  next(): "deep" | "shallow" {
    return this.#passed >= this.#shallowCount ? "deep" : "shallow";
  }

  /** Takes in whether the probe that `next` named has passed. */
  record(hasPassed: boolean): void {
    if (this.next() === "deep") this.#passed = hasPassed ? 0 : this.#passed;
    else this.#passed = hasPassed ? this.#passed + 1 : Number.POSITIVE_INFINITY;
  }
}
