/**
 * All connections of one thread as columns. A connection is a slot; each of its two sockets is an *end*: slot × 2 for the
 * client's, the next number for the realserver's, so `end ^ 1` is the other end and `end >> 1` the connection. Slots are
 * reused last freed first, so a thread's memory stays as dense as its connections are many; memory that was never used
 * is never touched. A connection takes about 190 bytes.
 */
import { MAX_TRIED } from "../dispatcher.js";
import type { LoopClock } from "./clock.js";

/** What a slot is doing. */
export const State = {
  FREE: 0,
  CONNECTING: 1,
  RELAYING: 2,
  /** its PROXY header is waited for */ OPENING: 3,
} as const;

/** Bits of the column `flags`, one word an end. */
export const EndFlag = {
  /** Bytes or a FIN may be waiting in this end's socket. */
  READABLE: 1,
  /**
   * A short read does not mean that the socket is drained: a FIN, an error or an urgent mark comes behind it, and the
   * edge that announced it was the last one. Read until nothing is left.
   */
  EAGER: 2,
  /** The FIN of this end has been read. */
  EOF: 4,
  /** This end has been sent our FIN; all that came before it from the other end is written. */
  SHUT: 8,
  /** This end takes no more bytes until EPOLLOUT. */
  BLOCKED: 16,
  /** What this end sends is carried by splice. */
  BULK: 32,
  /** This end has sent urgent data: splice stops at the mark, so it is not used. */
  URGENT: 64,
  /** This end has been sent something. */
  SENT: 128,
  /** TCP_NODELAY is set. */
  NO_DELAY: 256,
  /** In the queue of those that have used up their turn. Survives the end itself, as its place in the queue does. */
  QUEUED: 512,
  /** This end is gone; what it left is still passed on. */
  BROKEN: 1024,
  /** This end has sent its FIN, and was whole then: a short read takes all that was before it. */
  ENDED: 2048,
  /** This realserver's socket is connected, and waits for the client's first bytes to send its header with them. */
  HEADER_WAITS: 4096,
  /** This realserver's socket has its client's address, and mostly its port. */
  CLIENTS_PORT: 8192,
} as const;

/** Realservers that failed, per connection: one more than there can be redispatches. */
export const TRIED_SLOTS = MAX_TRIED + 1;

/** The columns; see the file's head. */
export class Connections {
  readonly capacity: number;
  /** Connections that exist. */
  count = 0;
  /** No slot from here on has ever been used. */
  high = 0;

  // Per end.
  readonly fd: Int32Array;
  readonly flags: Uint16Array;
  /** Changes whenever the end gets another socket, so that an event of the former one is recognised. */
  readonly generation: Int32Array;
  /** Buffer that holds what was read from this end and could not be written, 0: none. */
  readonly buffer: Uint16Array;
  /** Pipe that this end's bytes go through now, 0: none. */
  readonly pipe: Uint16Array;
  /** Bytes from this end that were written to the other. */
  readonly bytes: Float64Array;
  /** IP packets of the client's socket that are counted already: what it received, with the other end what it sent. */
  readonly packets: Uint32Array;

  // Per slot.
  readonly state: Uint8Array;
  /** 1 between the dispatcher's `established` and `halfClosed`. */
  readonly active: Uint8Array;
  /** End whose FIN was carried over first, as side + 1; 0: none yet. */
  readonly firstFin: Uint8Array;
  readonly service: Int32Array;
  /** Realserver slot or a Verdict. */
  readonly server: Int32Array;
  /** The dispatcher's mark on the connection. */
  readonly token: Int32Array;
  readonly family: Uint8Array;
  /** Four words a slot. */
  readonly client: Uint32Array;
  readonly clientPort: Uint16Array;
  readonly destination: Uint32Array;
  readonly destinationPort: Uint16Array;
  /** Loop clock, ms. */
  readonly acceptedMs: Float64Array;
  /** -1 until connected. */
  readonly connectedMs: Float64Array;
  /** While connecting, or waiting for a header: when that began. Then: when the last byte or FIN was carried. */
  readonly lastMs: Float64Array;
  /** When its packets were counted last. */
  readonly countedMs: Float64Array;
  /** For connecting, or for the header. */
  readonly connectTimeoutMs: Int32Array;
  /** Longest PROXY header that is accepted, bytes; while one is waited for. */
  readonly headerLimit: Uint16Array;
  /** PROXY header that the realserver is sent, bits of HeaderFormat. */
  readonly header: Uint8Array;
  /** TRIED_SLOTS a slot. */
  readonly tried: Int32Array;
  readonly triedCount: Uint8Array;

  readonly #free: Int32Array;
  #freeCount = 0;

  constructor(capacity: number) {
    const ends = capacity * 2;
    this.capacity = capacity;
    this.fd = new Int32Array(ends);
    this.flags = new Uint16Array(ends);
    this.generation = new Int32Array(ends);
    this.buffer = new Uint16Array(ends);
    this.pipe = new Uint16Array(ends);
    this.bytes = new Float64Array(ends);
    this.packets = new Uint32Array(ends);
    this.state = new Uint8Array(capacity);
    this.active = new Uint8Array(capacity);
    this.firstFin = new Uint8Array(capacity);
    this.service = new Int32Array(capacity);
    this.server = new Int32Array(capacity);
    this.token = new Int32Array(capacity);
    this.family = new Uint8Array(capacity);
    this.client = new Uint32Array(capacity * 4);
    this.clientPort = new Uint16Array(capacity);
    this.destination = new Uint32Array(capacity * 4);
    this.destinationPort = new Uint16Array(capacity);
    this.acceptedMs = new Float64Array(capacity);
    this.connectedMs = new Float64Array(capacity);
    this.lastMs = new Float64Array(capacity);
    this.countedMs = new Float64Array(capacity);
    this.connectTimeoutMs = new Int32Array(capacity);
    this.headerLimit = new Uint16Array(capacity);
    this.header = new Uint8Array(capacity);
    this.tried = new Int32Array(capacity * TRIED_SLOTS);
    this.triedCount = new Uint8Array(capacity);
    this.#free = new Int32Array(capacity);
  }

  get full(): boolean {
    return this.count === this.capacity;
  }

  /** Takes a slot for a client's socket; the columns of addresses and decisions are the caller's to fill. */
  open(clientFd: number, clock: Pick<LoopClock, "nowMs">): number {
    const slot = this.#freeCount > 0 ? this.#free[--this.#freeCount] : this.high++;
    const client = slot * 2;
    this.count++;
    this.state[slot] = State.CONNECTING;
    this.active[slot] = 0;
    this.firstFin[slot] = 0;
    this.triedCount[slot] = 0;
    this.token[slot] = 0;
    this.acceptedMs[slot] = clock.nowMs;
    this.connectedMs[slot] = -1;
    this.countedMs[slot] = clock.nowMs;
    this.attach(client, clientFd, EndFlag.SENT | EndFlag.NO_DELAY);
    this.attach(client + 1, -1, 0);
    return slot;
  }

  /** Gives an end a (new) socket. */
  attach(end: number, fd: number, flags: number): void {
    this.fd[end] = fd;
    this.flags[end] = (this.flags[end] & EndFlag.QUEUED) | flags;
    this.generation[end]++;
    this.bytes[end] = 0;
    this.packets[end] = 0;
  }

  /** Gives a slot back. Its sockets, buffers and pipes are gone already. */
  release(slot: number): void {
    this.count--;
    this.state[slot] = State.FREE;
    this.generation[slot * 2]++;
    this.generation[slot * 2 + 1]++;
    this.#free[this.#freeCount++] = slot;
  }
}
