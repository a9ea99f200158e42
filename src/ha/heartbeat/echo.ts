/** ICMP echo messages (RFC 792, RFC 4443 §4): type, code, checksum, identifier, sequence number, then what comes back. */
import type { Family } from "../../core/address.js";
import { internetChecksum } from "../vrrp/checksum.js";

/** An echo reply. */
export interface EchoReply {
  readonly id: number;
  readonly payload: Uint8Array;
}

const REQUEST: Readonly<Record<Family, number>> = { 4: 8, 6: 128 };
const REPLY: Readonly<Record<Family, number>> = { 4: 0, 6: 129 };
const HEADER_BYTES = 8;

/** An echo request. For IPv6 the system makes the checksum. */
export function echoRequest(family: Family, id: number, sequence: number, payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(message.buffer);
  message[0] = REQUEST[family];
  view.setUint16(4, id & 0xffff);
  view.setUint16(6, sequence & 0xffff);
  message.set(payload, HEADER_BYTES);
  if (family === 4) view.setUint16(2, internetChecksum(message));
  return message;
}

/** @returns undefined where it is no echo reply */
export function echoReply(family: Family, message: Uint8Array): EchoReply | undefined {
  if (message.length < HEADER_BYTES || message[0] !== REPLY[family] || message[1] !== 0) return undefined;
  const id = (message[4] << 8) | message[5];
  return { id, payload: message.subarray(HEADER_BYTES) };
}
