/**
 * What realservers answer, on its way to the clients. Answers of many flows are collected, each read into the place that it
 * is sent from, and sent by one system call for all that leave by the same socket. A flow whose answers are more than its
 * questions is read by several datagrams at once. Hot path: no allocation, no throw.
 */
import type { Dispatcher } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import type { PlaneMemory } from "../memory.js";
import { EndReason } from "../records.js";
import type { LoopClock } from "./clock.js";
import type { Libc } from "./libc.js";
import { EAGAIN, EINTR, MSG_NOSIGNAL } from "./linux.js";
import type { Tally } from "./tally.js";
import type { FlowEnding } from "./udp-ending.js";
import { FlowState, type Flows } from "./udp-flows.js";
import { DATAGRAM_BYTES, Messages } from "./udp-messages.js";
import { Ring } from "./udp-rings.js";

/** Answers collected. */
const CAPACITY = 32;
/** Answers of one flow read at once. */
const BURST = 16;

/** What answers are made of. */
export interface AnswersParts {
  readonly libc: Libc;
  readonly flows: Flows;
  readonly dispatcher: Dispatcher;
  readonly memory: PlaneMemory;
  readonly thread: number;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly ending: FlowEnding;
}

/** See the file's head. A flow must not be ended while answers of it are collected: `flush` before. */
export class Answers {
  readonly #parts: AnswersParts;
  readonly #messages: Messages;
  /** Flow of each message. */
  readonly #slots = new Int32Array(CAPACITY);
  #count = 0;
  /** Descriptor that all of them leave by. */
  #fd = -1;
  /** One-packet flows whose answer is among them. */
  readonly #finished = new Int32Array(CAPACITY);
  #finishedCount = 0;

  constructor(parts: AnswersParts) {
    this.#parts = parts;
    this.#messages = new Messages(parts.libc, CAPACITY, Messages.buffers(parts.libc, CAPACITY));
  }

  /** Reads what waits in a flow's socket: an answer, or that it was refused. */
  take(slot: number): void {
    const { flows } = this.#parts;
    const taken = this.#read(slot, flows.wasAnswered[slot] === 1 ? BURST : 1);
    if (taken >= 0 || taken === -EAGAIN || taken === -EINTR) return;
    // The error came before answers that wait behind it.
    while (this.#read(slot, BURST) > 0);
    this.flush();
    // A one-packet flow was ended by its answer.
    if (flows.state[slot] !== FlowState.FREE) this.#parts.ending.refuse(slot);
  }

  /** Sends what was collected. */
  flush(): void {
    const { libc, tally, ending } = this.#parts;
    for (let at = 0; at < this.#count; ) {
      const sent = libc.sendMessages(this.#fd, this.#messages.header(at), this.#count - at, MSG_NOSIGNAL);
      for (let i = at; i < at + sent; i++) this.#account(i);
      if (sent > 0) at += sent;
      else if (sent !== -EINTR) {
        // The error is the first one's, but a full buffer is full for all.
        const lost = sent === -EAGAIN ? this.#count - at : 1;
        for (let i = 0; i < lost; i++) tally.event(PlaneEventIndex.datagramDropped);
        at += lost;
      }
    }
    this.#count = 0;
    for (let i = 0; i < this.#finishedCount; i++) ending.end(this.#finished[i], EndReason.realserver);
    this.#finishedCount = 0;
  }

  /** Collects up to `most` answers. @returns how many, or a negated errno */
  #read(slot: number, most: number): number {
    const { libc, flows } = this.#parts;
    const messages = this.#messages;
    const replyFd = flows.replyFd[slot];
    if (this.#count === CAPACITY || (this.#count > 0 && this.#fd !== replyFd)) this.flush();
    this.#fd = replyFd;
    const first = this.#count;
    if (most === 1) {
      const bytes = libc.recv(flows.fd[slot], messages.buffer(first), DATAGRAM_BYTES, 0);
      if (bytes < 0) return bytes;
      this.#collect(slot, bytes);
      return 1;
    }
    const room = Math.min(most, CAPACITY - first);
    for (let i = first; i < first + room; i++) messages.bare(i, DATAGRAM_BYTES);
    const taken = libc.recvMessages(flows.fd[slot], messages.header(first), room, 0);
    for (let i = first; i < first + taken; i++) this.#collect(slot, messages.received(i));
    // A burst of one costs more than the `recv` that would have done: the next one is tried after one of these.
    if (taken === 1) flows.wasAnswered[slot] = 0;
    return taken;
  }

  #collect(slot: number, bytes: number): void {
    const { flows, clock } = this.#parts;
    const at = this.#count++;
    this.#slots[at] = slot;
    this.#messages.aim(
      at,
      bytes,
      flows.nameAddress(slot),
      flows.nameBytes(slot),
      flows.controlAddress(slot),
      flows.controlBytes(slot),
    );
    if (flows.answeredMs[slot] < 0) this.#answeredFirst(slot);
    flows.lastAnswerMs[slot] = clock.nowMs;
    flows.lastMs[slot] = clock.nowMs;
    flows.wasAnswered[slot] = 1;
    if (flows.state[slot] === FlowState.OPEN) flows.rings.touch(slot, Ring.ANSWERED, clock.nowMs);
  }

  #answeredFirst(slot: number): void {
    const { flows, dispatcher, clock } = this.#parts;
    flows.answeredMs[slot] = clock.nowMs;
    if (flows.state[slot] === FlowState.ONE_PACKET) {
      this.#finished[this.#finishedCount++] = slot;
    } else if (flows.server[slot] >= 0) {
      dispatcher.request.token = flows.token[slot];
      dispatcher.established(flows.service[slot], flows.server[slot]);
    }
  }

  #account(message: number): void {
    const { flows, memory, thread } = this.#parts;
    const slot = this.#slots[message];
    const bytes = this.#messages.length(message);
    flows.outBytes[slot] += bytes;
    const server = flows.server[slot];
    if (server < 0) return;
    const at = thread * memory.servers + server;
    memory.outBytes[at] += bytes;
    memory.outPackets[at]++;
  }
}
