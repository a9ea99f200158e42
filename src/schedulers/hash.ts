/** The hash of sh, dh, lblc and lblcr: an address folded into 32 bits, then multiplied by the golden ratio. */

/** GOLDEN_RATIO_32 of the kernel's include/linux/hash.h. */
const GOLDEN_RATIO_32 = 0x61c88647;

/**
 * Folds four words of address, as in core/address.ts, into one by XOR. Hot path.
 * @param offset index of the first word
 * @returns a 32-bit integer; its sign means nothing
 */
export function foldAddress(words: Uint32Array, offset: number): number {
  return words[offset] ^ words[offset + 1] ^ words[offset + 2] ^ words[offset + 3];
}

/** The upper `bits` bits of `value * GOLDEN_RATIO_32` modulo 2^32 (`hash_32`, include/linux/hash.h). Hot path. */
export function multiplicativeHash(value: number, bits: number): number {
  return Math.imul(value, GOLDEN_RATIO_32) >>> (32 - bits);
}
