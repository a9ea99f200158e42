/**
 * The listening sockets of one thread. Accepting pauses at the connection limit and when descriptors or memory run out:
 * then the sockets leave the epoll instance, clients wait in the kernel's queues, and nothing spins.
 */
import type { ListenerSpec, PlaneEvent } from "../dataplane.js";
import { PlaneEventIndex } from "../events.js";
import type { LoopClock } from "./clock.js";
import type { Closer } from "./closer.js";
import type { Connections } from "./connections.js";
import type { HeaderReader } from "./header-reader.js";
import type { HeldAcks } from "./held-acks.js";
import type { Libc } from "./libc.js";
import {
  EAGAIN,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  errnoName,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
} from "./linux.js";
import { LISTENER, type Poller } from "./poller.js";
import type { Reserve } from "./reserve.js";
import { SocketAddress } from "./sockaddr.js";
import type { Tally } from "./tally.js";
import type { Trouble } from "./trouble.js";

/** Connections taken from one socket before the others have their turn. */
const BATCH = 64;
/** Batches taken from a socket that is to be closed: more than any queue holds by default (net.core.somaxconn). */
const LAST_BATCHES = 128;
/** A starved process tries again after this, when none of its own connections ended before. */
const STARVED_MS = 100;

/** What an acceptor is made of. */
export interface AcceptorParts {
  readonly libc: Libc;
  readonly connections: Connections;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly closer: Closer;
  readonly headers: HeaderReader;
  readonly acks: HeldAcks;
  readonly poller: Poller;
  readonly reserve: Reserve;
  readonly trouble: Trouble;
  readonly notify: (event: PlaneEvent) => void;
  readonly thread: number;
}

interface Listener {
  readonly spec: ListenerSpec;
  readonly anyAddress: boolean;
  /** To be closed once its queue is empty. */
  closing: boolean;
}

const Pause = { NONE: 0, LIMIT: 1, STARVED: 2 } as const;

/** See the file's head. */
export class Acceptor {
  readonly #parts: AcceptorParts;
  readonly #address: SocketAddress;
  /** By index; the index is in the epoll data. */
  readonly #listeners: (Listener | undefined)[] = [];
  #pause: number = Pause.NONE;
  #resumeMs = 0;
  #countAtPause = 0;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
    this.#address = new SocketAddress(parts.libc);
    parts.reserve.refill();
  }

  get paused(): boolean {
    return this.#pause !== Pause.NONE;
  }

  /** No listening socket is left. */
  get isEmpty(): boolean {
    return this.#listeners.every((listener) => listener === undefined);
  }

  add(spec: ListenerSpec): void {
    const free = this.#listeners.indexOf(undefined);
    const index = free < 0 ? this.#listeners.length : free;
    const anyAddress = spec.address.every((word) => word === 0);
    this.#listeners[index] = { spec, anyAddress, closing: false };
    this.#parts.acks.hold(spec.fd);
    if (!this.paused) this.#register(spec.fd, index);
  }

  /** Takes what is queued, then closes the socket; while accepting is paused, that waits. @param id undefined: all */
  remove(id?: number): void {
    for (const [index, listener] of this.#listeners.entries()) {
      if (listener === undefined || (id !== undefined && listener.spec.id !== id)) continue;
      listener.closing = true;
      if (!this.paused) this.#takeLast(index);
    }
  }

  /** Accepts what waits at a listening socket. Hot path. */
  accept(index: number): void {
    const listener = this.#listeners[index];
    if (listener === undefined) return;
    const { libc, connections, tally, reserve } = this.#parts;
    for (let i = 0; i < BATCH; i++) {
      if (connections.full || !tally.reserve()) {
        tally.event(PlaneEventIndex.acceptPaused);
        this.#pauseFor(Pause.LIMIT);
        return;
      }
      if (reserve.spent && !reserve.refill()) {
        tally.unreserve();
        this.#starve(EMFILE);
        return;
      }
      this.#address.expect();
      const fd = libc.accept(
        listener.spec.fd,
        this.#address.address,
        this.#address.lengthAddress,
        SOCK_NONBLOCK | SOCK_CLOEXEC,
      );
      if (fd >= 0) {
        this.#open(listener, fd);
        continue;
      }
      tally.unreserve();
      if (fd === -EAGAIN) {
        if (listener.closing) this.#drop(index);
        return;
      }
      if (fd === -EMFILE || fd === -ENFILE || fd === -ENOBUFS || fd === -ENOMEM) {
        this.#starve(-fd);
        return;
      }
      if (fd !== -EINTR) this.#parts.trouble.acceptFailed(errnoName(-fd));
    }
  }

  /** Goes on accepting if the reason for the pause is over. */
  tryResume(): void {
    const { connections, clock, tally } = this.#parts;
    const over =
      this.#pause === Pause.LIMIT
        ? !connections.full && tally.hasRoom
        : connections.count < this.#countAtPause || clock.nowMs >= this.#resumeMs;
    if (!over) return;
    this.#pause = Pause.NONE;
    for (const [index, listener] of this.#listeners.entries()) {
      if (listener) this.#register(listener.spec.fd, index);
    }
    for (const [index, listener] of this.#listeners.entries()) {
      if (listener?.closing && !this.paused) this.#takeLast(index);
    }
  }

  /** Closes all listening sockets, whatever is queued. */
  close(): void {
    for (const index of this.#listeners.keys()) this.#drop(index);
  }

  #open(listener: Listener, fd: number): void {
    const { libc, connections, clock, tally, closer, headers, poller, acks } = this.#parts;
    const slot = connections.open(fd, clock);
    const { spec } = listener;
    tally.opened();
    connections.service[slot] = spec.service;
    connections.family[slot] = spec.family;
    this.#address.decode(connections.client, slot * 4);
    connections.clientPort[slot] = this.#address.port;
    if (listener.anyAddress) {
      this.#address.expect();
      libc.getsockname(fd, this.#address.address, this.#address.lengthAddress);
      this.#address.decode(connections.destination, slot * 4);
      connections.destinationPort[slot] = this.#address.port;
    } else {
      for (let i = 0; i < 4; i++) connections.destination[slot * 4 + i] = spec.address[i];
      connections.destinationPort[slot] = spec.port;
    }
    acks.accepted(slot);
    closer.describe(slot);
    headers.begin(slot, poller.addEnd(fd, slot * 2, connections.generation[slot * 2]));
  }

  #register(fd: number, index: number): void {
    const { poller, trouble } = this.#parts;
    const result = poller.addReadable(fd, LISTENER + index);
    if (result < 0) trouble.listenFailed(errnoName(-result));
  }

  #takeLast(index: number): void {
    for (let i = 0; i < LAST_BATCHES && this.#listeners[index] && !this.paused; i++) this.accept(index);
    if (!this.paused) this.#drop(index);
  }

  #drop(index: number): void {
    const listener = this.#listeners[index];
    if (listener === undefined) return;
    const { libc, poller } = this.#parts;
    // The primary holds the socket too, so closing this copy alone would leave it registered.
    if (!this.paused) poller.remove(listener.spec.fd);
    libc.close(listener.spec.fd);
    this.#listeners[index] = undefined;
    const { notify, thread } = this.#parts;
    if (listener.closing) notify({ event: "unlistened", thread, listener: listener.spec.id });
  }

  #starve(errno: number): void {
    const { clock, tally, trouble } = this.#parts;
    tally.event(PlaneEventIndex.acceptStarved);
    trouble.starved("accept4", errnoName(errno));
    this.#resumeMs = clock.nowMs + STARVED_MS;
    this.#pauseFor(Pause.STARVED);
  }

  #pauseFor(reason: number): void {
    this.#pause = reason;
    this.#countAtPause = this.#parts.connections.count;
    for (const listener of this.#listeners) if (listener) this.#parts.poller.remove(listener.spec.fd);
  }
}
