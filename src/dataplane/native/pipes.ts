/**
 * A bounded pool of pipes for splice, made when first needed. A pipe belongs to a direction only while its bytes move, so
 * an idle connection holds none; it comes back empty, or it is closed. Where the host allows no more pipes of this size
 * (`pipe-user-pages-soft` bounds what an unprivileged user has), the pool stays as it is and the rest is copied.
 */
import type { Libc } from "./libc.js";
import { F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK } from "./linux.js";

/** Bytes that a pipe takes. */
export const PIPE_BYTES = 1 << 20;

/** Pipes at most, of a thread and of the process. */
const MOST_PIPES = { thread: 128, process: 512 };

/** Pipes of all threads together: with two descriptors each, at most an eighth of them; connections need the others. */
export function pipeCapacity(descriptors: number): number {
  return Math.min(MOST_PIPES.process, Math.floor(descriptors / 16));
}

/** One thread's share of the pipes. */
export function pipesPerThread(descriptors: number, threads: number): number {
  return Math.min(MOST_PIPES.thread, Math.floor(pipeCapacity(descriptors) / threads));
}

/** The pipes of one thread, numbered from 1; 0 is "no pipe". */
export class Pipes {
  readonly readEnd: Int32Array;
  readonly writeEnd: Int32Array;
  /** Bytes in each pipe. */
  readonly held: Int32Array;
  readonly #libc: Libc;
  readonly #free: Uint16Array;
  #freeCount = 0;
  /** Pipes numbered so far, and how many there may be. */
  #count = 0;
  #limit: number;
  #openCount = 0;
  readonly #pair: Int32Array;
  readonly #pairAddress: number;

  /** @param limit 0 to 65535 pipes */
  constructor(libc: Libc, limit: number) {
    const pair = libc.allocate(8);
    this.#libc = libc;
    this.#pair = new Int32Array(pair.buffer);
    this.#pairAddress = pair.address;
    this.#limit = limit;
    this.readEnd = new Int32Array(limit + 1).fill(-1);
    this.writeEnd = new Int32Array(limit + 1).fill(-1);
    this.held = new Int32Array(limit + 1);
    this.#free = new Uint16Array(limit);
  }

  /** Whether pipes are open, in use or not. */
  get anyOpen(): boolean {
    return this.#openCount > 0;
  }

  /** @returns an empty pipe, or 0 where none is to be had */
  take(): number {
    if (this.#freeCount > 0) {
      const pipe = this.#free[this.#freeCount - 1];
      if (this.readEnd[pipe] < 0 && !this.#make(pipe)) return 0;
      this.#freeCount--;
      return pipe;
    }
    if (this.#count >= this.#limit || !this.#make(this.#count + 1)) return 0;
    return ++this.#count;
  }

  /** Gives back a pipe; one that still holds bytes is closed, and made anew when its number is taken again. */
  release(pipe: number): void {
    if (this.held[pipe] > 0) this.#close(pipe);
    this.#free[this.#freeCount++] = pipe;
  }

  /** Closes all that were given back; they are made anew when they are taken again. */
  close(): void {
    for (let i = 0; i < this.#freeCount; i++) this.#close(this.#free[i]);
  }

  #make(pipe: number): boolean {
    if (this.#libc.pipe(this.#pairAddress, O_NONBLOCK | O_CLOEXEC) < 0) return false;
    this.readEnd[pipe] = this.#pair[0];
    this.writeEnd[pipe] = this.#pair[1];
    this.held[pipe] = 0;
    this.#openCount++;
    if (this.#libc.fcntl(this.#pair[1], F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES) return true;
    // A pipe of the default size or less is slower than copying, and asking again would fail again.
    this.#close(pipe);
    this.#limit = this.#count;
    return false;
  }

  #close(pipe: number): void {
    if (this.readEnd[pipe] < 0) return;
    this.#libc.close(this.readEnd[pipe]);
    this.#libc.close(this.writeEnd[pipe]);
    this.readEnd[pipe] = -1;
    this.held[pipe] = 0;
    this.#openCount--;
  }
}
