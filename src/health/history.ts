/** The last changes, for `uvs health` and for whoever comes after the fact. */

/** One change. */
export interface HealthChange {
  /** ISO 8601. */
  readonly at: string;
  /** Key of the service. */
  readonly service: string;
  /** Key of the realserver; undefined where the service itself has changed. */
  readonly realserver?: string;
  /** Name of the check; undefined where the realserver or service has changed. */
  readonly check?: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

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
