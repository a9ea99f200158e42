/**
 * IP addresses as text and as 32-bit words.
 *
 * The control plane handles addresses as canonical text (`10.0.0.1`, `fd77::1`); columns and the data plane handle them
 * as four unsigned 32-bit words in host order. An IPv4 address uses word 0 only and leaves the others 0, so that the
 * kernel's fold of an address (the word itself, or the XOR of an IPv6 address's four words) is one expression for both.
 */
import { isIPv4, isIPv6 } from "node:net";

const DOT = ".".charCodeAt(0);
const ZERO = "0".charCodeAt(0);

/** Address family as the digit people write. */
export type Family = 4 | 6;

/** An address as numbers: family and four unsigned words, most significant first; IPv4 is `[address, 0, 0, 0]`. */
export interface IpAddress {
  readonly family: Family;
  readonly words: readonly [number, number, number, number];
}

/** An address and port, the address in canonical text. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * Parses an IPv4 dotted quad or an IPv6 address without zone and brackets.
 * @returns undefined where the text is no address; never throws.
 */
export function parseIp(text: string): IpAddress | undefined {
  if (isIPv4(text)) {
    return { family: 4, words: [parseDottedQuad(text), 0, 0, 0] };
  }
  if (!isIPv6(text) || text.includes("%")) {
    return undefined;
  }
  const groups = expandGroups(text);
  const word = (i: number): number => groups[2 * i] * 0x10000 + groups[2 * i + 1];
  return { family: 6, words: [word(0), word(1), word(2), word(3)] };
}

/** The canonical text of an address: dotted quad, or RFC 5952 (lower case, longest run of zero groups as `::`). */
export function formatIp(family: number, w0: number, w1 = 0, w2 = 0, w3 = 0): string {
  if (family === 4) {
    return `${(w0 >>> 24) & 255}.${(w0 >>> 16) & 255}.${(w0 >>> 8) & 255}.${w0 & 255}`;
  }
  const groups: number[] = [];
  for (const word of [w0, w1, w2, w3]) {
    groups.push((word >>> 16) & 0xffff, word & 0xffff);
  }
  const { start, length } = longestZeroRun(groups);
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

/** The canonical text of an address given as text, or undefined where it is none. */
export function canonicalIp(text: string): string | undefined {
  const address = parseIp(text);
  return address && formatIp(address.family, ...address.words);
}

/** `10.0.0.1:80`, `[fd77::1]:80`. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.address.includes(":")
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

/** The family of an address in canonical text. */
export function familyOf(address: string): Family {
  return address.includes(":") ? 6 : 4;
}

/**
 * Whether an address in canonical text can be that of a realserver: not 0/8, multicast or broadcast; of IPv6 not
 * unspecified, multicast or link-local (inet_addr_type, and ip_vs_add_dest in ip_vs_ctl.c).
 */
export function isUnicast(address: string): boolean {
  const ip = parseIp(address);
  if (ip === undefined) return false;
  const [first, ...rest] = ip.words;
  if (ip.family === 4) return first >>> 24 !== 0 && first >>> 28 !== 0xe && first !== 0xffffffff;
  const isUnspecified = first === 0 && rest.every((word) => word === 0);
  return !isUnspecified && first >>> 24 !== 0xff && first >>> 22 !== 0xfe80 >>> 6;
}

function parseDottedQuad(text: string): number {
  let value = 0;
  let part = 0;
  // Listings parse ten thousand addresses at once: no list of parts.
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      value = value * 256 + part;
      part = 0;
    } else {
      part = part * 10 + code - ZERO;
    }
  }
  return value * 256 + part;
}

function expandGroups(text: string): number[] {
  const lastColon = text.lastIndexOf(":");
  const tail = text.slice(lastColon + 1);
  if (tail.includes(".")) {
    const quad = parseDottedQuad(tail);
    const hex = `${Math.floor(quad / 0x10000).toString(16)}:${(quad % 0x10000).toString(16)}`;
    return expandGroups(text.slice(0, lastColon + 1) + hex);
  }
  const [left, right] = text.split("::");
  const parse = (part: string | undefined): number[] =>
    part ? part.split(":").map((group) => Number.parseInt(group, 16)) : [];
  const head = parse(left);
  const end = parse(right);
  return [...head, ...new Array<number>(8 - head.length - end.length).fill(0), ...end];
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (i < groups.length && groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}
