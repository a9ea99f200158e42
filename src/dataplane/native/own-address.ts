/**
 * Binds a socket that is about to be connected to the dispatcher's target to the address that the target asks for: the
 * client's own (IP_TRANSPARENT), as `dispatcher.request` has it, or the next one of a list. Hot path: no allocation, no throw.
 */
import type { Dispatcher } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import { type PlaneMemory, Setting } from "../memory.js";
import type { Libc } from "./libc.js";
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  errnoName,
  IP_BIND_ADDRESS_NO_PORT,
  IP_TRANSPARENT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TRANSPARENT,
  SO_MARK,
  SO_REUSEADDR,
  SOL_SOCKET,
} from "./linux.js";
import { SocketAddress } from "./sockaddr.js";
import type { Tally } from "./tally.js";
import type { Trouble } from "./trouble.js";

/** What it is made of. */
export interface OwnAddressParts {
  readonly libc: Libc;
  readonly dispatcher: Dispatcher;
  readonly memory: PlaneMemory;
  readonly tally: Tally;
  readonly trouble: Trouble;
}

/** See the file's head. All results: 0, or a negated errno. */
export class OwnAddress {
  readonly #parts: OwnAddressParts;
  readonly #address: SocketAddress;
  /**
   * A client's port was in use by a socket that does not share it: since then all share theirs from the beginning. The kernel
   * shares a port only among those that do (SO_REUSEADDR).
   */
  #sharesAll = false;

  constructor(parts: OwnAddressParts) {
    this.#parts = parts;
    this.#address = new SocketAddress(parts.libc);
  }

  /**
   * The client's address and this port of it; 0: one that is free.
   * @param shares other sockets may have the same port: TCP tells their connections apart by the realserver. Mostly there is
   *   none, so it is asked for only where the port is in use, which saves the system call. A connection that the client ended
   *   leaves its port shared (EndFlag.CLIENTS_PORT), and does not stand in the way
   */
  takeClient(fd: number, port: number, shares: boolean): number {
    const { libc, dispatcher, memory } = this.#parts;
    const { request, target } = dispatcher;
    // A client that somebody else speaks for may have an address that no socket of this family can have.
    if (request.family !== target.family) return -EAFNOSUPPORT;
    const isV6 = target.family === 6;
    const level = isV6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const result = libc.setIntOption(fd, level, isV6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1);
    if (result < 0) return this.#refused("setsockopt(IP_TRANSPARENT)", result);
    const marked = libc.setIntOption(fd, SOL_SOCKET, SO_MARK, memory.settings[Setting.TRANSPARENT_MARK]);
    if (marked < 0) return this.#refused("setsockopt(SO_MARK)", marked);
    if (!shares) return this.#bind(fd, request.client, port);
    if (this.#sharesAll) this.#share(fd);
    const bound = this.#bind(fd, request.client, port);
    if (bound !== -EADDRINUSE || this.#sharesAll) return bound;
    this.#share(fd);
    const shared = this.#bind(fd, request.client, port);
    this.#sharesAll = shared === -EADDRINUSE;
    return shared;
  }

  /** Whether the client's port cannot be had, and another one has to do. */
  isTaken(result: number): boolean {
    // EACCES: the port is below 1024, and the right to bind such is missing.
    if (result !== -EADDRINUSE && result !== -EADDRNOTAVAIL && result !== -EACCES) return false;
    this.#parts.tally.event(PlaneEventIndex.clientPortTaken);
    return true;
  }

  /** The next address in turn, and whatever port is free. */
  takeNext(fd: number, service: number): number {
    const { dispatcher, trouble } = this.#parts;
    dispatcher.nextSource(service);
    const bound = this.#bind(fd, dispatcher.target.source, 0);
    if (bound === -EADDRNOTAVAIL) trouble.noSourceAddress(errnoName(-bound));
    return bound;
  }

  /** Whether an address of the list has no port left, or is not here, and the next one has to do. */
  isExhausted(result: number): boolean {
    if (result !== -EADDRNOTAVAIL && result !== -EADDRINUSE) return false;
    this.#parts.tally.event(PlaneEventIndex.sourceExhausted);
    return true;
  }

  #share(fd: number): void {
    this.#parts.libc.setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  }

  #bind(fd: number, words: Uint32Array, port: number): number {
    const { libc, dispatcher } = this.#parts;
    // IPv6 sockets take this option of IPv4 too. Without it bind would choose a port for all realservers together.
    if (port === 0) libc.setIntOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const length = this.#address.encode(dispatcher.target.family, words, port);
    return libc.bind(fd, this.#address.address, length);
  }

  #refused(call: string, result: number): number {
    this.#parts.trouble.notTransparent(call, errnoName(-result));
    return result;
  }
}
