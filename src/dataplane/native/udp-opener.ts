/**
 * Begins UDP flows: asks the dispatcher, makes a socket that is connected to the realserver, and asks again when the system
 * says at once that it cannot be reached. Hot path: no allocation, no throw.
 */
import { datagramFormat } from "../../core/proxy-protocol/format.js";
import { type Dispatcher, Verdict } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import type { PlaneMemory } from "../memory.js";
import { EndReason } from "../records.js";
import type { LoopClock } from "./clock.js";
import type { Libc } from "./libc.js";
import {
  AF_INET,
  AF_INET6,
  EADDRNOTAVAIL,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  errnoName,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "./linux.js";
import { OwnAddress } from "./own-address.js";
import type { Poller } from "./poller.js";
import { SocketAddress } from "./sockaddr.js";
import type { Tally } from "./tally.js";
import type { Trouble } from "./trouble.js";
import type { FlowEnding } from "./udp-ending.js";
import type { FlowKey, Flows } from "./udp-flows.js";
import type { DatagramListener } from "./udp-listeners.js";
import type { ReplySockets } from "./udp-replies.js";
import type { FlowTimes } from "./udp-times.js";

/** Realservers that are asked for one datagram, when the system knows no way to them. */
const TRIES = 3;

/** What an opener is made of. */
export interface FlowOpenerParts {
  readonly libc: Libc;
  readonly flows: Flows;
  readonly dispatcher: Dispatcher;
  readonly memory: PlaneMemory;
  readonly thread: number;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly poller: Poller;
  readonly trouble: Trouble;
  readonly ending: FlowEnding;
  readonly times: FlowTimes;
  readonly replies: ReplySockets;
}

/** See the file's head. */
export class FlowOpener {
  readonly #parts: FlowOpenerParts;
  readonly #address: SocketAddress;
  readonly #own: OwnAddress;

  constructor(parts: FlowOpenerParts) {
    this.#parts = parts;
    this.#address = new SocketAddress(parts.libc);
    this.#own = new OwnAddress(parts);
  }

  /**
   * Opens a flow for a datagram. @param avoid realserver that has just refused the client, or -1
   * @returns its slot, or -1 where nobody takes the datagram
   */
  open(key: FlowKey, listener: DatagramListener, avoid: number): number {
    const { flows, times, dispatcher } = this.#parts;
    const { service } = listener.spec;
    let refused = avoid;
    for (let tries = 0; tries < TRIES; tries++) {
      if (flows.full) times.evict();
      flows.describe(key, service, this.#parts.clock.nowMs);
      this.#parts.ending.describe(flows.scratch);
      const verdict = dispatcher.dispatchFlow(service, refused);
      if (verdict < 0 && verdict !== Verdict.SORRY) {
        this.#turnAway(verdict);
        return -1;
      }
      const slot = this.#take(key, listener, verdict);
      const isEquipped = flows.fd[slot] >= 0 && flows.replyFd[slot] >= 0;
      if (isEquipped && this.#connect(slot)) return slot;
      // For want of a descriptor or a port of the host another realserver would not help.
      if (!isEquipped) {
        this.#parts.ending.end(slot, EndReason.connectFailed);
        return -1;
      }
      refused = verdict;
      this.#parts.ending.refuse(slot);
      const remains = flows.find(key);
      if (remains >= 0) flows.release(remains);
    }
    return -1;
  }

  /** Takes a slot for what was decided; its descriptors are negative where the system had none. */
  #take(key: FlowKey, listener: DatagramListener, verdict: number): number {
    const { flows, dispatcher, memory, thread, clock, tally } = this.#parts;
    const { target } = dispatcher;
    // Before the slot is there: for want of a descriptor a flow may have to give way, and must not be this one.
    const fd = this.#socket(target.family === 6 ? AF_INET6 : AF_INET);
    const slot = flows.open(key, clock.nowMs, !target.isOnePacket);
    flows.fd[slot] = fd;
    tally.event(PlaneEventIndex.flowOpened);
    if (verdict === Verdict.SORRY) tally.event(PlaneEventIndex.sorry);
    memory.threadFlows[thread]++;
    flows.service[slot] = listener.spec.service;
    flows.server[slot] = verdict;
    flows.token[slot] = target.token;
    flows.header[slot] = datagramFormat(target.header);
    flows.replyFd[slot] = this.#replyFd(slot, key, listener);
    return slot;
  }

  #connect(slot: number): boolean {
    const { libc, flows, dispatcher, poller, trouble } = this.#parts;
    const { target } = dispatcher;
    if (this.#takeAddress(slot) < 0) return false;
    const length = this.#address.encode(target.family, target.address, target.port);
    const connected = libc.connect(flows.fd[slot], this.#address.address, length);
    if (connected === -EADDRNOTAVAIL) trouble.noSourcePort();
    if (connected < 0) return false;
    const watched = poller.addFlow(flows.fd[slot], slot, flows.generation[slot]);
    if (watched < 0) trouble.starved("epoll_ctl", errnoName(-watched));
    return watched === 0;
  }

  /** The client's own address, one of a list, or none: then `connect` chooses. */
  #takeAddress(slot: number): number {
    const { flows, dispatcher, ending } = this.#parts;
    const { request, target } = dispatcher;
    const fd = flows.fd[slot];
    if (target.isTransparent) {
      // To make room for it another flow may have been ended, and described.
      ending.describe(slot);
      // Shared, a port would have the answers of one of its flows go to another.
      const bound = this.#own.takeClient(fd, request.clientPort, false);
      return this.#own.isTaken(bound) ? this.#own.takeClient(fd, 0, false) : bound;
    }
    let bound = 0;
    for (let left = target.sources; left > 0; left--) {
      bound = this.#own.takeNext(fd, flows.service[slot]);
      if (!this.#own.isExhausted(bound)) return bound;
    }
    return bound;
  }

  /** What answers leave by: the socket that the client sends to, unless it is not bound to what the client spoke to. */
  #replyFd(slot: number, key: FlowKey, listener: DatagramListener): number {
    const { flows, replies, trouble } = this.#parts;
    if (!listener.isDiverted) {
      if (listener.isAny) flows.sendFromDestination(slot);
      return listener.spec.fd;
    }
    const fd = replies.acquire(listener.spec.family, key.destination, key.destinationPort);
    if (fd < 0) trouble.noReplySocket(errnoName(-fd));
    return fd;
  }

  /** A socket towards a realserver. Where the process has no descriptor left, the flow that rests longest gives way. */
  #socket(domain: number): number {
    const { libc, times, trouble } = this.#parts;
    const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    let fd = libc.socket(domain, type, 0);
    if ((fd === -EMFILE || fd === -ENFILE) && times.evict()) fd = libc.socket(domain, type, 0);
    if (fd === -EMFILE || fd === -ENFILE || fd === -ENOBUFS || fd === -ENOMEM) {
      trouble.starved("socket", errnoName(-fd));
    }
    return fd;
  }

  #turnAway(verdict: number): void {
    const { tally, ending } = this.#parts;
    if (verdict === Verdict.SERVICE_LIMIT) {
      tally.event(PlaneEventIndex.serviceLimit);
      ending.tellRefusal(verdict, EndReason.serviceLimit);
    } else if (verdict === Verdict.SOURCE_LIMIT) {
      tally.event(PlaneEventIndex.sourceLimit);
      ending.tellRefusal(verdict, EndReason.sourceLimit);
    } else {
      tally.event(PlaneEventIndex.noServer);
      ending.tellRefusal(verdict, EndReason.noServer);
    }
  }
}
