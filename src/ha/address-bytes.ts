/** Addresses as the bytes that stand in packets. */
import { type Family, formatIp, parseIp } from "../core/address.js";
import { UvsError } from "../core/errors.js";

/** Bytes of an address of a family. */
export const ADDRESS_BYTES: Readonly<Record<Family, number>> = { 4: 4, 6: 16 };

/**
 * The bytes of an address in network order: 4 or 16.
 * @throws UvsError INVALID where the text is no address
 */
export function addressBytes(address: string): Uint8Array {
  const parsed = parseIp(address);
  if (parsed === undefined) {
    throw new UvsError("INVALID", `found "${address}", accepted is an IPv4 or IPv6 address`, {
      details: { found: address },
    });
  }
  const bytes = new Uint8Array(ADDRESS_BYTES[parsed.family]);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 4) view.setUint32(at, parsed.words[at / 4]);
  return bytes;
}

/** The canonical text of the address at `offset` of a packet. */
export function addressAt(packet: Uint8Array, offset: number, family: Family): string {
  const view = new DataView(packet.buffer, packet.byteOffset + offset, ADDRESS_BYTES[family]);
  if (family === 4) return formatIp(4, view.getUint32(0));
  return formatIp(6, view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
}

/**
 * Order of two addresses of one family as unsigned numbers, which is how VRRP settles equal priorities (RFC 5798 §6.4.3).
 * @returns below 0, 0 or above 0
 */
export function compareAddresses(a: string, b: string): number {
  return Buffer.compare(addressBytes(a), addressBytes(b));
}
