/**
 * Brings a new connection to a realserver: asks the dispatcher, connects without blocking, and asks again when that
 * fails. The client notices nothing of it: what it sends meanwhile waits in its socket. Hot path: no allocation, no throw.
 */
import { constants } from "node:os";
import { HeaderFormat } from "../../core/proxy-protocol/format.js";
import { HeaderWriter } from "../../core/proxy-protocol/header-writer.js";
import { Verdict } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import { OWN_FAULTS } from "../own-faults.js";
import { EndReason } from "../records.js";
import type { Buffers } from "./buffers.js";
import type { LoopClock } from "./clock.js";
import type { Closer } from "./closer.js";
import { EndFlag, State, TRIED_SLOTS } from "./connections.js";
import { HOLD_MS } from "./held-acks.js";
import {
  EADDRNOTAVAIL,
  EAGAIN,
  ECONNREFUSED,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  ETIMEDOUT,
  errnoName,
  MSG_NOSIGNAL,
  SO_ERROR,
  SOL_SOCKET,
} from "./linux.js";
import { Outbound, type OutboundParts } from "./outbound.js";
import type { Poller } from "./poller.js";

const OWN_FAULT_NUMBERS: ReadonlySet<number> = new Set(OWN_FAULTS.map((name) => constants.errno[name]));

/** What a connector is made of. */
export interface ConnectorParts extends OutboundParts {
  readonly buffers: Buffers;
  readonly clock: LoopClock;
  readonly closer: Closer;
  readonly poller: Poller;
}

/** See the file's head. */
export class Connector {
  readonly #parts: ConnectorParts;
  readonly #outbound: Outbound;
  readonly #headers: HeaderWriter;
  /** After `connected`: bytes of a header that stand in the scratch buffer, to be sent with what the client has sent; 0: none. */
  headerBytes = 0;
  /** Connections that are being connected now. */
  pending = 0;

  constructor(parts: ConnectorParts) {
    this.#parts = parts;
    this.#outbound = new Outbound(parts);
    this.#headers = new HeaderWriter(parts.buffers.scratchBytes);
  }

  /**
   * Decides for a connection that was just accepted and whose request is described, and begins to connect.
   * @param watched what registering the client's socket returned: 0, or a negated errno
   */
  begin(slot: number, watched: number): void {
    const { connections, dispatcher, trouble } = this.#parts;
    this.pending++;
    if (watched < 0) {
      trouble.starved("epoll_ctl", errnoName(-watched));
      connections.server[slot] = Verdict.NO_SERVER;
      this.abandon(slot, EndReason.connectFailed);
      return;
    }
    const verdict = dispatcher.dispatch(connections.service[slot]);
    connections.server[slot] = verdict;
    connections.token[slot] = dispatcher.target.token;
    if (verdict >= 0 || verdict === Verdict.SORRY) this.#connect(slot);
    else this.#refuse(slot, verdict);
  }

  /**
   * The realserver's socket is connected.
   * @returns false where that is not the end of it: it takes no header, and is given up, or its header waits for the client's
   *   first bytes, with which this is called again
   */
  connected(slot: number): boolean {
    const { connections, dispatcher, clock, tally, acks } = this.#parts;
    this.headerBytes = 0;
    if (connections.header[slot] !== HeaderFormat.NONE) {
      if (this.#headerCanWait(slot)) return false;
      const sent = this.#sendHeader(slot);
      if (sent < 0) {
        this.#failed(slot, -sent);
        return false;
      }
    }
    if ((connections.flags[slot * 2] & EndFlag.READABLE) === 0) acks.connected(slot);
    this.pending--;
    connections.state[slot] = State.RELAYING;
    connections.connectedMs[slot] = clock.nowMs;
    connections.lastMs[slot] = clock.nowMs;
    if (connections.server[slot] < 0) return true;
    connections.active[slot] = 1;
    tally.event(PlaneEventIndex.established);
    dispatcher.request.token = connections.token[slot];
    dispatcher.established(connections.service[slot], connections.server[slot]);
    return true;
  }

  /** The realserver's socket has an error instead of a connection. */
  refused(slot: number): void {
    const error = this.#parts.libc.getIntOption(
      this.#parts.connections.fd[slot * 2 + 1],
      SOL_SOCKET,
      SO_ERROR,
    );
    this.#failed(slot, Math.abs(error));
  }

  /** The time to connect is over. */
  timedOut(slot: number): void {
    this.#failed(slot, ETIMEDOUT);
  }

  /** Gives up a connection that is still being connected. @param reason of EndReason */
  abandon(slot: number, reason: number): void {
    this.pending--;
    this.#parts.closer.reset(slot, reason);
  }

  /** Goes on with other realservers until one can be waited for. */
  #failed(slot: number, errno: number): void {
    const { connections, dispatcher, closer, tally } = this.#parts;
    this.#count(errno);
    this.#dropSocket(slot);
    const server = connections.server[slot];
    if (server >= 0 && !OWN_FAULT_NUMBERS.has(errno)) dispatcher.failed(server);
    const tries = connections.triedCount[slot];
    if (server < 0 || tries === TRIED_SLOTS) {
      this.abandon(slot, EndReason.connectFailed);
      return;
    }
    connections.tried[slot * TRIED_SLOTS + tries] = server;
    connections.triedCount[slot] = tries + 1;
    closer.describe(slot);
    const verdict = dispatcher.redispatch(
      connections.service[slot],
      connections.tried,
      slot * TRIED_SLOTS,
      tries + 1,
    );
    connections.server[slot] = verdict;
    connections.token[slot] = dispatcher.target.token;
    if (verdict >= 0) {
      tally.event(PlaneEventIndex.redispatched);
      this.#connect(slot);
    } else if (verdict === Verdict.SORRY) {
      this.#connect(slot);
    } else {
      this.abandon(slot, EndReason.connectFailed);
    }
  }

  /** Connects to the dispatcher's target. */
  #connect(slot: number): void {
    const { connections, dispatcher, clock, poller, tally } = this.#parts;
    if (connections.server[slot] === Verdict.SORRY) tally.event(PlaneEventIndex.sorry);
    connections.lastMs[slot] = clock.nowMs;
    connections.connectTimeoutMs[slot] = dispatcher.target.connectTimeoutMs;
    connections.header[slot] = dispatcher.target.header;
    const fd = this.#outbound.open(slot);
    if (fd < 0) {
      this.#failed(slot, -fd);
      return;
    }
    const end = slot * 2 + 1;
    connections.attach(end, fd, dispatcher.target.isTransparent ? EndFlag.CLIENTS_PORT : 0);
    // Registered after connect: before it, a socket reports EPOLLHUP.
    const added = poller.addEnd(fd, end, connections.generation[end]);
    if (added < 0) this.#failed(slot, -added);
  }

  /** Once a connection, while the client's first bytes are expected and not there. */
  #headerCanWait(slot: number): boolean {
    const { connections, acks } = this.#parts;
    const { flags, connectTimeoutMs } = connections;
    const end = slot * 2 + 1;
    const hasWaited = (flags[end] & EndFlag.HEADER_WAITS) !== 0;
    flags[end] &= ~EndFlag.HEADER_WAITS;
    if (hasWaited || (flags[end ^ 1] & EndFlag.READABLE) !== 0) return false;
    if (connectTimeoutMs[slot] < HOLD_MS || !acks.expects(slot)) return false;
    flags[end] |= EndFlag.HEADER_WAITS;
    return true;
  }

  /** With the client's first bytes at hand the header is left to them. @returns a negated errno where it is not taken */
  #sendHeader(slot: number): number {
    const { libc, connections, buffers, dispatcher, closer } = this.#parts;
    const end = slot * 2 + 1;
    closer.describe(slot);
    const length = this.#headers.write(connections.header[slot], dispatcher.request);
    if ((connections.flags[end ^ 1] & EndFlag.READABLE) !== 0) {
      this.headerBytes = length;
      return 0;
    }
    const sent = libc.send(connections.fd[end], buffers.scratch, length, MSG_NOSIGNAL);
    // Nagle's algorithm must not hold the client's bytes back until the header is acknowledged.
    connections.flags[end] |= EndFlag.SENT;
    if (sent < 0) return sent;
    return sent === length ? 0 : -EAGAIN;
  }

  #dropSocket(slot: number): void {
    const { libc, connections } = this.#parts;
    const end = slot * 2 + 1;
    if (connections.fd[end] < 0) return;
    libc.close(connections.fd[end]);
    connections.attach(end, -1, 0);
  }

  #refuse(slot: number, verdict: number): void {
    const { tally } = this.#parts;
    if (verdict === Verdict.SERVICE_LIMIT) {
      tally.event(PlaneEventIndex.serviceLimit);
      this.abandon(slot, EndReason.serviceLimit);
    } else if (verdict === Verdict.SOURCE_LIMIT) {
      tally.event(PlaneEventIndex.sourceLimit);
      this.abandon(slot, EndReason.sourceLimit);
    } else {
      tally.event(PlaneEventIndex.noServer);
      this.abandon(slot, EndReason.noServer);
    }
  }

  #count(errno: number): void {
    const { tally, trouble } = this.#parts;
    if (errno === ECONNREFUSED) {
      tally.event(PlaneEventIndex.connectRefused);
    } else if (errno === ETIMEDOUT) {
      tally.event(PlaneEventIndex.connectTimedOut);
    } else {
      tally.event(PlaneEventIndex.connectFailed);
      if (errno === EADDRNOTAVAIL) trouble.noSourcePort();
      else if (errno === EMFILE || errno === ENFILE || errno === ENOBUFS || errno === ENOMEM) {
        trouble.starved("socket", errnoName(errno));
      }
    }
  }
}
