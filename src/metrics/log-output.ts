/**
 * Writes log lines at once and in order, so that the last words before an end are out. What a slow reader does not take
 * waits in a bounded buffer and goes out with a later line; what does not fit is dropped and counted. Where the output is
 * gone for good (EPIPE, EIO) lines are discarded: a log that nobody can read stops no director.
 */
import { writeSync } from "node:fs";
import type { Output } from "./output.js";

/** Bytes that may wait for a slow reader. */
const MAX_WAITING = 1 << 20;
/** At the end of the process a slow reader gets so many chances, so far apart. */
const LAST_TRIES = 10;
const LAST_TRY_MS = 20;
const EMPTY = Buffer.alloc(0);

/** The stream that pino writes to. */
export class LogOutput {
  readonly #output: Output;
  readonly #maxWaiting: number;
  #waiting: Buffer = EMPTY;
  #dropped = 0;

  /** @param maxWaiting bytes. @default 1 MiB */
  constructor(output: Output, maxWaiting = MAX_WAITING) {
    this.#output = output;
    this.#maxWaiting = maxWaiting;
  }

  /** How many lines were dropped since the last call; 0 while the reader is still slow. */
  takeDropped(): number {
    if (this.#waiting.length > 0) return 0;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** Writes a line, or keeps it for later, or drops it. Never throws, never waits for a pipe or terminal. */
  write(line: string): void {
    if (!this.flush()) {
      const size = Buffer.byteLength(line);
      if (this.#waiting.length + size > this.#maxWaiting) this.#dropped++;
      else this.#waiting = Buffer.concat([this.#waiting, Buffer.from(line)]);
      return;
    }
    this.#waiting = Buffer.from(line);
    this.flush();
  }

  /** Writes what waits. @returns whether nothing waits any longer */
  flush(): boolean {
    while (this.#waiting.length > 0) {
      try {
        this.#waiting = this.#waiting.subarray(writeSync(this.#output.fd, this.#waiting));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
        this.#waiting = EMPTY;
      }
    }
    return true;
  }

  /** For the end of the process, when no timer runs any longer: gives a slow reader a fifth of a second. */
  flushLast(): void {
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < LAST_TRIES && !this.flush(); i++) Atomics.wait(never, 0, 0, LAST_TRY_MS);
  }
}
