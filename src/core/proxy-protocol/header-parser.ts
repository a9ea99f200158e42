/**
 * Reads PROXY protocol headers, both versions, from bytes that may come in pieces: it is given all that has come so far,
 * as often as some has. What a header says stands in `header`, which is reused. Nothing is guessed: bytes that are no
 * header are a fault, whatever they look like (2, "must not try to guess").
 *
 * Hot path: no allocation, no throw, and no byte beyond those given is read.
 */
import { crc32c } from "./crc32c.js";
import {
  ADDRESS_BYTES,
  Command,
  HeaderFamily,
  MAX_V1_BYTES,
  TLV_HEAD_BYTES,
  TlvType,
  Transport,
  V1_PREFIX,
  V2_FIXED_BYTES,
  V2_SIGNATURE,
} from "./format.js";
import { LineParser } from "./line-parser.js";

/** What is wrong with bytes that should be a header: answers of `parse` below 0. */
export const HeaderFault = {
  /** They begin with neither signature. */
  MISSING: -1,
  /** They begin as a header and do not go on as one. */
  MALFORMED: -2,
  /** The header says to be longer than is accepted. */
  TOO_LONG: -3,
  /** Its CRC32c does not fit. */
  CHECKSUM: -4,
} as const;

/** What the last complete header said. */
export interface ParsedHeader {
  /**
   * Whether it carries addresses. If not (UNKNOWN, LOCAL, unix sockets, another transport than TCP), those of the
   * connection count, and the fields below are meaningless.
   */
  hasAddresses: boolean;
  /** 4 or 6, of both addresses. */
  family: number;
  readonly client: Uint32Array;
  clientPort: number;
  readonly destination: Uint32Array;
  destinationPort: number;
}

/** See the file's head. One for a thread. */
export class HeaderParser {
  readonly header: ParsedHeader = {
    hasAddresses: false,
    family: 4,
    client: new Uint32Array(4),
    clientPort: 0,
    destination: new Uint32Array(4),
    destinationPort: 0,
  };
  readonly #line = new LineParser();

  /**
   * @param bytes what the connection has sent so far stands in its first `length` bytes
   * @param limit longest header that is accepted; version 1 has its own bound
   * @returns the header's length where it is complete; 0 where more must come; or one of HeaderFault
   */
  parse(bytes: Uint8Array, length: number, limit: number): number {
    if (length === 0) return 0;
    const isText = bytes[0] === V1_PREFIX[0];
    const signature = isText ? V1_PREFIX : V2_SIGNATURE;
    const known = Math.min(length, signature.length);
    for (let i = 0; i < known; i++) if (bytes[i] !== signature[i]) return HeaderFault.MISSING;
    return isText ? this.#parseV1(bytes, length) : this.#parseV2(bytes, length, limit);
  }

  #parseV1(bytes: Uint8Array, length: number): number {
    const bound = Math.min(length, MAX_V1_BYTES);
    let end = V1_PREFIX.length;
    while (end < bound && bytes[end] !== 10) end++;
    if (end >= bound) return length < MAX_V1_BYTES ? 0 : HeaderFault.MALFORMED;
    return this.#line.parse(bytes, end, this.header) ? end + 1 : HeaderFault.MALFORMED;
  }

  #parseV2(bytes: Uint8Array, length: number, limit: number): number {
    if (length < V2_FIXED_BYTES) return 0;
    const command = bytes[12] & 15;
    const family = bytes[13] >>> 4;
    const transport = bytes[13] & 15;
    // Other values are reserved, and must be dropped (2.2).
    if (bytes[12] >>> 4 !== 2 || command > Command.PROXY) return HeaderFault.MALFORMED;
    if (family > HeaderFamily.UNIX || transport > Transport.DGRAM) return HeaderFault.MALFORMED;
    const total = V2_FIXED_BYTES + short(bytes, 14);
    if (total > limit) return HeaderFault.TOO_LONG;
    if (length < total) return 0;
    const { header } = this;
    header.hasAddresses = false;
    // What a LOCAL header or one without a family goes on with is to be skipped, whatever it is.
    if (command === Command.LOCAL || family === HeaderFamily.UNSPEC) return total;
    const tlvs = V2_FIXED_BYTES + ADDRESS_BYTES[family];
    if (total < tlvs) return HeaderFault.MALFORMED;
    const fault = checkTlvs(bytes, tlvs, total);
    if (fault < 0) return fault;
    if (family === HeaderFamily.UNIX || transport !== Transport.STREAM) return total;
    header.hasAddresses = true;
    this.#takeAddresses(bytes, family);
    return total;
  }

  #takeAddresses(bytes: Uint8Array, family: number): void {
    const { header } = this;
    const words = family === HeaderFamily.INET ? 1 : 4;
    header.family = family === HeaderFamily.INET ? 4 : 6;
    for (let i = 0; i < 4; i++) {
      header.client[i] = i < words ? word(bytes, V2_FIXED_BYTES + 4 * i) : 0;
      header.destination[i] = i < words ? word(bytes, V2_FIXED_BYTES + 4 * (words + i)) : 0;
    }
    const ports = V2_FIXED_BYTES + 8 * words;
    header.clientPort = short(bytes, ports);
    header.destinationPort = short(bytes, ports + 2);
  }
}

/** Whether TLVs fill the rest of the header exactly, and its checksum, where it has one, fits. @returns 0, or a fault */
function checkTlvs(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to) {
    if (to - at < TLV_HEAD_BYTES) return HeaderFault.MALFORMED;
    const length = short(bytes, at + 1);
    const value = at + TLV_HEAD_BYTES;
    if (length > to - value) return HeaderFault.MALFORMED;
    if (bytes[at] === TlvType.CRC32C) {
      if (length !== 4) return HeaderFault.MALFORMED;
      if (word(bytes, value) !== crc32c(bytes, 0, to, value)) return HeaderFault.CHECKSUM;
    }
    at = value + length;
  }
  return 0;
}

function short(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
