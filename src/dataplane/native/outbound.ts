/**
 * Opens the socket towards the dispatcher's target and begins to connect it, from the address that the target asks for:
 * the client's own (IP_TRANSPARENT), one of a list, or what the host chooses. Hot path: no allocation, no throw.
 *
 * | from | system calls between socket and connect |
 * |---|---|
 * | the host's choice | none |
 * | a list | IP_BIND_ADDRESS_NO_PORT, bind to port 0: `connect` finds a port that is free towards this realserver |
 * | the client | IP_TRANSPARENT, SO_MARK, SO_REUSEADDR, bind to the client's port; where that is taken, as for a list |
 */
import type { Dispatcher } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import { type PlaneMemory, Setting } from "../memory.js";
import type { Connections } from "./connections.js";
import type { Libc } from "./libc.js";
import {
  AF_INET,
  AF_INET6,
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EINPROGRESS,
  EMFILE,
  ENFILE,
  errnoName,
  IP_BIND_ADDRESS_NO_PORT,
  IP_TRANSPARENT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TRANSPARENT,
  SO_MARK,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./linux.js";
import type { Reserve } from "./reserve.js";
import { SocketAddress } from "./sockaddr.js";
import type { Tally } from "./tally.js";
import type { Trouble } from "./trouble.js";

/** What an outbound is made of. */
export interface OutboundParts {
  readonly libc: Libc;
  readonly connections: Connections;
  readonly dispatcher: Dispatcher;
  readonly memory: PlaneMemory;
  readonly tally: Tally;
  readonly reserve: Reserve;
  readonly trouble: Trouble;
}

/** See the file's head. */
export class Outbound {
  readonly #parts: OutboundParts;
  readonly #peer: SocketAddress;
  readonly #own: SocketAddress;
  #peerLength = 0;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
    this.#peer = new SocketAddress(parts.libc);
    this.#own = new SocketAddress(parts.libc);
  }

  /** @returns a socket that is connecting, or a negated errno */
  open(slot: number): number {
    const { connections, dispatcher } = this.#parts;
    const { target } = dispatcher;
    this.#peerLength = this.#peer.encode(target.family, target.address, target.port);
    if (target.isTransparent) return this.#openAsClient(slot);
    if (target.sources > 0) return this.#openFromList(connections.service[slot]);
    const fd = this.#socket();
    return fd < 0 ? fd : this.#connect(fd);
  }

  #openAsClient(slot: number): number {
    const { connections, dispatcher, tally } = this.#parts;
    // A client that somebody else speaks for may have an address that no socket of this family can have.
    if (connections.family[slot] !== dispatcher.target.family) return -EAFNOSUPPORT;
    const fd = this.#openTransparent(slot, connections.clientPort[slot]);
    if (fd !== -EADDRINUSE && fd !== -EADDRNOTAVAIL && fd !== -EACCES) return fd;
    // The port belongs to another connection of this client, or is below 1024 and the right to such is missing.
    tally.event(PlaneEventIndex.clientPortTaken);
    return this.#openTransparent(slot, 0);
  }

  /** @param port 0: one that is free */
  #openTransparent(slot: number, port: number): number {
    const { libc, connections, memory } = this.#parts;
    const fd = this.#socket();
    if (fd < 0) return fd;
    const isV6 = connections.family[slot] === 6;
    const level = isV6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const result = libc.setIntOption(fd, level, isV6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1);
    if (result < 0) return this.#notTransparent(fd, "setsockopt(IP_TRANSPARENT)", result);
    const marked = libc.setIntOption(fd, SOL_SOCKET, SO_MARK, memory.settings[Setting.TRANSPARENT_MARK]);
    if (marked < 0) return this.#notTransparent(fd, "setsockopt(SO_MARK)", marked);
    // The client may have several connections from one port, to several services: each goes to another realserver.
    libc.setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    const bound = this.#bind(fd, connections.client, slot * 4, port);
    return bound < 0 ? this.#drop(fd, bound) : this.#connect(fd);
  }

  /** Goes round the addresses once. */
  #openFromList(service: number): number {
    const { dispatcher, tally, trouble } = this.#parts;
    const { target } = dispatcher;
    let fd = -EADDRNOTAVAIL;
    for (let left = target.sources; left > 0 && fd === -EADDRNOTAVAIL; left--) {
      dispatcher.nextSource(service);
      fd = this.#socket();
      if (fd < 0) return fd;
      const bound = this.#bind(fd, target.source, 0, 0);
      if (bound < 0) trouble.noSourceAddress(errnoName(-bound));
      fd = bound < 0 ? this.#drop(fd, bound) : this.#connect(fd);
      if (fd === -EADDRNOTAVAIL) tally.event(PlaneEventIndex.sourceExhausted);
    }
    return fd;
  }

  /** @param at where in `words` the address's four begin. @param port 0: `connect` chooses */
  #bind(fd: number, words: Uint32Array, at: number, port: number): number {
    const { libc, dispatcher } = this.#parts;
    // IPv6 sockets take this option of IPv4 too. Without it bind would choose a port for all realservers together.
    if (port === 0) libc.setIntOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const length = this.#own.encode(dispatcher.target.family, words, port, 0, at);
    return libc.bind(fd, this.#own.address, length);
  }

  /** @returns the descriptor, or a negated errno and the socket is closed */
  #connect(fd: number): number {
    const result = this.#parts.libc.connect(fd, this.#peer.address, this.#peerLength);
    return result < 0 && result !== -EINPROGRESS ? this.#drop(fd, result) : fd;
  }

  #socket(): number {
    const { libc, dispatcher, reserve } = this.#parts;
    const domain = dispatcher.target.family === 6 ? AF_INET6 : AF_INET;
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = libc.socket(domain, type, 0);
    // The client got the last descriptor: the reserve makes its connection whole.
    if ((fd === -EMFILE || fd === -ENFILE) && reserve.spend()) return libc.socket(domain, type, 0);
    return fd;
  }

  #notTransparent(fd: number, call: string, result: number): number {
    this.#parts.trouble.notTransparent(call, errnoName(-result));
    return this.#drop(fd, result);
  }

  #drop(fd: number, result: number): number {
    this.#parts.libc.close(fd);
    return result;
  }
}
