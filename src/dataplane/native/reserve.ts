/**
 * One socket that is connected to nothing, for the realserver of a client that was accepted with the last descriptor.
 * Without it that client would have to be reset. It is a socket, not only a descriptor to give up: between a close and
 * the next `socket` another thread would accept with what came free. A new one is made before the next client is accepted.
 */
import type { Libc } from "./libc.js";
import { AF_INET, EMFILE, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from "./linux.js";

export class Reserve {
  readonly #libc: Libc;
  #fd = -1;
  /** Address family of the socket: that of the last realserver that needed it. */
  #family = AF_INET;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** @returns whether there is one now; false: the process has no descriptor left */
  refill(): boolean {
    if (this.#fd < 0) this.#fd = this.#socket();
    return this.#fd >= 0;
  }

  get spent(): boolean {
    return this.#fd < 0;
  }

  /** @param family AF_INET or AF_INET6 @returns a TCP socket that is the caller's now, or a negated errno */
  take(family: number): number {
    const fd = this.#fd;
    if (fd < 0) return -EMFILE;
    if (family !== this.#family) {
      this.#family = family;
      this.close();
      return this.#socket();
    }
    this.#fd = -1;
    return fd;
  }

  /** Gives the descriptor up. */
  close(): void {
    if (this.#fd >= 0) this.#libc.close(this.#fd);
    this.#fd = -1;
  }

  #socket(): number {
    return this.#libc.socket(this.#family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
}
