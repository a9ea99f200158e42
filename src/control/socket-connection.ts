/**
 * HTTP/1.1 over a unix socket as far as uvsd speaks it: every answer has a length, or none and no body. A program that lives for
 * one question takes a tenth longer with node:http, which has to be loaded first (`npm run bench -- --only listing`).
 */
import { connect, type Socket } from "node:net";

const HEAD_END = "\r\n\r\n";
/** Bytes of status line and headers. */
const MAX_HEAD_BYTES = 16 * 1024;

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What came is no answer as above, or longer than is accepted; the message says which. */
export class AnswerError extends Error {}

interface Head {
  readonly status: number;
  readonly isLast: boolean;
  /** Where the body begins and ends. */
  readonly start: number;
  readonly end: number;
}

/** One connection: it is asked one question at a time, the next one when the answer has come. */
export class SocketConnection {
  readonly #socket: Socket;
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #head: Head | undefined;
  #answered = 0;
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;

  /**
   * @param maxBytes longest answer
   * @param timeoutMs without a byte while an answer is waited for
   */
  constructor(path: string, maxBytes: number, timeoutMs: number) {
    this.#maxBytes = maxBytes;
    this.#socket = connect(path);
    this.#socket.setTimeout(timeoutMs);
    this.#socket.on("data", (chunk) => this.#take(chunk));
    this.#socket.on("timeout", () => {
      if (this.#waiting !== undefined) this.#fail(errno("ETIMEDOUT", "no answer"));
    });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(errno("ECONNRESET", "closed before the answer was there")));
  }

  /** Whether it can be asked. */
  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Whether it has answered before: then it may be closed as it is asked again. */
  get wasUsed(): boolean {
    return this.#answered > 0;
  }

  /** @throws NodeJS.ErrnoException, ETIMEDOUT among them; AnswerError */
  ask(method: string, path: string, body: string): Promise<Answer> {
    const head = [
      `${method} ${path} HTTP/1.1`,
      "host: uvsd",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.ref();
      this.#socket.write(head.join("\r\n") + HEAD_END + body);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    try {
      this.#head ??= this.#readHead();
    } catch (error) {
      this.#fail(error as AnswerError);
      return;
    }
    if (this.#head === undefined || this.#size < this.#head.end) return;
    const { status, isLast, start, end } = this.#head;
    const answer = { status, text: Buffer.concat(this.#chunks).toString("utf8", start, end) };
    const waiting = this.#waiting;
    const isAsExpected = waiting !== undefined && this.#size === end;
    this.#chunks = [];
    this.#size = 0;
    this.#head = undefined;
    this.#waiting = undefined;
    this.#answered++;
    // Nobody waits for what an idle connection may still say.
    this.#socket.unref();
    if (isLast || !isAsExpected) this.#socket.destroy();
    waiting?.resolve(answer);
  }

  /** @returns undefined while it has not arrived */
  #readHead(): Head | undefined {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const found = bytes.indexOf(HEAD_END);
    if (found < 0) {
      if (this.#size > MAX_HEAD_BYTES) throw new AnswerError("does not speak the control protocol of uvsd");
      return undefined;
    }
    const text = bytes.toString("latin1", 0, found);
    const status = Number(/^HTTP\/1\.1 ([2-5]\d\d) /.exec(text)?.[1]);
    const length = status === 204 ? 0 : Number(/^content-length: *(\d+)$/im.exec(text)?.[1]);
    if (Number.isNaN(status + length)) throw new AnswerError("does not speak the control protocol of uvsd");
    if (length > this.#maxBytes) throw new AnswerError(`answers with more than ${this.#maxBytes} bytes`);
    const start = found + HEAD_END.length;
    return { status, isLast: /^connection: *close$/im.test(text), start, end: start + length };
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#socket.destroy();
    waiting?.reject(error);
  }
}

function errno(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
