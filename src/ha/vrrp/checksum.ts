/** The Internet checksum (RFC 1071), and what VRRP puts before the message when it is computed (reference: ha.md §2.4). */
import { addressBytes } from "../address-bytes.js";

/** IP protocol number of VRRP. */
export const VRRP_PROTOCOL = 112;

/**
 * How the checksum of a version 3 message over IPv4 was made. RFC 5798 was read in both ways; RFC 9568 settled on the
 * message alone, while keepalived puts the pseudo-header before it, up to 1.3.6 always with the multicast address.
 */
export type ChecksumForm = "pseudo-header" | "message-only" | "multicast-pseudo-header";

/** One's complement of the one's complement sum of 16-bit words over the parts, each of even length but the last. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) {
      sum += (part[at] << 8) | (part[at + 1] ?? 0);
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** The pseudo-header of an IPv4 (RFC 793 §3.1) or IPv6 packet (RFC 8200 §8.1). */
export function pseudoHeader(
  source: string,
  destination: string,
  protocol: number,
  length: number,
): Uint8Array {
  const from = addressBytes(source);
  const to = addressBytes(destination);
  const isV4 = from.length === 4;
  const header = new Uint8Array(from.length + to.length + (isV4 ? 4 : 8));
  const view = new DataView(header.buffer);
  header.set(from, 0);
  header.set(to, from.length);
  const tail = from.length + to.length;
  if (isV4) {
    header[tail + 1] = protocol;
    view.setUint16(tail + 2, length);
  } else {
    view.setUint32(tail, length);
    header[tail + 7] = protocol;
  }
  return header;
}
