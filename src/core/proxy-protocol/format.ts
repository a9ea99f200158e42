/**
 * The PROXY protocol's vocabulary: a header in front of a connection's bytes (or of a datagram) that says who the client
 * is and what it spoke to. Version 1 is a line of text, version 2 is binary and can carry further values (TLVs).
 * Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, cited here by its sections.
 *
 * | version 2, byte | meaning (2.2) |
 * |---|---|
 * | 0 | signature, 12 bytes |
 * | 12 | version 2 in the upper half, command in the lower: 0 LOCAL, 1 PROXY |
 * | 13 | family in the upper half: 0 none, 1 IPv4, 2 IPv6, 3 unix; transport in the lower: 0 none, 1 stream, 2 datagram |
 * | 14 | bytes that follow, big-endian, 2 bytes |
 * | 16 | source and destination address, source and destination port: 12, 36 or 216 bytes; then TLVs |
 *
 * A TLV is its type, the length of its value in 2 bytes, big-endian, and the value.
 */
import type { ProxyProtocol } from "../model.js";

/** `\r\n\r\n\0\r\nQUIT\n`: what a version 2 header begins with, and no line of text does. */
export const V2_SIGNATURE: readonly number[] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];
/** What a version 1 header begins with. */
export const V1_PREFIX: readonly number[] = [80, 82, 79, 88, 89, 32];

/** The longest version 1 line, its CRLF included (2.1). */
export const MAX_V1_BYTES = 107;
/** What a version 2 header has before its addresses. */
export const V2_FIXED_BYTES = 16;

/** Least that every receiver must be able to take in one piece (2.2); more only where it is asked for. */
export const DEFAULT_MAX_HEADER = 536;
/** Most that can be asked for. */
export const MAX_HEADER = 65_535;

export const Command = { LOCAL: 0, PROXY: 1 } as const;
export const HeaderFamily = { UNSPEC: 0, INET: 1, INET6: 2, UNIX: 3 } as const;
export const Transport = { UNSPEC: 0, STREAM: 1, DGRAM: 2 } as const;

/** Bytes of both addresses and ports, by HeaderFamily. */
export const ADDRESS_BYTES: readonly number[] = [0, 12, 36, 216];

/** Types of TLVs that are written or looked at (2.2.1 to 2.2.4). */
export const TlvType = { CRC32C: 0x03, UNIQUE_ID: 0x05 } as const;
/** Type and length of a TLV. */
export const TLV_HEAD_BYTES = 3;

/** How a header is written, as one number: bits, 0 for no header. */
export const HeaderFormat = { NONE: 0, V1: 1, V2: 2, CRC32C: 4, UNIQUE_ID: 8 } as const;

/** What goes before each datagram where this is the format: version 1 knows TCP only (2.1). */
export function datagramFormat(format: number): number {
  return (format & HeaderFormat.V2) === 0 ? HeaderFormat.NONE : format;
}

/** The format of a version without anything besides addresses. */
export function versionFormat(version: ProxyProtocol["version"] | undefined): number {
  if (version === undefined) return HeaderFormat.NONE;
  return version === 1 ? HeaderFormat.V1 : HeaderFormat.V2;
}

/** The format that settings mean. */
export function headerFormat(settings: ProxyProtocol | undefined): number {
  if (settings?.version !== 2) return versionFormat(settings?.version);
  return (
    HeaderFormat.V2 |
    (settings.crc32c ? HeaderFormat.CRC32C : 0) |
    (settings.uniqueId ? HeaderFormat.UNIQUE_ID : 0)
  );
}
