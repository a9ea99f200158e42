/**
 * Appends lines to a file or FIFO from the thread pool, so that a slow disk never holds up the event loop. Lines wait in
 * a bounded buffer; those that do not fit are dropped and counted. A write that fails is tried again later, the lines
 * meanwhile fill the buffer. Written here because the streams at hand (Node's, sonic-boom) cannot count what they lose,
 * or wait for ever for a stuck reader when the process ends.
 */
import { write } from "node:fs";
import { type Output, openOutput } from "./output.js";

/** Bytes that may wait: about a second of the busiest director. */
const MAX_WAITING = 8 << 20;
/** Pause after a write that failed; a full FIFO is the usual reason. */
const RETRY_MS = 50;
const EMPTY = Buffer.alloc(0);

/** What may be chosen of a LineWriter. */
export interface LineWriterOptions {
  /** Bytes that may wait to be written. @default 8 MiB */
  readonly maxWaiting?: number;
}

/** A bounded, asynchronous appender of lines. */
export class LineWriter {
  readonly #target: string | number;
  readonly #maxWaiting: number;
  #output: Output;
  /** Takes the place of `#output` when the write in flight is over. */
  #nextOutput: Output | undefined;
  #lines: string[] = [];
  #waitingBytes = 0;
  /** What of the lines taken last is still to be written. */
  #batch: Buffer = EMPTY;
  #batchLines = 0;
  #isWriting = false;
  #isClosed = false;
  #isAbandoned = false;
  #retry: NodeJS.Timeout | undefined;
  #whenIdle: (() => void) | undefined;
  #dropped = 0;
  #failure: string | undefined;

  /**
   * @param target path, or an inherited descriptor
   * @throws UvsError SYSCALL where the path cannot be opened
   */
  constructor(target: string | number, { maxWaiting = MAX_WAITING }: LineWriterOptions = {}) {
    this.#target = target;
    this.#maxWaiting = maxWaiting;
    this.#output = openOutput(target);
  }

  /** Lines that were dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The errno name with which writing fails at present; undefined while it succeeds or only the reader is slow. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Takes a line that ends in a newline. Never throws, never waits. */
  write(line: string): void {
    const size = Buffer.byteLength(line);
    if (this.#isClosed || this.#waitingBytes + size > this.#maxWaiting) {
      this.#dropped++;
      return;
    }
    this.#lines.push(line);
    this.#waitingBytes += size;
    if (!this.#isWriting && this.#retry === undefined) this.#writeNext();
  }

  /**
   * Opens the path anew after a rotation; what is not yet being written goes there.
   * @throws UvsError SYSCALL where that fails; the old file stays in use then
   */
  reopen(): void {
    if (this.#isClosed) return;
    const output = openOutput(this.#target);
    this.#nextOutput?.close();
    this.#nextOutput = output;
    if (!this.#isWriting) this.#takeNextOutput();
  }

  /** Writes what waits for at most `deadlineMs`, counts the rest as dropped, and closes. */
  async close(deadlineMs = 1000): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#waitingBytes > 0) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, deadlineMs);
        this.#whenIdle = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    }
    clearTimeout(this.#retry);
    this.#dropped += this.#lines.length + this.#batchLines;
    this.#lines = [];
    // A write that hangs keeps its descriptor until it is over: the number must not be given to anything else.
    if (this.#isWriting) this.#isAbandoned = true;
    else this.#output.close();
  }

  #writeNext(): void {
    this.#retry = undefined;
    if (this.#batch.length === 0) this.#takeBatch();
    if (this.#batch.length === 0) {
      this.#whenIdle?.();
      return;
    }
    this.#isWriting = true;
    write(this.#output.fd, this.#batch, 0, this.#batch.length, null, (error, written) =>
      this.#wrote(error, written),
    );
  }

  #wrote(error: NodeJS.ErrnoException | null, written: number): void {
    this.#isWriting = false;
    this.#takeNextOutput();
    if (this.#isAbandoned) {
      this.#output.close();
      return;
    }
    if (error !== null) {
      this.#failure = error.code === "EAGAIN" ? undefined : (error.code ?? error.message);
      this.#retry = setTimeout(() => this.#writeNext(), RETRY_MS).unref();
      return;
    }
    this.#failure = undefined;
    this.#waitingBytes -= written;
    this.#batch = this.#batch.subarray(written);
    if (this.#batch.length === 0) this.#batchLines = 0;
    this.#writeNext();
  }

  /** Whole lines, as many as one write puts out whole. */
  #takeBatch(): void {
    let bytes = 0;
    let count = 0;
    while (count < this.#lines.length) {
      const size = Buffer.byteLength(this.#lines[count]);
      if (count > 0 && bytes + size > this.#output.atomicBytes) break;
      bytes += size;
      count++;
    }
    this.#batch = Buffer.from(this.#lines.splice(0, count).join(""));
    this.#batchLines = count;
  }

  #takeNextOutput(): void {
    if (this.#nextOutput === undefined) return;
    this.#output.close();
    this.#output = this.#nextOutput;
    this.#nextOutput = undefined;
  }
}
