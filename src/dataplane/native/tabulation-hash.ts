/**
 * Tabulation hashing: a random table for each byte of the key, and the sum modulo 2 of what they say. Whoever does not know
 * the tables cannot choose keys that fall together, and computing it is a few reads of small tables.
 * (M. Thorup, "Fast and powerful hashing using tabulation", 2017.) Hot path: no allocation, no throw.
 */
import { getRandomValues } from "node:crypto";

/** See the file's head. Keys of the same shape are added in the same order. */
export class TabulationHash {
  /** Of what was added since `begin`. */
  value = 0;
  readonly #tables: Int32Array;
  #at = 0;

  /** @param bytes of the longest key, at most 64 */
  constructor(bytes: number) {
    this.#tables = getRandomValues(new Int32Array(bytes * 256));
  }

  begin(): void {
    this.value = 0;
    this.#at = 0;
  }

  addWord(word: number): void {
    const tables = this.#tables;
    const at = this.#at;
    this.value ^=
      tables[at + (word & 255)] ^
      tables[at + 256 + ((word >>> 8) & 255)] ^
      tables[at + 512 + ((word >>> 16) & 255)] ^
      tables[at + 768 + (word >>> 24)];
    this.#at = at + 1024;
  }

  /** Adds 16 bits. */
  addHalf(half: number): void {
    const tables = this.#tables;
    const at = this.#at;
    this.value ^= tables[at + (half & 255)] ^ tables[at + 256 + ((half >>> 8) & 255)];
    this.#at = at + 512;
  }
}
