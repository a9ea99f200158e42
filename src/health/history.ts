/** The last changes, for `uvs health` and for whoever comes after the fact. */
import type { HealthChange } from "../core/health-status.js";

const CAPACITY = 100;

/** Keeps the last changes in a ring. */
export class HealthHistory {
  readonly #capacity: number;
  readonly #changes: HealthChange[] = [];
  #next = 0;

  /** @param capacity changes kept. @default 100 */
  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  add(change: HealthChange): void {
    this.#changes[this.#next] = change;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Oldest first. */
  list(): HealthChange[] {
    return [...this.#changes.slice(this.#next), ...this.#changes.slice(0, this.#next)];
  }
}
