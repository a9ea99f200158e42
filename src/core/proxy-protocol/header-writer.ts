/**
 * Writes PROXY protocol headers into one piece of memory that is reused: addresses in, length out. Hot path: no
 * allocation, no throw.
 */
import { randomBytes } from "node:crypto";
import { crc32c } from "./crc32c.js";
import {
  ADDRESS_BYTES,
  Command,
  HeaderFamily,
  HeaderFormat,
  TLV_HEAD_BYTES,
  TlvType,
  Transport,
  V2_SIGNATURE,
} from "./format.js";

/** Room that any header needs: version 1 has at most 107 bytes, version 2 with all its TLVs 90. */
export const WRITTEN_BYTES = 128;

/** Digits of a unique id: 16 of the writer, 12 of a count. */
const ID_DIGITS = 28;
const HEX = [..."0123456789abcdef"].map((digit) => digit.charCodeAt(0));
const V1_TCP4 = [..."PROXY TCP4 "].map((character) => character.charCodeAt(0));
const V1_TCP6 = [..."PROXY TCP6 "].map((character) => character.charCodeAt(0));
const SPACE = 32;
const COLON = 58;
const DOT = 46;
const ZERO = 48;
const COUNT_LIMIT = 2 ** 48;

/** Whom a header speaks of; addresses are four words as in core/address.ts, both of one family (4 or 6). */
export interface HeaderAddresses {
  readonly family: number;
  readonly client: ArrayLike<number>;
  readonly clientPort: number;
  readonly destination: ArrayLike<number>;
  readonly destinationPort: number;
}

/** What a health check sends where connections get a header: it speaks for nobody (2.1 UNKNOWN, 2.2 LOCAL). */
export function ownHeader(version: 1 | 2): Uint8Array {
  return version === 1
    ? Buffer.from("PROXY UNKNOWN\r\n", "latin1")
    : Uint8Array.from([...V2_SIGNATURE, 0x20 | Command.LOCAL, 0, 0, 0]);
}

/** See the file's head. The id that `unique-id` sends is different in each header of each writer: 28 hexadecimal digits. */
export class HeaderWriter {
  readonly #bytes: Uint8Array;
  readonly #seed = randomBytes(8);
  #at = 0;
  #count = 0;
  /** Where the double colon of an IPv6 address is, in groups, and for how many it stands. */
  #zeroesAt = -1;
  #zeroes = 0;

  /** @param bytes at least WRITTEN_BYTES; headers begin at 0 */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * Writes one header.
   * @param format bits of HeaderFormat, V1 or V2 among them
   * @param transport of Transport; version 1 knows TCP only (2.1)
   * @returns its length in bytes
   */
  write(format: number, addresses: HeaderAddresses, transport: number = Transport.STREAM): number {
    this.#at = 0;
    if ((format & HeaderFormat.V1) !== 0) this.#writeV1(addresses);
    else this.#writeV2(format, addresses, transport);
    return this.#at;
  }

  #writeV1({ family, client, clientPort, destination, destinationPort }: HeaderAddresses): void {
    const start = family === 4 ? V1_TCP4 : V1_TCP6;
    for (let i = 0; i < start.length; i++) this.#byte(start[i]);
    this.#text(family, client);
    this.#byte(SPACE);
    this.#text(family, destination);
    this.#byte(SPACE);
    this.#decimal(clientPort);
    this.#byte(SPACE);
    this.#decimal(destinationPort);
    this.#byte(13);
    this.#byte(10);
  }

  #writeV2(format: number, addresses: HeaderAddresses, transport: number): void {
    const family = addresses.family === 4 ? HeaderFamily.INET : HeaderFamily.INET6;
    const words = addresses.family === 4 ? 1 : 4;
    for (let i = 0; i < V2_SIGNATURE.length; i++) this.#byte(V2_SIGNATURE[i]);
    this.#byte(0x20 | Command.PROXY);
    this.#byte((family << 4) | transport);
    this.#short(ADDRESS_BYTES[family] + tlvBytes(format));
    for (let i = 0; i < words; i++) this.#word(addresses.client[i]);
    for (let i = 0; i < words; i++) this.#word(addresses.destination[i]);
    this.#short(addresses.clientPort);
    this.#short(addresses.destinationPort);
    if ((format & HeaderFormat.UNIQUE_ID) !== 0) this.#uniqueId();
    if ((format & HeaderFormat.CRC32C) !== 0) this.#checksum();
  }

  #uniqueId(): void {
    this.#count = (this.#count + 1) % COUNT_LIMIT;
    this.#byte(TlvType.UNIQUE_ID);
    this.#short(ID_DIGITS);
    for (let i = 0; i < 8; i++) this.#hexadecimal(this.#seed[i], 2);
    this.#hexadecimal(this.#count / 0x1000000, 6);
    this.#hexadecimal(this.#count % 0x1000000, 6);
  }

  /** The last TLV: it is the checksum of all that was written, with itself as 0 (2.2.3). */
  #checksum(): void {
    this.#byte(TlvType.CRC32C);
    this.#short(4);
    const at = this.#at;
    this.#word(crc32c(this.#bytes, 0, at + 4, at));
  }

  #text(family: number, words: ArrayLike<number>): void {
    if (family === 4) {
      for (let shift = 24; shift >= 0; shift -= 8) {
        this.#decimal((words[0] >>> shift) & 255);
        if (shift > 0) this.#byte(DOT);
      }
      return;
    }
    this.#findZeroes(words);
    for (let group = 0; group < 8; ) {
      if (group === this.#zeroesAt) {
        if (group === 0) this.#byte(COLON);
        this.#byte(COLON);
        group += this.#zeroes;
        continue;
      }
      const value = groupOf(words, group);
      this.#hexadecimal(value, value > 0xfff ? 4 : value > 0xff ? 3 : value > 0xf ? 2 : 1);
      if (++group < 8) this.#byte(COLON);
    }
  }

  /** The longest run of zero groups, two at least: a double colon stands for it (RFC 5952), as receivers log the text. */
  #findZeroes(words: ArrayLike<number>): void {
    this.#zeroesAt = -1;
    this.#zeroes = 1;
    for (let group = 0, run = 0; group < 8; group++) {
      run = groupOf(words, group) === 0 ? run + 1 : 0;
      if (run <= this.#zeroes) continue;
      this.#zeroes = run;
      this.#zeroesAt = group - run + 1;
    }
  }

  /** @param value 0 to 65535 */
  #decimal(value: number): void {
    let unit = value > 9999 ? 10000 : value > 999 ? 1000 : value > 99 ? 100 : value > 9 ? 10 : 1;
    for (; unit >= 1; unit = (unit / 10) | 0) this.#byte(ZERO + (((value / unit) | 0) % 10));
  }

  #hexadecimal(value: number, digits: number): void {
    for (let i = digits - 1; i >= 0; i--) this.#byte(HEX[(value >>> (4 * i)) & 15]);
  }

  #byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  #short(value: number): void {
    this.#byte(value >>> 8);
    this.#byte(value);
  }

  #word(value: number): void {
    this.#short(value >>> 16);
    this.#short(value);
  }
}

function groupOf(words: ArrayLike<number>, group: number): number {
  const word = words[group >> 1];
  return (group & 1) === 0 ? word >>> 16 : word & 0xffff;
}

function tlvBytes(format: number): number {
  const uniqueId = (format & HeaderFormat.UNIQUE_ID) !== 0 ? TLV_HEAD_BYTES + ID_DIGITS : 0;
  return uniqueId + ((format & HeaderFormat.CRC32C) !== 0 ? TLV_HEAD_BYTES + 4 : 0);
}
