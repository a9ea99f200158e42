/** The UDP sockets that clients send to, of one thread. The index of each is in the epoll data and in the keys of its flows. */
import type { ListenerSpec } from "../dataplane.js";
import type { Libc } from "./libc.js";
import { errnoName } from "./linux.js";
import { DATAGRAMS, type Poller } from "./poller.js";
import type { Trouble } from "./trouble.js";

/** One of them. */
export interface DatagramListener {
  readonly index: number;
  readonly spec: ListenerSpec;
  /** Clients may speak to any address of the host: each datagram says to which. */
  readonly isAny: boolean;
  /** Datagrams are diverted to it by the kernel: each says to which address and port it went. */
  readonly isDiverted: boolean;
  /** Not read any longer; open for the answers of its flows. */
  isRetired: boolean;
}

/** See the file's head. */
export class DatagramListeners {
  readonly #libc: Libc;
  readonly #poller: Poller;
  readonly #trouble: Trouble;
  readonly #listeners: (DatagramListener | undefined)[] = [];

  constructor(libc: Libc, poller: Poller, trouble: Trouble) {
    this.#libc = libc;
    this.#poller = poller;
    this.#trouble = trouble;
  }

  add(spec: ListenerSpec): void {
    const free = this.#listeners.indexOf(undefined);
    const index = free < 0 ? this.#listeners.length : free;
    const isAny = spec.address.every((word) => word === 0);
    this.#listeners[index] = { index, spec, isAny, isDiverted: isAny && spec.port === 0, isRetired: false };
    const result = this.#poller.addReadable(spec.fd, DATAGRAMS + index);
    if (result < 0) this.#trouble.listenFailed(errnoName(-result));
  }

  /** Hot path. */
  at(index: number): DatagramListener | undefined {
    return this.#listeners[index];
  }

  /** @param id undefined: all */
  named(id?: number): DatagramListener[] {
    return this.#listeners.filter(
      (listener) => listener !== undefined && (id === undefined || listener.spec.id === id),
    ) as DatagramListener[];
  }

  /** Reads no more from it. */
  retire(listener: DatagramListener): void {
    if (listener.isRetired) return;
    listener.isRetired = true;
    // The primary holds the socket too, so closing this copy alone would leave it registered.
    this.#poller.remove(listener.spec.fd);
  }

  /** Its flows are gone. */
  close(listener: DatagramListener): void {
    this.retire(listener);
    this.#libc.close(listener.spec.fd);
    this.#listeners[listener.index] = undefined;
  }
}
