/**
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; one compression round, three of
 * finalisation) of messages of at most four bytes, cut to 32 bits: what 64-bit kernels compute as `hsiphash_1u32`
 * (lib/siphash.c). Its 64-bit words are pairs of 32-bit ones here, as a BigInt would allocate.
 *
 * The working state, a pair per word of the paper:
 *
 * | index | word |
 * |---|---|
 * | 0, 1 | v0: low, high half |
 * | 2, 3 | v1 |
 * | 4, 5 | v2 |
 * | 6, 7 | v3 |
 */
const v = new Int32Array(8);

/** A 128-bit key: low and high half of its first word, then of its second. */
export type SipKey = readonly [number, number, number, number];

/**
 * Hashes a short message. Hot path: no allocation.
 * @param message its bytes as a little-endian number; those past `length` must be 0
 * @param length 0 to 4 bytes
 * @returns the low 32 bits of the hash, unsigned
 */
export function sipHash13(key: SipKey, message: number, length: number): number {
  // "somepseudorandomlygeneratedbytes", the constants of the paper.
  v[0] = key[0] ^ 0x70736575;
  v[1] = key[1] ^ 0x736f6d65;
  v[2] = key[2] ^ 0x6e646f6d;
  v[3] = key[3] ^ 0x646f7261;
  v[4] = key[0] ^ 0x6e657261;
  v[5] = key[1] ^ 0x6c796765;
  v[6] = key[2] ^ 0x79746573;
  v[7] = key[3] ^ 0x74656462;
  // The only block: the message, its length in the top byte.
  const lengthHigh = length << 24;
  v[6] ^= message;
  v[7] ^= lengthHigh;
  sipRound();
  v[0] ^= message;
  v[1] ^= lengthHigh;
  v[4] ^= 0xff;
  sipRound();
  sipRound();
  sipRound();
  return (v[0] ^ v[2] ^ v[4] ^ v[6]) >>> 0;
}

/** One round of the paper's figure 2.1. */
function sipRound(): void {
  add(0, 2);
  rotateLeft(2, 13);
  xor(2, 0);
  swapHalves(0);
  add(4, 6);
  rotateLeft(6, 16);
  xor(6, 4);
  add(0, 6);
  rotateLeft(6, 21);
  xor(6, 0);
  add(4, 2);
  rotateLeft(2, 17);
  xor(2, 4);
  swapHalves(4);
}

/** `v[to] += v[from]` modulo 2^64. */
function add(to: number, from: number): void {
  const low = (v[to] >>> 0) + (v[from] >>> 0);
  v[to + 1] += v[from + 1] + (low > 0xffffffff ? 1 : 0);
  v[to] = low;
}

function xor(to: number, from: number): void {
  v[to] ^= v[from];
  v[to + 1] ^= v[from + 1];
}

/** @param bits 1 to 31 */
function rotateLeft(at: number, bits: number): void {
  const low = v[at];
  const high = v[at + 1];
  v[at] = (low << bits) | (high >>> (32 - bits));
  v[at + 1] = (high << bits) | (low >>> (32 - bits));
}

/** Rotates by 32 bits. */
function swapHalves(at: number): void {
  const low = v[at];
  v[at] = v[at + 1];
  v[at + 1] = low;
}
