/**
 * The addresses of one realserver entry: a single address or a range, `192.168.0.10-20:80`,
 * `192.168.0.10-192.168.0.20:80`, `[fd77::10-20]:80`. The short end of a range replaces the last part of its begin (the
 * last octet, or the last group in hexadecimal). A range stays two ends until it is known that the file as a whole is
 * within its bounds.
 */
import { type Endpoint, type Family, formatIp, type IpAddress, parseIp } from "../core/address.js";
import { parseAddress, parsePort, requireText, type Source, splitHostPort } from "./endpoint.js";
import type { PortLookup } from "./port-names.js";
import { refuse } from "./refuse.js";

/** Consecutive addresses of one port. */
export interface RealserverRange {
  readonly family: Family;
  /** The first address as one number. */
  readonly first: bigint;
  /** 1 to MAX_RANGE */
  readonly count: number;
  /** Missing where the entry leaves it to the service; 0 keeps the port that the client addressed. */
  readonly port?: number;
}

/** Most addresses of one range: a mistyped end would otherwise fill the memory. */
export const MAX_RANGE = 4096;

const ACCEPTED =
  'ADDRESS[:PORT] or a range, such as 192.168.0.10:80, 192.168.0.10-20:80 or "[fd77::10-20]:80"';

/** Reads the address of a realserver entry. @throws UvsError INVALID */
export function parseRealserverRange(input: unknown, portOf: PortLookup): RealserverRange {
  const source = { text: requireText(input, ACCEPTED), accepted: ACCEPTED };
  const { host, port } = splitHostPort(source.text);
  const [begin, end] = splitRange(host);
  const from = ip(begin, source);
  const to = end === undefined ? from : ip(completeEnd(begin, end), source);
  const refuseRange = (reason: string): never => refuse(source.text, ACCEPTED, reason);
  if (from.family !== to.family) return refuseRange("the ends of the range are of different families");
  const first = toNumber(from);
  const count = toNumber(to) - first + 1n;
  if (count < 1n) return refuseRange("the range ends before it begins");
  if (count > MAX_RANGE)
    return refuseRange(`a range of ${count} addresses, at most ${MAX_RANGE} are possible`);
  return {
    family: from.family,
    first,
    count: Number(count),
    ...(port !== undefined && { port: parsePort(port, "tcp", portOf, source, 0) }),
  };
}

/** The addresses of a range, lowest first. @param defaultPort for an entry without port */
export function expandRange(range: RealserverRange, defaultPort: number): Endpoint[] {
  const port = range.port ?? defaultPort;
  return Array.from({ length: range.count }, (_, i) => ({
    address: toText(range.family, range.first + BigInt(i)),
    port,
  }));
}

/** At the hyphen between two addresses; host names contain hyphens, and are refused whole. */
function splitRange(host: string): [string, string?] {
  const match = /^([0-9a-f.:]+)-([0-9a-f.:]+)$/i.exec(host);
  return match !== null && parseIp(match[1]) ? [match[1], match[2]] : [host];
}

function completeEnd(begin: string, end: string): string {
  if (/[.:]/.test(end)) return end;
  const lastSeparator = Math.max(begin.lastIndexOf("."), begin.lastIndexOf(":"));
  return begin.slice(0, lastSeparator + 1) + end;
}

function ip(text: string, source: Source): IpAddress {
  return parseIp(parseAddress(text, source)) as IpAddress;
}

function toNumber({ family, words }: IpAddress): bigint {
  return words.slice(0, family === 4 ? 1 : 4).reduce((value, word) => (value << 32n) | BigInt(word), 0n);
}

function toText(family: Family, value: bigint): string {
  const word = (shift: bigint): number => Number((value >> shift) & 0xffffffffn);
  return family === 4 ? formatIp(4, word(0n)) : formatIp(6, word(96n), word(64n), word(32n), word(0n));
}
