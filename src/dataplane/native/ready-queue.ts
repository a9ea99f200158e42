import { type Connections, EndFlag } from "./connections.js";

/** The ends that have used up their turn and have more to carry, first come first served; each is in it once at most. */
export class ReadyQueue {
  readonly #flags: Uint16Array;
  readonly #ends: Int32Array;
  #first = 0;
  /** Ends in the queue; some may have been closed meanwhile. */
  length = 0;

  constructor(connections: Connections) {
    this.#flags = connections.flags;
    this.#ends = new Int32Array(connections.capacity * 2);
  }

  push(end: number): void {
    if ((this.#flags[end] & EndFlag.QUEUED) !== 0) return;
    this.#flags[end] |= EndFlag.QUEUED;
    this.#ends[(this.#first + this.length++) % this.#ends.length] = end;
  }

  /** Only while `length` is not 0. */
  shift(): number {
    const end = this.#ends[this.#first];
    this.#first = (this.#first + 1) % this.#ends.length;
    this.length--;
    this.#flags[end] &= ~EndFlag.QUEUED;
    return end;
  }
}
