/**
 * struct sockaddr_in and sockaddr_in6 in memory that is reused for every call.
 *
 * | byte | sockaddr_in (16) | sockaddr_in6 (28) |
 * |---|---|---|
 * | 0 | family, host order, 2 bytes | the same |
 * | 2 | port, network order, 2 bytes | the same |
 * | 4 | address, 4 bytes | flow information |
 * | 8 | zero | address, 16 bytes |
 * | 24 | | scope, host order |
 */
import type { Libc } from "./libc.js";
import { AF_INET, AF_INET6 } from "./linux.js";

const LENGTH_V4 = 16;
const LENGTH_V6 = 28;

/** One socket address, and the length word that accept4 and getsockname want beside it. Hot path throughout. */
export class SocketAddress {
  /** For system calls: of the sockaddr, and of its length. */
  readonly address: number;
  readonly lengthAddress: number;
  readonly #bytes: Uint8Array;
  readonly #family: Uint16Array;
  readonly #scope: Uint32Array;
  readonly #length: Int32Array;

  constructor(libc: Pick<Libc, "allocate">) {
    const memory = libc.allocate(32);
    this.address = memory.address;
    this.lengthAddress = memory.address + LENGTH_V6;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#family = new Uint16Array(memory.buffer, 0, 1);
    this.#scope = new Uint32Array(memory.buffer, 24, 1);
    this.#length = new Int32Array(memory.buffer, LENGTH_V6, 1);
  }

  /** Writes an address. @param scope interface index of a link-local one. @returns its length in bytes */
  encode(family: number, words: ArrayLike<number>, port: number, scope = 0): number {
    const bytes = this.#bytes;
    bytes[2] = port >>> 8;
    bytes[3] = port;
    if (family === 4) {
      this.#family[0] = AF_INET;
      this.#writeWord(4, words[0]);
      this.#writeWord(8, 0);
      this.#writeWord(12, 0);
      return LENGTH_V4;
    }
    this.#family[0] = AF_INET6;
    this.#writeWord(4, 0);
    for (let i = 0; i < 4; i++) this.#writeWord(8 + 4 * i, words[i]);
    this.#scope[0] = scope;
    return LENGTH_V6;
  }

  /** Says to the kernel that there is room for either family. */
  expect(): void {
    this.#length[0] = LENGTH_V6;
  }

  /** 4 or 6. */
  get family(): number {
    return this.#family[0] === AF_INET6 ? 6 : 4;
  }

  get port(): number {
    return (this.#bytes[2] << 8) | this.#bytes[3];
  }

  /** Writes the address as four words (core/address.ts) to `words[offset]` and on. */
  decode(words: Uint32Array, offset: number): void {
    if (this.#family[0] === AF_INET6) {
      for (let i = 0; i < 4; i++) words[offset + i] = this.#readWord(8 + 4 * i);
      return;
    }
    words[offset] = this.#readWord(4);
    words[offset + 1] = 0;
    words[offset + 2] = 0;
    words[offset + 3] = 0;
  }

  #writeWord(at: number, word: number): void {
    const bytes = this.#bytes;
    bytes[at] = word >>> 24;
    bytes[at + 1] = word >>> 16;
    bytes[at + 2] = word >>> 8;
    bytes[at + 3] = word;
  }

  #readWord(at: number): number {
    const bytes = this.#bytes;
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
}
