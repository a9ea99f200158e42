/**
 * What clients send, on its way to the realservers: datagrams are read in batches, each goes through the connected socket
 * of its flow, and those that follow one another in the same flow by one system call. Hot path: no allocation, no throw.
 */
import { HeaderFormat, Transport } from "../../core/proxy-protocol/format.js";
import { HeaderWriter, WRITTEN_BYTES } from "../../core/proxy-protocol/header-writer.js";
import type { Dispatcher } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import type { PlaneMemory } from "../memory.js";
import type { LoopClock } from "./clock.js";
import type { Libc } from "./libc.js";
import {
  AF_INET6,
  ECONNREFUSED,
  EHOSTUNREACH,
  ENETUNREACH,
  IP_PKTINFO,
  IP_RECVORIGDSTADDR,
  IPV6_PKTINFO,
  IPV6_RECVORIGDSTADDR,
  MSG_NOSIGNAL,
} from "./linux.js";
import type { Tally } from "./tally.js";
import type { FlowEnding } from "./udp-ending.js";
import { type FlowKey, FlowState, type Flows, swap, swapPort } from "./udp-flows.js";
import type { DatagramListener } from "./udp-listeners.js";
import { CONTROL_WORDS, Messages, NAME_WORDS } from "./udp-messages.js";
import type { FlowOpener } from "./udp-opener.js";
import { Ring } from "./udp-rings.js";
import { RECENT_MS } from "./udp-times.js";

/** Datagrams read at once. */
const BATCH = 32;
/** Batches of one socket before others have their turn. */
const TURN_BATCHES = 4;
/** Batches taken from a socket that is to be closed. */
const LAST_BATCHES = 64;
/** Realservers that one datagram is offered to. */
const TRIES = 3;

/** What a receiver is made of. */
export interface ReceiverParts {
  readonly libc: Libc;
  readonly flows: Flows;
  readonly dispatcher: Dispatcher;
  readonly memory: PlaneMemory;
  readonly thread: number;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly ending: FlowEnding;
  readonly opener: FlowOpener;
}

/** See the file's head. */
export class Receiver {
  readonly #parts: ReceiverParts;
  readonly #received: Messages;
  /** The same datagrams without their senders, for connected sockets. */
  readonly #outgoing: Messages;
  readonly #key: FlowKey;
  readonly #header = new Uint8Array(WRITTEN_BYTES);
  readonly #headerWriter = new HeaderWriter(this.#header);

  constructor(parts: ReceiverParts) {
    const buffers = Messages.buffers(parts.libc, BATCH);
    this.#parts = parts;
    this.#received = new Messages(parts.libc, BATCH, buffers);
    this.#outgoing = new Messages(parts.libc, BATCH, buffers);
    this.#received.expect(BATCH);
    this.#key = {
      names: this.#received.names,
      nameAt: 0,
      listener: 0,
      isAny: false,
      destination: new Uint32Array(4),
      destinationPort: 0,
    };
  }

  /** Passes on what waits in a socket, up to a turn of it. */
  receive(listener: DatagramListener): void {
    for (let i = 0; i < TURN_BATCHES; i++) if (!this.#receiveBatch(listener)) return;
  }

  /** Passes on all that waits in a socket, before it is closed. */
  receiveLast(listener: DatagramListener): void {
    for (let i = 0; i < LAST_BATCHES; i++) if (!this.#receiveBatch(listener)) return;
  }

  /** @returns whether there may be more */
  #receiveBatch(listener: DatagramListener): boolean {
    const count = this.#parts.libc.recvMessages(listener.spec.fd, this.#received.header(0), BATCH, 0);
    // EAGAIN, EINTR; an unconnected socket has no errors of its own.
    if (count <= 0) return false;
    this.#aim(listener);
    for (let first = 0; first < count; ) {
      let last = first;
      if (!listener.isAny || this.#readDestination(first)) {
        while (last + 1 < count && this.#continues(first, last + 1)) last++;
        this.#pass(listener, first, last);
      }
      first = last + 1;
    }
    this.#received.expect(count);
    return count === BATCH;
  }

  #aim({ index, isAny, spec }: DatagramListener): void {
    const key = this.#key;
    key.listener = index;
    key.isAny = isAny;
    key.destinationPort = spec.port;
    for (let i = 0; i < 4; i++) key.destination[i] = spec.address[i];
  }

  /** Passes on the datagrams `first` to `last` of one client. */
  #pass(listener: DatagramListener, first: number, last: number): void {
    const { flows, ending, opener } = this.#parts;
    this.#key.nameAt = first * NAME_WORDS;
    let slot = flows.find(this.#key);
    let tries = 0;
    for (let at = first; at <= last; ) {
      let avoid = -1;
      if (slot >= 0 && flows.state[slot] === FlowState.REFUSED) {
        avoid = flows.server[slot];
        flows.release(slot);
        slot = -1;
      }
      if (slot < 0) slot = opener.open(this.#key, listener, avoid);
      if (slot < 0) {
        at++;
        continue;
      }
      // One-packet flows are good for one datagram.
      const isOnePacket = flows.state[slot] === FlowState.ONE_PACKET;
      const sent = this.#send(slot, at, isOnePacket ? at : last);
      if (sent > 0) at += sent;
      else if (isRefusal(sent) && tries++ < TRIES) {
        ending.refuse(slot);
        if (!isOnePacket) continue;
      } else {
        this.#parts.tally.event(PlaneEventIndex.datagramDropped);
        at++;
      }
      if (isOnePacket) slot = -1;
    }
  }

  /** Sends datagrams to a flow's realserver. @returns how many, or a negated errno */
  #send(slot: number, first: number, last: number): number {
    const { libc, flows, clock } = this.#parts;
    const fd = flows.fd[slot];
    let sent: number;
    if (flows.header[slot] !== HeaderFormat.NONE) {
      sent = this.#sendWithHeader(slot, first);
    } else if (first === last) {
      sent = libc.send(fd, this.#received.buffer(first), this.#received.received(first), MSG_NOSIGNAL);
      if (sent >= 0) sent = 1;
    } else {
      for (let i = first; i <= last; i++) this.#outgoing.bare(i, this.#received.received(i));
      sent = libc.sendMessages(fd, this.#outgoing.header(first), last - first + 1, MSG_NOSIGNAL);
    }
    if (sent > 0) this.#account(slot, first, sent);
    flows.lastMs[slot] = clock.nowMs;
    flows.wasAnswered[slot] = 0;
    if (flows.state[slot] === FlowState.OPEN) {
      const isAnswered = flows.rings.isAnswered(slot) && clock.nowMs - flows.lastAnswerMs[slot] <= RECENT_MS;
      flows.rings.touch(slot, isAnswered ? Ring.ANSWERED : Ring.UNANSWERED, clock.nowMs);
    }
    return sent;
  }

  /** A datagram may be lost or overtaken, so each has its PROXY header. @returns 1, or a negated errno */
  #sendWithHeader(slot: number, message: number): number {
    const { libc, flows, dispatcher, ending } = this.#parts;
    ending.describe(slot);
    const length = this.#headerWriter.write(flows.header[slot], dispatcher.request, Transport.DGRAM);
    const whole = this.#received.prepend(message, this.#header, length);
    const sent = libc.send(flows.fd[slot], whole, length + this.#received.received(message), MSG_NOSIGNAL);
    return sent < 0 ? sent : 1;
  }

  #account(slot: number, first: number, count: number): void {
    const { flows, memory, thread } = this.#parts;
    let bytes = 0;
    for (let i = first; i < first + count; i++) bytes += this.#received.received(i);
    flows.inBytes[slot] += bytes;
    const server = flows.server[slot];
    if (server < 0) return;
    const at = thread * memory.servers + server;
    memory.inBytes[at] += bytes;
    memory.inPackets[at] += count;
  }

  /** Whether the datagram `other` came from the same client to the same VIP as `first`. */
  #continues(first: number, other: number): boolean {
    const { names, controls } = this.#received;
    const a = first * NAME_WORDS;
    const b = other * NAME_WORDS;
    if (names[a] !== names[b] || names[a + 1] !== names[b + 1]) return false;
    if ((names[a] & 0xffff) === AF_INET6) {
      for (let i = 2; i < 7; i++) if (names[a + i] !== names[b + i]) return false;
    }
    if (!this.#key.isAny) return true;
    for (let i = 0; i < CONTROL_WORDS; i++) {
      if (controls[first * CONTROL_WORDS + i] !== controls[other * CONTROL_WORDS + i]) return false;
    }
    return true;
  }

  /** Reads into the key which address, and of a diverted datagram which port, the client spoke to. @returns false where nothing says */
  #readDestination(message: number): boolean {
    const { controls } = this.#received;
    const key = this.#key;
    const at = message * CONTROL_WORDS;
    const type = controls[at + 3];
    const isV6 = type === IPV6_PKTINFO || type === IPV6_RECVORIGDSTADDR;
    let from: number;
    // struct in_pktinfo: interface, local address, ...; in6_pktinfo: address, interface; a sockaddr has the port first.
    if (type === IP_PKTINFO || type === IP_RECVORIGDSTADDR) from = at + 5;
    else if (type === IPV6_PKTINFO) from = at + 4;
    else if (type === IPV6_RECVORIGDSTADDR) from = at + 6;
    else return false;
    const isDiverted = type === IP_RECVORIGDSTADDR || type === IPV6_RECVORIGDSTADDR;
    if (isDiverted) key.destinationPort = swapPort(controls[at + 4] >>> 16);
    key.destination[0] = swap(controls[from]);
    for (let i = 1; i < 4; i++) key.destination[i] = isV6 ? swap(controls[from + i]) : 0;
    return true;
  }
}

/** The realserver does not take the flow, or there is no way to it: another one may. */
function isRefusal(result: number): boolean {
  return result === -ECONNREFUSED || result === -EHOSTUNREACH || result === -ENETUNREACH;
}
