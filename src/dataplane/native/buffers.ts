/**
 * A bounded pool of buffers for bytes that were read and could not be written yet, and the scratch buffer that every read
 * goes to first. All are slices of one piece of memory, so that a copy and an offset allocate nothing; the kernel gives
 * it pages only when a buffer is first used. Buffer 0 is the scratch buffer; 0 also says "no buffer".
 */
import type { Libc } from "./libc.js";

/** Bytes of a buffer: what one read can yield. */
export const BUFFER_BYTES = 65536;

/** The buffers of one thread. */
export class Buffers {
  readonly #bytes: Uint8Array;
  readonly #address: number;
  readonly #from: Uint32Array;
  readonly #length: Uint32Array;
  readonly #free: Uint16Array;
  #freeCount: number;

  /** @param count 0 to 65535 buffers besides the scratch buffer */
  constructor(libc: Pick<Libc, "allocate">, count: number) {
    const memory = libc.allocate((count + 1) * BUFFER_BYTES);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#address = memory.address;
    this.#from = new Uint32Array(count + 1);
    this.#length = new Uint32Array(count + 1);
    this.#free = Uint16Array.from({ length: count }, (_, i) => count - i);
    this.#freeCount = count;
  }

  /** Address of the scratch buffer. */
  get scratch(): number {
    return this.#address;
  }

  /** The scratch buffer's bytes, and behind them those of the others. */
  get scratchBytes(): Uint8Array {
    return this.#bytes;
  }

  get exhausted(): boolean {
    return this.#freeCount === 0;
  }

  /** Copies bytes `from` to `to` of the scratch buffer aside. Only while not exhausted. @returns the buffer */
  keep(from: number, to: number): number {
    const buffer = this.#free[--this.#freeCount];
    this.#bytes.copyWithin(buffer * BUFFER_BYTES, from, to);
    this.#from[buffer] = 0;
    this.#length[buffer] = to - from;
    return buffer;
  }

  /** Address of what is left in a buffer. */
  address(buffer: number): number {
    return this.#address + buffer * BUFFER_BYTES + this.#from[buffer];
  }

  /** Bytes that are left in a buffer. */
  length(buffer: number): number {
    return this.#length[buffer];
  }

  /** Drops the first bytes of a buffer. */
  consume(buffer: number, bytes: number): void {
    this.#from[buffer] += bytes;
    this.#length[buffer] -= bytes;
  }

  release(buffer: number): void {
    this.#free[this.#freeCount++] = buffer;
  }
}
