/** CRC32c (Castagnoli; RFC 3720 appendix B.4, RFC 4960 appendix B), a byte at a time: headers are short. */

/** The reflected polynomial. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/**
 * The checksum of bytes `from` to `to`, of which the four at `hole` count as 0: a checksum is made of the message that it
 * stands in. Hot path. @param hole -1: none
 * @returns an unsigned 32-bit number
 */
export function crc32c(bytes: Uint8Array, from: number, to: number, hole = -1): number {
  let crc = 0xffffffff;
  for (let at = from; at < to; at++) {
    const byte = hole >= 0 && at >= hole && at < hole + 4 ? 0 : bytes[at];
    crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
