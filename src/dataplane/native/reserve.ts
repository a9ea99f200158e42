/**
 * One descriptor that stands for nothing, given up when a client was accepted with the last one and its realserver still
 * needs a socket. Without it that client would have to be reset. It is taken back before the next one is accepted.
 */
import type { Libc } from "./libc.js";
import { O_CLOEXEC } from "./linux.js";

export class Reserve {
  readonly #libc: Libc;
  #fd = -1;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** @returns whether there is one now; false: the process has no descriptor left */
  refill(): boolean {
    if (this.#fd < 0) this.#fd = this.#libc.eventfd(0, O_CLOEXEC);
    return this.#fd >= 0;
  }

  get spent(): boolean {
    return this.#fd < 0;
  }

  /** Gives the descriptor up. @returns false where it was spent before */
  spend(): boolean {
    if (this.#fd < 0) return false;
    this.#libc.close(this.#fd);
    this.#fd = -1;
    return true;
  }
}
