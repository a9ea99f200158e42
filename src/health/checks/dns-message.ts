/** DNS messages (RFC 1035 section 4): a query is written, a response is read as records in their text form. */
import { type Family, formatIp, parseIp } from "../../core/address.js";
import { CheckFailure } from "../checker.js";

/** Record types by name (RFC 1035, 3596, 2782, 4034). */
export const DNS_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  RRSIG: 46,
  DNSKEY: 48,
} as const;

export type DnsType = keyof typeof DNS_TYPES;

/** A response, as far as checks look at it. */
export interface DnsResponse {
  readonly rcode: number;
  readonly isTruncated: boolean;
  /** Data of the answer section's records of the type asked for, as zone files have them; names without the last dot. */
  readonly answers: readonly string[];
}

const HEADER_SIZE = 12;
const CLASS_IN = 1;
const RECURSION_DESIRED = 0x0100;
const RESPONSE = 0x8000;
const TRUNCATED = 0x0200;
/** Jumps within one compressed name; a longer chain is a loop. */
const MAX_JUMPS = 16;
const LONGEST_NAME = 255;
const MAX_ANSWERS = 256;

/**
 * Writes a query.
 * @param name dotted, with or without the last dot; `.` or empty is the root
 * @returns undefined where the name cannot be a domain name
 */
export function encodeQuery(id: number, name: string, type: DnsType): Buffer | undefined {
  const bare = name.replace(/\.$/, "");
  const labels = bare === "" ? [] : bare.split(".");
  const parts = labels.map((label) => Buffer.from(label, "latin1"));
  const size = parts.reduce((sum, part) => sum + part.length + 1, 1);
  const isDomain =
    /^[\x21-\x7e]*$/.test(name) && parts.every((part) => part.length >= 1 && part.length <= 63);
  if (!isDomain || size > LONGEST_NAME) return undefined;
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(RECURSION_DESIRED, 2);
  header.writeUInt16BE(1, 4);
  const trailer = Buffer.from([0, 0, DNS_TYPES[type], 0, CLASS_IN]);
  return Buffer.concat([header, ...parts.flatMap((part) => [Buffer.from([part.length]), part]), trailer]);
}

/** The name under which the reverse zone has an address: `1.0.0.127.in-addr.arpa`. */
export function reverseName(address: string): string | undefined {
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  if (ip.family === 4) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const nibbles = ip.words.map((word) => word.toString(16).padStart(8, "0")).join("");
  return `${[...nibbles].reverse().join(".")}.ip6.arpa`;
}

/** Whether a message is a response to this query: same number, and the question repeated (upper and lower case are one). */
export function answersQuery(message: Buffer, query: Buffer): boolean {
  if (message.length < HEADER_SIZE || message.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((message.readUInt16BE(2) & RESPONSE) === 0) return false;
  // Servers that could not parse the query leave the question out.
  if (message.readUInt16BE(4) === 0) return true;
  const question = message.subarray(HEADER_SIZE, query.length);
  return question.toString("latin1").toLowerCase() === query.toString("latin1", HEADER_SIZE).toLowerCase();
}

/**
 * Reads a response that `answersQuery`.
 * @throws CheckFailure L7RSP where it is malformed
 */
export function decodeResponse(message: Buffer, query: Buffer, type: DnsType): DnsResponse {
  const flags = message.readUInt16BE(2);
  const response = { rcode: flags & 15, isTruncated: (flags & TRUNCATED) !== 0 };
  const count = Math.min(message.readUInt16BE(6), MAX_ANSWERS);
  const answers: string[] = [];
  try {
    let at = message.readUInt16BE(4) === 0 ? HEADER_SIZE : query.length;
    for (let i = 0; i < count; i++) {
      at = readName(message, at).end;
      const end = at + 10 + message.readUInt16BE(at + 8);
      if (end > message.length) throw new RangeError("record beyond the message");
      if (message.readUInt16BE(at) === DNS_TYPES[type]) answers.push(readData(message, at + 10, end, type));
      at = end;
    }
  } catch (error) {
    // A truncated response may end anywhere.
    if (!(error instanceof RangeError)) throw error;
    if (!response.isTruncated) throw new CheckFailure("L7RSP", "malformed DNS response");
  }
  return { ...response, answers };
}

function readData(message: Buffer, start: number, end: number, type: DnsType): string {
  const name = (at: number): string => readName(message, at).name;
  switch (type) {
    case "A":
      return readAddress(message, start, end, 4);
    case "AAAA":
      return readAddress(message, start, end, 6);
    case "NS":
    case "CNAME":
    case "PTR":
      return name(start);
    case "MX":
      return `${message.readUInt16BE(start)} ${name(start + 2)}`;
    case "SRV": {
      const [priority, weight, port] = [0, 2, 4].map((offset) => message.readUInt16BE(start + offset));
      return `${priority} ${weight} ${port} ${name(start + 6)}`;
    }
    case "SOA": {
      const primary = readName(message, start);
      const contact = readName(message, primary.end);
      const numbers = [0, 4, 8, 12, 16].map((offset) => message.readUInt32BE(contact.end + offset));
      return [primary.name, contact.name, ...numbers].join(" ");
    }
    case "TXT":
      return readText(message.subarray(start, end));
    default:
      return message.toString("hex", start, end);
  }
}

function readAddress(message: Buffer, start: number, end: number, family: Family): string {
  if (end - start !== (family === 4 ? 4 : 16)) throw new RangeError("address of another size");
  if (family === 4) return formatIp(4, message.readUInt32BE(start));
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((offset) => message.readUInt32BE(start + offset));
  return formatIp(6, w0, w1, w2, w3);
}

/** The strings of a TXT record in one. */
function readText(data: Buffer): string {
  const parts: string[] = [];
  for (let at = 0; at < data.length; at += data[at] + 1) {
    parts.push(data.toString("latin1", at + 1, at + 1 + data[at]));
  }
  return parts.join("");
}

/** Reads a name, compressed or not. @throws RangeError where it is malformed, as reads beyond the message do */
function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let size = 0;
  let end = -1;
  for (let at = start, jumps = 0; ; ) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) {
      if (end < 0) end = at + 2;
      if (++jumps > MAX_JUMPS) throw new RangeError("compression loop");
      at = message.readUInt16BE(at) & 0x3fff;
    } else if (length === 0) {
      return { name: labels.join(".") || ".", end: end < 0 ? at + 1 : end };
    } else {
      size += length + 1;
      const labelEnd = at + 1 + length;
      if (length > 63 || size > LONGEST_NAME || labelEnd > message.length) throw new RangeError("bad label");
      labels.push(message.toString("latin1", at + 1, labelEnd));
      at = labelEnd;
    }
  }
}
