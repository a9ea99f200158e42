/**
 * The HMAC trailer that keepalived 2.4 can append to an advertisement of either version and family (`auth_hmac`; reference:
 * ha.md §2.5). It proves the sender and, by its growing sequence, that the packet is not an old one sent again.
 *
 * | byte | content |
 * |---|---|
 * | 0 | 1: HMAC-SHA256, truncated |
 * | 1 | key id, 1 to 255 |
 * | 2 | zero, 2 bytes |
 * | 4 | sequence: seconds (4 bytes), fraction (2), counter (2) |
 * | 12 | first 16 bytes of the HMAC |
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { familyOf } from "../../core/address.js";
import { addressBytes } from "../address-bytes.js";
import type { DropReason } from "./drop-reasons.js";

/** Bytes of the trailer. */
export const TRAILER_BYTES = 28;

const TYPE_HMAC_SHA256 = 1;
const MAC_AT = 12;
const CHECKSUM_AT = 6;

/** Keys by their id (1 to 255), each 32 to 64 bytes. */
export type HmacKeys = ReadonlyMap<number, Uint8Array>;

/** A growing number in three parts, as it stands in the trailer. */
export interface Sequence {
  readonly seconds: number;
  readonly fraction: number;
  readonly counter: number;
}

/**
 * The trailer of a message.
 * @param message as it is sent; its checksum does not enter the HMAC
 */
export function signTrailer(
  message: Uint8Array,
  source: string,
  keyId: number,
  key: Uint8Array,
  { seconds, fraction, counter }: Sequence,
): Uint8Array {
  const trailer = new Uint8Array(TRAILER_BYTES);
  const view = new DataView(trailer.buffer);
  trailer[0] = TYPE_HMAC_SHA256;
  trailer[1] = keyId;
  view.setUint32(4, seconds);
  view.setUint16(8, fraction);
  view.setUint16(10, counter);
  trailer.set(mac(message, source, key, trailer), MAC_AT);
  return trailer;
}

/** Verifies a trailer. @returns its sequence, or why the packet is dropped */
export function verifyTrailer(
  message: Uint8Array,
  source: string,
  trailer: Uint8Array,
  keys: HmacKeys,
): Sequence | DropReason {
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.length);
  if (trailer[0] !== TYPE_HMAC_SHA256 || view.getUint16(2) !== 0) return "auth_ext_malformed";
  const key = keys.get(trailer[1]);
  if (key === undefined) return "auth_ext_unknown_key";
  if (!timingSafeEqual(mac(message, source, key, trailer), trailer.subarray(MAC_AT))) {
    return "auth_ext_invalid_hmac";
  }
  return { seconds: view.getUint32(4), fraction: view.getUint16(8), counter: view.getUint16(10) };
}

/** Whether `a` is a later sequence than `b`. */
export function isLater(a: Sequence, b: Sequence): boolean {
  return (a.seconds - b.seconds || a.fraction - b.fraction || a.counter - b.counter) > 0;
}

function mac(message: Uint8Array, source: string, key: Uint8Array, trailer: Uint8Array): Uint8Array {
  const context = new Uint8Array(20);
  context[0] = familyOf(source) === 4 ? 4 : 6;
  context[1] = message[0] >> 4;
  context[2] = message[1];
  context.set(addressBytes(source), 4);
  const bare = message.slice();
  bare.fill(0, CHECKSUM_AT, CHECKSUM_AT + 2);
  const digest = createHmac("sha256", key)
    .update(context)
    .update(bare)
    .update(trailer.subarray(0, MAC_AT))
    .update(new Uint8Array(16))
    .digest();
  return digest.subarray(0, TRAILER_BYTES - MAC_AT);
}
