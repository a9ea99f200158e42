/**
 * Reads the line of a version 1 header (2.1): `PROXY TCP4 SOURCE DESTINATION SPORT DPORT`, with exactly one space between
 * words, numbers without leading zeroes, and IPv6 addresses as inet_ntop writes them, an IPv4 tail included.
 *
 * Hot path: no allocation, no throw. The line's end stops every loop, as no word goes over it.
 */
import { V1_PREFIX } from "./format.js";
import type { ParsedHeader } from "./header-parser.js";

const CR = 13;
const SPACE = 32;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const TCP = [84, 67, 80] as const;
const UNKNOWN: readonly number[] = [85, 78, 75, 78, 79, 87, 78];

/** See the file's head. */
export class LineParser {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Number that was read last. */
  #value = 0;
  readonly #groups = new Uint16Array(8);

  /**
   * @param bytes begin with V1_PREFIX
   * @param end index of the line's LF
   * @returns whether the line is a header; what it says is in `header`
   */
  parse(bytes: Uint8Array, end: number, header: ParsedHeader): boolean {
    this.#bytes = bytes;
    this.#at = V1_PREFIX.length;
    header.hasAddresses = false;
    if (bytes[end - 1] !== CR) return false;
    // What follows UNKNOWN is to be ignored.
    if (this.#takeWord(UNKNOWN)) return bytes[this.#at] === SPACE || this.#at === end - 1;
    if (!this.#takeWord(TCP)) return false;
    const family = bytes[this.#at++] - ZERO;
    if (family !== 4 && family !== 6) return false;
    if (!this.#take(SPACE) || !this.#address(family, header.client)) return false;
    if (!this.#take(SPACE) || !this.#address(family, header.destination)) return false;
    if (!this.#take(SPACE) || !this.#number(5, 65535)) return false;
    header.clientPort = this.#value;
    if (!this.#take(SPACE) || !this.#number(5, 65535)) return false;
    header.destinationPort = this.#value;
    header.family = family;
    header.hasAddresses = true;
    return this.#at === end - 1;
  }

  /** Goes over the character if it is the next one. */
  #take(character: number): boolean {
    if (this.#bytes[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #takeWord(word: readonly number[]): boolean {
    for (let i = 0; i < word.length; i++) if (this.#bytes[this.#at + i] !== word[i]) return false;
    this.#at += word.length;
    return true;
  }

  /** A decimal number into `#value`: no leading zeroes. */
  #number(maxDigits: number, max: number): boolean {
    const start = this.#at;
    let value = 0;
    while (this.#at - start < maxDigits) {
      const digit = this.#bytes[this.#at] - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      this.#at++;
    }
    const digits = this.#at - start;
    if (digits === 0 || value > max || (digits > 1 && this.#bytes[start] === ZERO)) return false;
    this.#value = value;
    return true;
  }

  #address(family: number, into: Uint32Array): boolean {
    if (family === 6) return this.#ipv6(into);
    if (!this.#dottedQuad()) return false;
    into[0] = this.#value;
    into[1] = 0;
    into[2] = 0;
    into[3] = 0;
    return true;
  }

  /** Four numbers with dots between them, as one unsigned word in `#value`. */
  #dottedQuad(): boolean {
    let address = 0;
    for (let part = 0; part < 4; part++) {
      if (part > 0 && !this.#take(DOT)) return false;
      if (!this.#number(3, 255)) return false;
      address = address * 256 + this.#value;
    }
    this.#value = address;
    return true;
  }

  #ipv6(into: Uint32Array): boolean {
    const groups = this.#groups;
    groups.fill(0);
    let count = 0;
    /** Where the double colon is. */
    let gap = -1;
    if (this.#take(COLON)) {
      if (!this.#take(COLON)) return false;
      gap = 0;
    }
    while (count < 8 && this.#bytes[this.#at] !== SPACE) {
      const start = this.#at;
      if (!this.#group()) return false;
      if (this.#bytes[this.#at] === DOT) {
        this.#at = start;
        if (count > 6 || !this.#dottedQuad()) return false;
        groups[count++] = this.#value >>> 16;
        groups[count++] = this.#value & 0xffff;
        break;
      }
      groups[count++] = this.#value;
      if (!this.#take(COLON)) break;
      if (this.#bytes[this.#at] === SPACE) return false;
      if (!this.#take(COLON)) continue;
      if (gap >= 0) return false;
      gap = count;
    }
    if (gap < 0 ? count !== 8 : count > 7) return false;
    if (gap >= 0) {
      groups.copyWithin(8 - (count - gap), gap, count);
      groups.fill(0, gap, 8 - (count - gap));
    }
    for (let i = 0; i < 4; i++) into[i] = (groups[2 * i] << 16) | groups[2 * i + 1];
    return true;
  }

  /** One to four hexadecimal digits. */
  #group(): boolean {
    const start = this.#at;
    let value = 0;
    while (this.#at - start < 4) {
      const digit = hexDigit(this.#bytes[this.#at]);
      if (digit < 0) break;
      value = value * 16 + digit;
      this.#at++;
    }
    this.#value = value;
    return this.#at > start;
  }
}

function hexDigit(character: number): number {
  if (character >= ZERO && character <= 57) return character - ZERO;
  const letter = character | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
