/**
 * An eventfd that wakes a thread blocked in `epoll_wait`. Whoever makes it owns the descriptor, and closes it after the
 * thread has ended; any thread of the process may ring.
 */
import type { Libc } from "./libc.js";
import { O_CLOEXEC, O_NONBLOCK } from "./linux.js";
import { syscallError } from "./syscall-error.js";

/** Makes the eventfd. @throws UvsError SYSCALL */
export function createWakeup(libc: Libc): number {
  const fd = libc.eventfd(0, O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw syscallError("eventfd", fd, "raise the limit of open descriptors (ulimit -n)");
  return fd;
}

/** Rings and silences eventfds. */
export class Bell {
  readonly #libc: Libc;
  readonly #address: number;
  readonly #word: BigUint64Array;

  constructor(libc: Libc) {
    const memory = libc.allocate(8);
    this.#libc = libc;
    this.#address = memory.address;
    this.#word = new BigUint64Array(memory.buffer);
  }

  /** Makes the eventfd readable. */
  ring(fd: number): void {
    this.#word[0] = 1n;
    this.#libc.write(fd, this.#address, 8);
  }

  /** Makes it unreadable again. */
  silence(fd: number): void {
    this.#libc.read(fd, this.#address, 8);
  }
}
