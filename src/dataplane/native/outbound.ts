/**
 * Opens the TCP socket towards the dispatcher's target and begins to connect it, from the address that the target asks for.
 * Hot path: no allocation, no throw.
 *
 * | from | system calls between socket and connect |
 * |---|---|
 * | the host's choice | none |
 * | a list | IP_BIND_ADDRESS_NO_PORT, bind to port 0: `connect` finds a port that is free towards this realserver |
 * | the client | IP_TRANSPARENT, SO_MARK, bind to the client's port, with SO_REUSEADDR where it is in use; where it cannot be had, as for a list |
 */
import type { Connections } from "./connections.js";
import type { HeldAcks } from "./held-acks.js";
import {
  AF_INET,
  AF_INET6,
  EADDRNOTAVAIL,
  EINPROGRESS,
  EMFILE,
  ENFILE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from "./linux.js";
import { OwnAddress, type OwnAddressParts } from "./own-address.js";
import type { Reserve } from "./reserve.js";
import { SocketAddress } from "./sockaddr.js";

/** What an outbound is made of. */
export interface OutboundParts extends OwnAddressParts {
  readonly connections: Connections;
  readonly reserve: Reserve;
  readonly acks: HeldAcks;
}

/** See the file's head. */
export class Outbound {
  readonly #parts: OutboundParts;
  readonly #peer: SocketAddress;
  readonly #own: OwnAddress;
  #peerLength = 0;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
    this.#peer = new SocketAddress(parts.libc);
    this.#own = new OwnAddress(parts);
  }

  /** `dispatcher.request` must describe the connection. @returns a socket that is connecting, or a negated errno */
  open(slot: number): number {
    const { connections, dispatcher } = this.#parts;
    const { target } = dispatcher;
    this.#peerLength = this.#peer.encode(target.family, target.address, target.port);
    if (target.isTransparent) return this.#openAsClient();
    if (target.sources > 0) return this.#openFromList(connections.service[slot]);
    const fd = this.#socket();
    return fd < 0 ? fd : this.#connect(fd);
  }

  #openAsClient(): number {
    const fd = this.#openTransparent(this.#parts.dispatcher.request.clientPort);
    return this.#own.isTaken(fd) ? this.#openTransparent(0) : fd;
  }

  #openTransparent(port: number): number {
    const fd = this.#socket();
    if (fd < 0) return fd;
    const bound = this.#own.takeClient(fd, port, true);
    return bound < 0 ? this.#drop(fd, bound) : this.#connect(fd);
  }

  /** Goes round the addresses once. */
  #openFromList(service: number): number {
    let fd = -EADDRNOTAVAIL;
    for (let left = this.#parts.dispatcher.target.sources; left > 0; left--) {
      fd = this.#socket();
      if (fd < 0) return fd;
      const bound = this.#own.takeNext(fd, service);
      fd = bound < 0 ? this.#drop(fd, bound) : this.#connect(fd);
      if (!this.#own.isExhausted(fd)) return fd;
    }
    return fd;
  }

  /** @returns the descriptor, or a negated errno and the socket is closed */
  #connect(fd: number): number {
    const { libc, acks } = this.#parts;
    acks.hold(fd);
    const result = libc.connect(fd, this.#peer.address, this.#peerLength);
    return result < 0 && result !== -EINPROGRESS ? this.#drop(fd, result) : fd;
  }

  #socket(): number {
    const { libc, dispatcher, reserve } = this.#parts;
    const domain = dispatcher.target.family === 6 ? AF_INET6 : AF_INET;
    const fd = libc.socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    // The client got the last descriptor: the reserve makes its connection whole.
    return fd === -EMFILE || fd === -ENFILE ? reserve.take(domain) : fd;
  }

  #drop(fd: number, result: number): number {
    this.#parts.libc.close(fd);
    return result;
  }
}
