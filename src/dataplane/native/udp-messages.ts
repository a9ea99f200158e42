/**
 * An array of struct mmsghdr for recvmmsg and sendmmsg, each with one buffer that holds the largest datagram there is, in
 * memory that is reused for every call (64-bit systems). Hot path: no allocation, no throw.
 *
 * | word | mmsghdr (16 words) | cmsghdr |
 * |---|---|---|
 * | 0, 1 | address of the sockaddr | length with this header |
 * | 2 | its length | level |
 * | 3 | | type |
 * | 4, 5 | address of the iovec | data |
 * | 6, 7 | number of iovecs | |
 * | 8, 9 | address of the ancillary data | |
 * | 10, 11 | its length | |
 * | 12 | flags | |
 * | 14 | bytes received or sent | |
 */
import type { Libc, NativeMemory } from "./libc.js";

/** More than the 65,507 bytes that a datagram can have. */
export const DATAGRAM_BYTES = 65_536;
/** Buffers begin at different cache sets: at a distance of a power of two they would push one another out. */
const BUFFER_STRIDE = DATAGRAM_BYTES + 320;
/** Bytes before each buffer that are free, for what goes before a datagram. */
const HEADROOM = 128;

const HEADER_WORDS = 16;
const NAME_LENGTH = 2;
const CONTROL_LENGTH = 10;
const RECEIVED = 14;

/** Words of a sockaddr's place: sockaddr_in6 and what fills it up. */
export const NAME_WORDS = 8;
const NAME_BYTES = 28;
/** Words of the place for ancillary data: one piece of the largest kind that is asked for. */
export const CONTROL_WORDS = 12;

const WORD = 2 ** 32;

/** See the file's head. */
export class Messages {
  readonly capacity: number;
  /** Senders of what was received, NAME_WORDS each, as the kernel writes them. */
  readonly names: Uint32Array;
  /** Ancillary data of what was received, CONTROL_WORDS each. */
  readonly controls: Uint32Array;
  readonly #headers: Uint32Array;
  readonly #address: number;
  readonly #lengths: Uint32Array;
  readonly #namesAddress: number;
  readonly #controlsAddress: number;
  /** Held, as the kernel is given nothing but its address. */
  readonly #buffers: NativeMemory;
  readonly #bytes: Uint8Array;

  /** @param buffers of `Messages.buffers`, with room for `capacity` datagrams; several objects may share them */
  constructor(libc: Pick<Libc, "allocate">, capacity: number, buffers: NativeMemory) {
    const words = (count: number): [Uint32Array, number] => {
      const memory = libc.allocate(capacity * count * 4);
      return [new Uint32Array(memory.buffer), memory.address];
    };
    const [iovecs, iovecsAddress] = words(4);
    this.capacity = capacity;
    [this.#headers, this.#address] = words(HEADER_WORDS);
    [this.names, this.#namesAddress] = words(NAME_WORDS);
    [this.controls, this.#controlsAddress] = words(CONTROL_WORDS);
    this.#lengths = iovecs;
    this.#buffers = buffers;
    this.#bytes = new Uint8Array(buffers.buffer);
    for (let i = 0; i < capacity; i++) {
      setAddress(iovecs, i * 4, this.buffer(i));
      setAddress(this.#headers, i * HEADER_WORDS + 4, iovecsAddress + i * 16);
      this.#headers[i * HEADER_WORDS + 6] = 1;
    }
  }

  /** Memory for the datagrams of `capacity` messages; pages that no datagram reaches cost nothing. */
  static buffers(libc: Pick<Libc, "allocate">, capacity: number): NativeMemory {
    return libc.allocate(HEADROOM + capacity * BUFFER_STRIDE);
  }

  /** Address of a message's bytes. */
  buffer(index: number): number {
    return this.#buffers.address + HEADROOM + index * BUFFER_STRIDE;
  }

  /** Copies `length` bytes, at most HEADROOM, in front of a message's. @returns address of the whole */
  prepend(index: number, bytes: Uint8Array, length: number): number {
    const at = HEADROOM + index * BUFFER_STRIDE - length;
    for (let i = 0; i < length; i++) this.#bytes[at + i] = bytes[i];
    return this.#buffers.address + at;
  }

  /** Address of the headers from a message on, for system calls. */
  header(index: number): number {
    return this.#address + index * HEADER_WORDS * 4;
  }

  /** Bytes that a message was received with. */
  received(index: number): number {
    return this.#headers[index * HEADER_WORDS + RECEIVED];
  }

  /** Bytes that a message is to be sent with. */
  length(index: number): number {
    return this.#lengths[index * 4 + 2];
  }

  /** Makes the first `count` messages ready to be received with their senders and ancillary data. */
  expect(count: number): void {
    for (let i = 0; i < count; i++) {
      const name = this.#namesAddress + i * NAME_WORDS * 4;
      const control = this.#controlsAddress + i * CONTROL_WORDS * 4;
      this.aim(i, DATAGRAM_BYTES, name, NAME_BYTES, control, CONTROL_WORDS * 4);
    }
  }

  /** Makes a message ready for a connected socket: to be sent with `bytes` bytes, or received with at most so many. */
  bare(index: number, bytes: number): void {
    this.aim(index, bytes, 0, 0, 0, 0);
  }

  /** Makes a message ready to be sent to a sockaddr, with ancillary data. */
  aim(index: number, bytes: number, name: number, nameBytes: number, control: number, controlBytes: number) {
    const at = index * HEADER_WORDS;
    setAddress(this.#headers, at, name);
    this.#headers[at + NAME_LENGTH] = nameBytes;
    setAddress(this.#headers, at + 8, control);
    this.#headers[at + CONTROL_LENGTH] = controlBytes;
    this.#lengths[index * 4 + 2] = bytes;
  }
}

/** Writes a 64-bit address as two words; a bigint would be allocated. */
function setAddress(words: Uint32Array, at: number, address: number): void {
  words[at] = address;
  words[at + 1] = address / WORD;
}
