/**
 * The thread's epoll instance. What an event belongs to stands in its data: an end of a connection (its number, and its
 * generation in the upper half), a UDP flow (FLOW + slot, and its generation), a listening socket (LISTENER + index), a UDP socket
 * of a service (DATAGRAMS + index), or the eventfd (WAKEUP).
 *
 * Ends are registered once, edge-triggered, for everything, and never removed: closing a socket that nobody else holds
 * removes it. Listening sockets are level-triggered, and must be removed by hand, since the primary holds them too.
 */
import { EpollEvents } from "./epoll-event.js";
import type { Libc } from "./libc.js";
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from "./linux.js";
import { syscallError } from "./syscall-error.js";

/** Events taken by one wait. */
const BATCH = 512;

/** Subject of the first UDP flow; ends are below. */
export const FLOW = 0x10000000;
/** Subject of the first listening socket. */
export const LISTENER = 0x40000000;
/** Subject of the first UDP socket that clients send to. */
export const DATAGRAMS = 0x50000000;
/** Subject of the eventfd. */
export const WAKEUP = 0x7fffffff;

const END_EVENTS = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;

/** See the file's head. */
export class Poller {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #eventsAddress: number;
  readonly #requestAddress: number;
  readonly #request: EpollEvents;
  /** What the last `wait` found. */
  readonly events: EpollEvents;

  /** @throws UvsError SYSCALL */
  constructor(libc: Libc) {
    const events = libc.allocate(EpollEvents.bytes(BATCH));
    const request = libc.allocate(EpollEvents.bytes(1));
    this.#libc = libc;
    this.#eventsAddress = events.address;
    this.events = new EpollEvents(events.buffer);
    this.#requestAddress = request.address;
    this.#request = new EpollEvents(request.buffer);
    this.#fd = libc.epollCreate();
    if (this.#fd < 0) {
      throw syscallError("epoll_create1", this.#fd, "raise the limit of open descriptors (ulimit -n)");
    }
  }

  /** @returns how many events are in `events`; 0 after a signal */
  wait(timeoutMs: number): number {
    return Math.max(0, this.#libc.epollWait(this.#fd, this.#eventsAddress, BATCH, timeoutMs));
  }

  /** Registers an end for good. Hot path. @returns 0, or a negated errno (ENOMEM, ENOSPC: max_user_watches) */
  addEnd(fd: number, end: number, generation: number): number {
    return this.#add(fd, END_EVENTS, end, generation);
  }

  /** Registers a UDP flow's socket, level-triggered: one `recv` an event. Hot path. @returns 0, or a negated errno */
  addFlow(fd: number, slot: number, generation: number): number {
    return this.#add(fd, EPOLLIN, FLOW + slot, generation);
  }

  /** Registers a listening socket or the eventfd. @returns 0, or a negated errno */
  addReadable(fd: number, subject: number): number {
    return this.#add(fd, EPOLLIN, subject, 0);
  }

  remove(fd: number): void {
    this.#libc.epollCtl(this.#fd, EPOLL_CTL_DEL, fd, 0);
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #add(fd: number, events: number, subject: number, generation: number): number {
    this.#request.set(0, events, subject, generation);
    return this.#libc.epollCtl(this.#fd, EPOLL_CTL_ADD, fd, this.#requestAddress);
  }
}
