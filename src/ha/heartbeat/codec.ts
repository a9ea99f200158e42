/**
 * The two encodings of a message (reference: ha.md §8.1). Netstring, what heartbeat 3 sends: `###\n`, fields
 * `LEN:(T)name=value,`, `%%%\n`, and a last netstring with key number and digest. Classic: lines between `>>>` and `<<<`.
 * Decoding never throws; what is no message has a named reason. Nothing is believed before the digest was verified.
 */
import type { FieldValue, Message } from "./message.js";

/** How a message is written. */
export type Encoding = "netstring" | "classic";

/** A message as it was received, not yet verified. */
export interface Decoded {
  readonly message: Message;
  readonly encoding: Encoding;
  /** Number of the key and the digest, as sent. */
  readonly keyNumber: number;
  readonly digest: string;
  /** The bytes that the digest is of. */
  readonly covered: Uint8Array;
}

/** Makes a digest: `N DIGEST`. */
export type Sign = (covered: Uint8Array) => string;

const NETSTRING_START = "###\n";
const NETSTRING_END = "%%%\n";
const CLASSIC_START = ">>>\n";
const CLASSIC_END = "<<<\n";
const AUTH_VALUE = /^(\d{1,2}) ([0-9a-f]{1,128})$/;
const NETSTRING_FIELD = /^\((\d)\)([A-Za-z0-9_-]{1,64})=/;
const CLASSIC_LINE = /^(\(1\))?([A-Za-z0-9_-]{1,64})=(.*)$/;
const STRING = "0";
const BINARY = "1";
/** Digits of a length: heartbeat sends at most 256 KiB. */
const MAX_LENGTH_DIGITS = 6;
const MAX_FIELDS = 128;

/** Encodes and signs a message. @returns what a datagram holds */
export function encode(message: Message, sign: Sign, encoding: Encoding = "netstring"): Uint8Array {
  const classic = classicBody(message);
  if (encoding === "classic") {
    return latin1(`${CLASSIC_START}${text(classic)}auth=${sign(classic)}\n${CLASSIC_END}`);
  }
  const covered = netstringBody(message, sign(classic));
  const trailer = sign(covered);
  return Buffer.concat([covered, latin1(`${trailer.length}:${trailer},`)]);
}

/** The bytes of the netstring form that its digest covers. @param inner the digest of the classic form, sent as a field */
export function netstringBody(message: Message, inner?: string): Uint8Array {
  const parts: Uint8Array[] = [latin1(NETSTRING_START)];
  const add = (name: string, value: FieldValue): void => {
    const type = typeof value === "string" ? STRING : BINARY;
    const field = Buffer.concat([
      latin1(`(${type})${name}=`),
      typeof value === "string" ? latin1(value) : value,
    ]);
    parts.push(latin1(`${field.length}:`), field, latin1(","));
  };
  for (const [name, value] of message) add(name, value);
  if (inner !== undefined) add("auth", inner);
  parts.push(latin1(NETSTRING_END));
  return Buffer.concat(parts);
}

/** The bytes of the classic form that its digest covers. */
export function classicBody(message: Message): Uint8Array {
  const lines = [...message].map(([name, value]) =>
    typeof value === "string"
      ? `${name}=${value}\n`
      : `(${BINARY})${name}=${Buffer.from(value).toString("base64")}\n`,
  );
  return latin1(lines.join(""));
}

/** Reads what a datagram holds, in either encoding. @returns `malformed` where it is no message */
export function decode(datagram: Uint8Array): Decoded | "malformed" {
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length);
  const start = bytes.toString("latin1", 0, NETSTRING_START.length);
  if (start === NETSTRING_START) return decodeNetstring(bytes);
  return start === CLASSIC_START ? decodeClassic(bytes) : "malformed";
}

function decodeNetstring(bytes: Buffer): Decoded | "malformed" {
  const message = new Map<string, FieldValue>();
  let at = NETSTRING_START.length;
  for (let fields = 0; fields < MAX_FIELDS; fields++) {
    if (bytes.toString("latin1", at, at + NETSTRING_END.length) === NETSTRING_END) {
      const end = at + NETSTRING_END.length;
      const trailer = netstringAt(bytes, end);
      if (trailer?.next !== bytes.length) return "malformed";
      return withAuth("netstring", message, trailer.content.toString("latin1"), bytes.subarray(0, end));
    }
    const field = netstringAt(bytes, at);
    if (field === undefined) return "malformed";
    at = field.next;
    const { content } = field;
    const [head, type, name] = NETSTRING_FIELD.exec(content.toString("latin1", 0, 72)) ?? [];
    if (head === undefined || message.has(name)) return "malformed";
    if (name === "auth") continue;
    const value = content.subarray(head.length);
    // Nested, listed and compressed fields (types 2 to 5) are none that a director reads.
    if (type === STRING) message.set(name, value.toString("latin1"));
    else if (type === BINARY) message.set(name, Uint8Array.from(value));
  }
  return "malformed";
}

function decodeClassic(bytes: Buffer): Decoded | "malformed" {
  const lines = bytes.toString("latin1").split("\n");
  if (lines.length > MAX_FIELDS || lines.pop() !== "" || lines.pop() !== "<<<") return "malformed";
  const auth = /^auth=(.*)$/.exec(lines.pop() ?? "")?.[1];
  if (auth === undefined || lines.shift() !== ">>>") return "malformed";
  const message = new Map<string, FieldValue>();
  for (const line of lines) {
    const [whole, binary, name, value] = CLASSIC_LINE.exec(line) ?? [];
    if (whole === undefined || message.has(name)) return "malformed";
    message.set(name, binary === undefined ? value : Uint8Array.from(Buffer.from(value, "base64")));
  }
  const covered = latin1(lines.map((line) => `${line}\n`).join(""));
  return withAuth("classic", message, auth, covered);
}

function withAuth(
  encoding: Encoding,
  message: Message,
  auth: string,
  covered: Uint8Array,
): Decoded | "malformed" {
  const [whole, keyNumber, digest] = AUTH_VALUE.exec(auth) ?? [];
  if (whole === undefined) return "malformed";
  return { message, encoding, keyNumber: Number(keyNumber), digest, covered };
}

/** @returns undefined where none is there, or it is longer than what is left */
function netstringAt(bytes: Buffer, at: number): { content: Buffer; next: number } | undefined {
  const head = bytes.toString("latin1", at, at + MAX_LENGTH_DIGITS + 1);
  const [digits] = /^\d+(?=:)/.exec(head) ?? [];
  if (digits === undefined) return undefined;
  const begin = at + digits.length + 1;
  const end = begin + Number(digits);
  if (end >= bytes.length || bytes[end] !== ",".charCodeAt(0)) return undefined;
  return { content: bytes.subarray(begin, end), next: end + 1 };
}

function latin1(words: string): Buffer {
  return Buffer.from(words, "latin1");
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
