/**
 * All UDP flows of one thread as columns: who spoke to which VIP through which socket, and the realserver that this goes to.
 * A flow is a slot, found by its key through chained buckets. What a client looks like to the kernel stays with the
 * slot in memory of its own, so that answers are addressed without writing anything.
 *
 * A slot takes about 230 bytes; memory that was never used is never touched.
 *
 * | word of a row | IPv4 | IPv6 |
 * |---|---|---|
 * | 0 | family, port in network order | the same |
 * | 1 | address in network order | flow information |
 * | 2-5 | 0 | address |
 * | 6 | | scope |
 * | 8-19 | ancillary data that answers are sent with | the same |
 */
import type { Libc } from "./libc.js";
import { AF_INET6, IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO } from "./linux.js";
import { TabulationHash } from "./tabulation-hash.js";
import { CONTROL_WORDS, NAME_WORDS } from "./udp-messages.js";
import { FlowRings, Ring } from "./udp-rings.js";

/** What a slot is. */
export const FlowState = {
  FREE: 0,
  OPEN: 1,
  /** One-packet scheduling: waits for one answer, and is found by nobody. */
  ONE_PACKET: 2,
  /** Its realserver refused it: remembered, so that the next datagram goes to another one. */
  REFUSED: 3,
} as const;

/** Words of a slot's row. */
const ROW_WORDS = NAME_WORDS + CONTROL_WORDS;
/** The key of a datagram: who sent it, in words as the kernel writes them, and through which socket to which VIP. */
export interface FlowKey {
  /** NAME_WORDS words of the sender's sockaddr, from `nameAt` on. */
  names: Uint32Array;
  nameAt: number;
  listener: number;
  /** The VIP has to be compared: the socket takes datagrams for several. */
  isAny: boolean;
  /** Four words in host order (core/address.ts). */
  readonly destination: Uint32Array;
  destinationPort: number;
}

/** The columns; see the file's head. */
export class Flows {
  readonly capacity: number;
  /** A slot beyond all others, for what comes to nothing. */
  readonly scratch: number;
  /** The slots in use by their age. */
  readonly rings: FlowRings;
  /** Slots in use. */
  count = 0;
  /** No slot from here on has ever been used. */
  high = 0;

  readonly state: Uint8Array;
  /** Socket towards the realserver. */
  readonly fd: Int32Array;
  /** Changes with each use of the slot, so that an event of a former flow is recognised. */
  readonly generation: Int32Array;
  /** Index of the socket that the client sends to. */
  readonly listener: Int32Array;
  /** Descriptor that answers leave by. */
  readonly replyFd: Int32Array;
  readonly service: Int32Array;
  /** Realserver slot or Verdict.SORRY. */
  readonly server: Int32Array;
  /** The dispatcher's mark on the flow. */
  readonly token: Int32Array;
  /** PROXY header that goes before each datagram to the realserver, bits of HeaderFormat. */
  readonly header: Uint8Array;
  readonly family: Uint8Array;
  /** The VIP, four words a slot in host order. */
  readonly destination: Uint32Array;
  readonly destinationPort: Uint16Array;
  /** Loop clock, ms. */
  readonly openedMs: Float64Array;
  /** Of the first answer; -1 until then. */
  readonly answeredMs: Float64Array;
  readonly lastAnswerMs: Float64Array;
  /** Of the last datagram either way. */
  readonly lastMs: Float64Array;
  readonly inBytes: Float64Array;
  readonly outBytes: Float64Array;
  /** 1: the last datagram was an answer. */
  readonly wasAnswered: Uint8Array;

  readonly #rows: Uint32Array;
  readonly #rowsAddress: number;
  readonly #controlBytes: Uint8Array;
  /** First slot of each bucket + 1; 0: empty. A power of two long. */
  readonly #buckets: Int32Array;
  /** Next slot of the bucket + 1. */
  readonly #next: Int32Array;
  readonly #hashes: Int32Array;
  readonly #hash = new TabulationHash(40);
  readonly #free: Int32Array;
  #freeCount = 0;

  constructor(libc: Pick<Libc, "allocate">, capacity: number) {
    const slots = capacity + 1;
    const rows = libc.allocate(slots * ROW_WORDS * 4);
    this.capacity = capacity;
    this.scratch = capacity;
    this.rings = new FlowRings(capacity);
    this.state = new Uint8Array(slots);
    this.fd = new Int32Array(slots);
    this.generation = new Int32Array(slots);
    this.listener = new Int32Array(slots);
    this.replyFd = new Int32Array(slots);
    this.service = new Int32Array(slots);
    this.server = new Int32Array(slots);
    this.token = new Int32Array(slots);
    this.header = new Uint8Array(slots);
    this.family = new Uint8Array(slots);
    this.destination = new Uint32Array(slots * 4);
    this.destinationPort = new Uint16Array(slots);
    this.openedMs = new Float64Array(slots);
    this.answeredMs = new Float64Array(slots);
    this.lastAnswerMs = new Float64Array(slots);
    this.lastMs = new Float64Array(slots);
    this.inBytes = new Float64Array(slots);
    this.outBytes = new Float64Array(slots);
    this.wasAnswered = new Uint8Array(slots);
    this.#rows = new Uint32Array(rows.buffer);
    this.#rowsAddress = rows.address;
    this.#controlBytes = new Uint8Array(slots);
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(slots)));
    this.#next = new Int32Array(slots);
    this.#hashes = new Int32Array(slots);
    this.#free = new Int32Array(capacity);
  }

  get full(): boolean {
    return this.count === this.capacity;
  }

  /** The flow of a datagram, or -1. Hot path. */
  find(key: FlowKey): number {
    const hash = this.#hashOf(key);
    let slot = this.#buckets[hash & (this.#buckets.length - 1)] - 1;
    while (slot >= 0 && (this.#hashes[slot] !== hash || !this.#is(slot, key))) slot = this.#next[slot] - 1;
    return slot;
  }

  /** Writes into the scratch slot who sends what to whom. */
  describe(key: FlowKey, service: number, nowMs: number): void {
    this.#write(this.scratch, key, nowMs);
    this.service[this.scratch] = service;
  }

  /** Takes a slot for a flow whose realserver was found; there must be room. @param isFound later datagrams are to find it */
  open(key: FlowKey, nowMs: number, isFound: boolean): number {
    const slot = this.#freeCount > 0 ? this.#free[--this.#freeCount] : this.high++;
    this.count++;
    this.#write(slot, key, nowMs);
    this.state[slot] = isFound ? FlowState.OPEN : FlowState.ONE_PACKET;
    if (isFound) {
      const hash = this.#hashOf(key);
      const bucket = hash & (this.#buckets.length - 1);
      this.#hashes[slot] = hash;
      this.#next[slot] = this.#buckets[bucket];
      this.#buckets[bucket] = slot + 1;
    }
    this.rings.add(slot, isFound ? Ring.UNANSWERED : Ring.SHORT, nowMs);
    return slot;
  }

  /** Answers leave from the flow's VIP: they are sent through a socket that has several. */
  sendFromDestination(slot: number): void {
    const at = slot * ROW_WORDS + NAME_WORDS;
    const isV6 = this.family[slot] === 6;
    const dataBytes = isV6 ? 20 : 12;
    this.#rows.fill(0, at, at + CONTROL_WORDS);
    this.#rows[at] = 16 + dataBytes;
    this.#rows[at + 2] = isV6 ? IPPROTO_IPV6 : IPPROTO_IP;
    this.#rows[at + 3] = isV6 ? IPV6_PKTINFO : IP_PKTINFO;
    if (isV6) for (let i = 0; i < 4; i++) this.#rows[at + 4 + i] = swap(this.destination[slot * 4 + i]);
    else this.#rows[at + 5] = swap(this.destination[slot * 4]);
    this.#controlBytes[slot] = isV6 ? 40 : 32;
  }

  /** Gives a slot back. Its socket is gone already. */
  release(slot: number): void {
    if (this.state[slot] !== FlowState.ONE_PACKET) this.#forget(slot);
    this.rings.remove(slot);
    this.count--;
    this.state[slot] = FlowState.FREE;
    this.generation[slot]++;
    this.#free[this.#freeCount++] = slot;
  }

  /** Address of the client's sockaddr, and its length in bytes. */
  nameAddress(slot: number): number {
    return this.#rowsAddress + slot * ROW_WORDS * 4;
  }

  nameBytes(slot: number): number {
    return this.family[slot] === 6 ? 28 : 16;
  }

  /** Address of the ancillary data of answers, and its length in bytes: 0 is none. */
  controlAddress(slot: number): number {
    return this.#rowsAddress + (slot * ROW_WORDS + NAME_WORDS) * 4;
  }

  controlBytes(slot: number): number {
    return this.#controlBytes[slot];
  }

  clientPort(slot: number): number {
    return swapPort(this.#rows[slot * ROW_WORDS] >>> 16);
  }

  /** Writes the client's address as four words (core/address.ts) to `words[offset]` and on. */
  decodeClient(slot: number, words: Uint32Array | Float64Array, offset: number): void {
    const at = slot * ROW_WORDS;
    const isV6 = this.family[slot] === 6;
    for (let i = 0; i < 4; i++) words[offset + i] = isV6 ? swap(this.#rows[at + 2 + i]) : 0;
    if (!isV6) words[offset] = swap(this.#rows[at + 1]);
  }

  #write(slot: number, key: FlowKey, nowMs: number): void {
    const at = slot * ROW_WORDS;
    const { names, nameAt } = key;
    for (let i = 0; i < NAME_WORDS; i++) this.#rows[at + i] = names[nameAt + i];
    this.family[slot] = (names[nameAt] & 0xffff) === AF_INET6 ? 6 : 4;
    this.#controlBytes[slot] = 0;
    this.listener[slot] = key.listener;
    for (let i = 0; i < 4; i++) this.destination[slot * 4 + i] = key.destination[i];
    this.destinationPort[slot] = key.destinationPort;
    this.token[slot] = 0;
    this.openedMs[slot] = nowMs;
    this.answeredMs[slot] = -1;
    this.lastAnswerMs[slot] = Number.NEGATIVE_INFINITY;
    this.lastMs[slot] = nowMs;
    this.inBytes[slot] = 0;
    this.outBytes[slot] = 0;
    this.wasAnswered[slot] = 0;
  }

  #is(slot: number, key: FlowKey): boolean {
    const { names, nameAt } = key;
    const at = slot * ROW_WORDS;
    if (this.listener[slot] !== key.listener) return false;
    if (this.#rows[at] !== names[nameAt] || this.#rows[at + 1] !== names[nameAt + 1]) return false;
    if (this.family[slot] === 6) {
      for (let i = 2; i < 7; i++) if (this.#rows[at + i] !== names[nameAt + i]) return false;
    }
    if (!key.isAny) return true;
    if (this.destinationPort[slot] !== key.destinationPort) return false;
    for (let i = 0; i < 4; i++) if (this.destination[slot * 4 + i] !== key.destination[i]) return false;
    return true;
  }

  #hashOf({ names, nameAt, listener, isAny, destination, destinationPort }: FlowKey): number {
    const hash = this.#hash;
    hash.begin();
    hash.addHalf(names[nameAt] >>> 16);
    hash.addHalf(listener);
    hash.addWord(names[nameAt + 1]);
    if ((names[nameAt] & 0xffff) === AF_INET6) for (let i = 2; i < 6; i++) hash.addWord(names[nameAt + i]);
    if (!isAny) return hash.value;
    hash.addHalf(destinationPort);
    for (let i = 0; i < 4; i++) hash.addWord(destination[i]);
    return hash.value;
  }

  /** Out of its bucket. */
  #forget(slot: number): void {
    const bucket = this.#hashes[slot] & (this.#buckets.length - 1);
    if (this.#buckets[bucket] === slot + 1) {
      this.#buckets[bucket] = this.#next[slot];
      return;
    }
    let before = this.#buckets[bucket] - 1;
    while (this.#next[before] !== slot + 1) before = this.#next[before] - 1;
    this.#next[before] = this.#next[slot];
  }
}

/** Between network order and host order (both architectures are little-endian). */
export function swap(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** The same for a port. */
export function swapPort(port: number): number {
  return ((port & 0xff) << 8) | (port >>> 8);
}
