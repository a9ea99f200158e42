/** The little of ASN.1's Basic Encoding Rules that LDAP needs (X.690): definite lengths, tags of one byte. */
import { CheckFailure } from "../checker.js";
import { excerpt } from "../excerpt.js";

/** Tags. Those with `LDAP_` are of RFC 4511. */
export const TAG = {
  INTEGER: 0x02,
  OCTET_STRING: 0x04,
  BOOLEAN: 0x01,
  ENUMERATED: 0x0a,
  SEQUENCE: 0x30,
  LDAP_BIND_REQUEST: 0x60,
  LDAP_BIND_RESPONSE: 0x61,
  LDAP_UNBIND: 0x42,
  LDAP_SEARCH_REQUEST: 0x63,
  LDAP_SEARCH_ENTRY: 0x64,
  LDAP_SEARCH_DONE: 0x65,
  LDAP_SEARCH_REFERENCE: 0x73,
  LDAP_SIMPLE_PASSWORD: 0x80,
  LDAP_FILTER_PRESENT: 0x87,
} as const;

/** An element: its tag and what it holds. */
export interface BerElement {
  readonly tag: number;
  readonly content: Buffer;
}

/** Writes an element. Text is UTF-8; a number is an integer from 0 to 127. */
export function ber(tag: number, ...contents: readonly (Uint8Array | string | number)[]): Buffer {
  const parts = contents.map((part) => Buffer.from(typeof part === "number" ? [part] : (part as string)));
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

/**
 * How many bytes of length follow the first two of an element, and the length that these two tell alone.
 * @throws CheckFailure L7RSP where the form is not allowed
 */
export function lengthOf(head: Buffer): { readonly more: number; readonly length: number } {
  const first = head[1];
  if (first < 0x80) return { more: 0, length: first };
  if (first > 0x80 && first <= 0x84) return { more: first - 0x80, length: 0 };
  throw new CheckFailure("L7RSP", `not BER: ${excerpt(head)}`);
}

/** Reads the elements that stand one after the other. @throws CheckFailure L7RSP where they are malformed */
export function readElements(bytes: Buffer): BerElement[] {
  const elements: BerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = bytes.subarray(at, at + 2);
    if (head.length < 2) throw malformed(bytes);
    const { more, length } = lengthOf(head);
    const start = at + 2 + more;
    if (start > bytes.length) throw malformed(bytes);
    const end = start + (more === 0 ? length : bytes.readUIntBE(at + 2, more));
    if (end > bytes.length) throw malformed(bytes);
    elements.push({ tag: head[0], content: bytes.subarray(start, end) });
    at = end;
  }
  return elements;
}

function malformed(bytes: Buffer): CheckFailure {
  return new CheckFailure("L7RSP", `not BER: ${excerpt(bytes)}`);
}
