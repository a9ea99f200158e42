/**
 * CRC-32 as heartbeat's method `crc` makes it (reference: ha.md §8.2): polynomial 0x04C11DB7, most significant bit first,
 * initial value 0, complement at the end. It finds damage, and protects from nobody.
 */

const POLYNOMIAL = 0x04c11db7;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ POLYNOMIAL : value << 1;
  return value;
});

/** The checksum of bytes, 32 bits. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = (crc << 8) ^ TABLE[((crc >>> 24) ^ byte) & 0xff];
  return ~crc >>> 0;
}
