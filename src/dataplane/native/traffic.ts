/**
 * What happens at the two ends of a connection: bytes, FINs and resets of either end, and what that does to the other.
 *
 * | end A | what becomes of end B | then |
 * |---|---|---|
 * | sends bytes | is sent them; while it takes none, A is not read | |
 * | sends a FIN | is sent what is left, then a FIN | `halfClosed` if it is the first |
 * | sends a FIN after B has | the same, by closing | both are closed |
 * | is reset | is sent what A sent before, as far as it takes it, then a reset | both are closed |
 *
 * Hot path throughout: no allocation, no throw.
 */
import type { Dispatcher } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import { EndReason } from "../records.js";
import type { LoopClock } from "./clock.js";
import type { Closer } from "./closer.js";
import { type Connections, EndFlag, State } from "./connections.js";
import type { Connector } from "./connector.js";
import type { HeaderReader } from "./header-reader.js";
import type { Libc } from "./libc.js";
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  SHUT_WR,
  SO_OOBINLINE,
  SO_REUSEADDR,
  SOL_SOCKET,
} from "./linux.js";
import { ReadyQueue } from "./ready-queue.js";
import { type Relay, Stop } from "./relay.js";
import type { Tally } from "./tally.js";

const {
  READABLE,
  EAGER,
  EOF,
  SHUT,
  BLOCKED,
  BULK,
  URGENT,
  QUEUED,
  BROKEN,
  ENDED,
  HEADER_WAITS,
  CLIENTS_PORT,
} = EndFlag;
const BROKEN_EVENTS = EPOLLERR | EPOLLHUP;

/** What traffic is made of. */
export interface TrafficParts {
  readonly libc: Libc;
  readonly connections: Connections;
  readonly dispatcher: Dispatcher;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly closer: Closer;
  readonly connector: Connector;
  readonly headers: HeaderReader;
  readonly relay: Relay;
}

/** See the file's head. */
export class Traffic {
  readonly #libc: Libc;
  readonly #connections: Connections;
  readonly #dispatcher: Dispatcher;
  readonly #clock: LoopClock;
  readonly #tally: Tally;
  readonly #closer: Closer;
  readonly #connector: Connector;
  readonly #headers: HeaderReader;
  readonly #relay: Relay;
  readonly #ready: ReadyQueue;

  constructor(parts: TrafficParts) {
    this.#libc = parts.libc;
    this.#connections = parts.connections;
    this.#dispatcher = parts.dispatcher;
    this.#clock = parts.clock;
    this.#tally = parts.tally;
    this.#closer = parts.closer;
    this.#connector = parts.connector;
    this.#headers = parts.headers;
    this.#relay = parts.relay;
    this.#ready = new ReadyQueue(parts.connections);
  }

  /** Whether ends wait for their turn. */
  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** An event of an end. @param events bits of epoll */
  handle(end: number, events: number): void {
    const { flags, state } = this.#connections;
    if ((events & EPOLLPRI) !== 0) this.#heedUrgent(end);
    let f = flags[end];
    if ((events & EPOLLIN) !== 0) f |= READABLE;
    if ((events & EPOLLRDHUP) !== 0) f |= READABLE | EAGER;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) === EPOLLRDHUP) f |= ENDED;
    flags[end] = f;
    const slot = end >> 1;
    if (state[slot] === State.CONNECTING) {
      this.#handleConnecting(slot, end, events);
      return;
    }
    if (state[slot] === State.OPENING) {
      this.#headers.handle(slot, events);
      return;
    }
    if ((events & EPOLLERR) !== 0) {
      this.#breakOff(end);
      return;
    }
    if ((events & EPOLLHUP) !== 0) f |= READABLE | EAGER;
    const unblocked = (events & EPOLLOUT) !== 0 && (f & BLOCKED) !== 0;
    if (unblocked) f &= ~BLOCKED;
    flags[end] = f;
    if (unblocked && !this.#carry(end ^ 1)) return;
    // One that waits for its turn takes no other before it.
    if ((f & (READABLE | QUEUED)) === READABLE) this.#carry(end);
  }

  /** Gives those their turn that have more to carry than the last one allowed. */
  serveReady(): void {
    const { state } = this.#connections;
    for (let left = this.#ready.length; left > 0; left--) {
      const end = this.#ready.shift();
      if (state[end >> 1] === State.RELAYING) this.#carry(end);
    }
  }

  #handleConnecting(slot: number, end: number, events: number): void {
    const { flags } = this.#connections;
    const broken = (events & BROKEN_EVENTS) !== 0;
    if ((end & 1) === 0) {
      if (broken) this.#connector.abandon(slot, EndReason.clientGone);
      else if ((flags[end ^ 1] & HEADER_WAITS) !== 0) this.begin(slot);
    } else if (broken) {
      this.#connector.refused(slot);
    } else if ((events & EPOLLOUT) !== 0) {
      this.begin(slot);
    }
  }

  /** The realserver's socket is connected: carries what has come meanwhile. */
  begin(slot: number): void {
    const { flags } = this.#connections;
    if (!this.#connector.connected(slot)) return;
    const client = slot * 2;
    const lead = this.#connector.headerBytes;
    if (lead > 0) {
      if (!this.#settle(client, this.#relay.carryBehind(client, lead))) return;
    } else if ((flags[client] & READABLE) !== 0 && !this.#carry(client)) return;
    if ((flags[client + 1] & READABLE) !== 0) this.#carry(client + 1);
  }

  /** Carries what `end` has sent, and acts on how that stops. @returns whether the connection is still there */
  #carry(end: number): boolean {
    return this.#settle(end, this.#relay.carry(end));
  }

  /** Acts on how carrying what `end` has sent stopped. @param stop one of `Stop` @returns whether the connection is still there */
  #settle(end: number, stop: number): boolean {
    switch (stop) {
      case Stop.WAIT:
        return true;
      case Stop.TURN_OVER:
        this.#ready.push(end);
        return true;
      case Stop.FINISHED:
        return this.#passFin(end);
      case Stop.BROKEN:
        this.#abort(end);
        return false;
      default:
        this.#breakOff(end ^ 1);
        return false;
    }
  }

  /** `end` has finished and all of it is written: its FIN goes to the other end. */
  #passFin(end: number): boolean {
    const { fd, flags, firstFin, active, service, server, lastMs } = this.#connections;
    const peer = end ^ 1;
    const slot = end >> 1;
    if ((flags[peer] & SHUT) !== 0) return true;
    flags[peer] |= SHUT;
    if (firstFin[slot] !== 0) {
      // Closing sends the second FIN: no shutdown before it.
      this.#closer.finish(slot, firstFin[slot] === 1 ? EndReason.client : EndReason.realserver);
      return false;
    }
    // Who ends a connection keeps its port for a minute (TIME_WAIT), and the client may use its own again before that.
    if ((flags[peer] & CLIENTS_PORT) !== 0) this.#libc.setIntOption(fd[peer], SOL_SOCKET, SO_REUSEADDR, 1);
    this.#libc.shutdown(fd[peer], SHUT_WR);
    firstFin[slot] = (end & 1) + 1;
    lastMs[slot] = this.#clock.nowMs;
    if (active[slot] === 1) {
      active[slot] = 0;
      this.#dispatcher.halfClosed(service[slot], server[slot]);
    }
    return true;
  }

  /** `end` is broken: what it sent before that is passed on as far as the other end takes it, then the reset. */
  #breakOff(end: number): void {
    const { flags } = this.#connections;
    if ((flags[end] & EOF) === 0) {
      flags[end] = (flags[end] | READABLE | EAGER | BROKEN) & ~BULK;
      while (this.#relay.carry(end) === Stop.TURN_OVER);
    }
    this.#abort(end);
  }

  /** Resets the other end, because `end` is gone. */
  #abort(end: number): void {
    const byClient = (end & 1) === 0;
    this.#tally.event(byClient ? PlaneEventIndex.clientReset : PlaneEventIndex.realserverReset);
    this.#closer.reset(end >> 1, byClient ? EndReason.clientReset : EndReason.realserverReset);
  }

  /** Urgent data stays in the stream, where it was sent; splice stops at its mark, so the direction is copied. */
  #heedUrgent(end: number): void {
    const { fd, flags } = this.#connections;
    if ((flags[end] & URGENT) === 0) this.#libc.setIntOption(fd[end], SOL_SOCKET, SO_OOBINLINE, 1);
    flags[end] = (flags[end] | READABLE | EAGER | URGENT) & ~BULK;
  }
}
