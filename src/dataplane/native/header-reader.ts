/**
 * Stands between accepting and connecting: asks whether the client sends a PROXY protocol header, and reads it as it
 * comes. Until it is whole its bytes stay in the socket, which is looked into (MSG_PEEK), so a connection that waits needs
 * no buffer; then they are dropped, and the client that the header names is the one that is dispatched.
 *
 * Hot path: no allocation, no throw.
 */
import { HeaderFault, HeaderParser } from "../../core/proxy-protocol/header-parser.js";
import { type Dispatcher, Opening, Verdict } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import { EndReason } from "../records.js";
import type { Buffers } from "./buffers.js";
import type { Closer } from "./closer.js";
import { type Connections, EndFlag, State } from "./connections.js";
import type { Connector } from "./connector.js";
import type { Libc } from "./libc.js";
import { EAGAIN, EPOLLERR, EPOLLHUP, MSG_PEEK, MSG_TRUNC } from "./linux.js";
import type { Tally } from "./tally.js";

const { READABLE, EAGER } = EndFlag;

/** What a header reader is made of. */
export interface HeaderReaderParts {
  readonly libc: Libc;
  readonly connections: Connections;
  readonly dispatcher: Dispatcher;
  readonly buffers: Buffers;
  readonly closer: Closer;
  readonly connector: Connector;
  readonly tally: Tally;
}

/** See the file's head. */
export class HeaderReader {
  readonly #parts: HeaderReaderParts;
  readonly #parser = new HeaderParser();
  /** Connections whose header is waited for now. */
  pending = 0;

  constructor(parts: HeaderReaderParts) {
    this.#parts = parts;
  }

  /**
   * Takes a connection that was just accepted and whose request is described.
   * @param watched what registering the client's socket returned: 0, or a negated errno
   */
  begin(slot: number, watched: number): void {
    const { connections, dispatcher, connector, tally, closer } = this.#parts;
    const opening = watched < 0 ? Opening.PLAIN : dispatcher.opening(connections.service[slot]);
    if (opening === Opening.PLAIN) {
      connector.begin(slot, watched);
      return;
    }
    connections.server[slot] = Verdict.NO_SERVER;
    if (opening === Opening.REFUSED) {
      tally.event(PlaneEventIndex.proxyRefused);
      closer.reset(slot, EndReason.proxyRefused);
      return;
    }
    this.pending++;
    connections.state[slot] = State.OPENING;
    connections.lastMs[slot] = connections.acceptedMs[slot];
    connections.connectTimeoutMs[slot] = dispatcher.target.headerTimeoutMs;
    connections.headerLimit[slot] = dispatcher.target.headerLimit;
  }

  /** An event of a connection whose header is waited for; READABLE and EAGER are set already. @param events bits of epoll */
  handle(slot: number, events: number): void {
    const { flags } = this.#parts.connections;
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.abandon(slot, EndReason.clientGone);
    else if ((flags[slot * 2] & READABLE) !== 0) this.#read(slot);
  }

  /** The time for the header is over. */
  timedOut(slot: number): void {
    this.#parts.tally.event(PlaneEventIndex.proxyHeaderTimeout);
    this.abandon(slot, EndReason.proxyHeaderTimeout);
  }

  /** Gives up a connection whose header is waited for. @param reason of EndReason */
  abandon(slot: number, reason: number): void {
    const { connections, dispatcher, closer } = this.#parts;
    this.pending--;
    dispatcher.opened(connections.service[slot]);
    closer.reset(slot, reason);
  }

  #read(slot: number): void {
    const { libc, connections, buffers } = this.#parts;
    const client = slot * 2;
    const limit = connections.headerLimit[slot];
    const n = libc.recv(connections.fd[client], buffers.scratch, limit, MSG_PEEK);
    if (n === -EAGAIN) {
      connections.flags[client] &= ~READABLE;
      return;
    }
    // Who leaves without a byte has asked for nothing: a check of a port, mostly.
    if (n <= 0) {
      this.abandon(slot, EndReason.clientGone);
      return;
    }
    const answer = this.#parser.parse(buffers.scratchBytes, n, limit);
    if (answer > 0) this.#accept(slot, answer, n);
    else if (answer < 0) this.#refuse(slot, answer);
    else if ((connections.flags[client] & EAGER) !== 0) this.#refuse(slot, HeaderFault.MALFORMED);
    else connections.flags[client] &= ~READABLE;
  }

  /** @param length of the header @param seen bytes that were there, as far as the limit goes */
  #accept(slot: number, length: number, seen: number): void {
    const { libc, connections, dispatcher, buffers, closer, connector } = this.#parts;
    const client = slot * 2;
    // MSG_TRUNC makes TCP drop bytes without copying them.
    libc.recv(connections.fd[client], buffers.scratch, length, MSG_TRUNC);
    // Nothing was behind it: the next byte makes a new edge.
    if (seen === length && (connections.flags[client] & EAGER) === 0) connections.flags[client] &= ~READABLE;
    const { header } = this.#parser;
    if (header.hasAddresses) {
      connections.family[slot] = header.family;
      for (let i = 0; i < 4; i++) {
        connections.client[slot * 4 + i] = header.client[i];
        connections.destination[slot * 4 + i] = header.destination[i];
      }
      connections.clientPort[slot] = header.clientPort;
      connections.destinationPort[slot] = header.destinationPort;
    }
    this.pending--;
    dispatcher.opened(connections.service[slot]);
    connections.state[slot] = State.CONNECTING;
    closer.describe(slot);
    connector.begin(slot, 0);
  }

  #refuse(slot: number, fault: number): void {
    const { tally } = this.#parts;
    if (fault === HeaderFault.MISSING) {
      tally.event(PlaneEventIndex.proxyHeaderMissing);
      this.abandon(slot, EndReason.proxyHeaderMissing);
    } else {
      tally.event(PlaneEventIndex.proxyHeaderInvalid);
      this.abandon(slot, EndReason.proxyHeaderInvalid);
    }
  }
}
