/**
 * Reads the PROXY protocol header of a client's socket as it comes, and gives what is behind it back to the socket. Until
 * it is read, nobody else listens to the socket's bytes.
 */
import type { Socket } from "node:net";
import { HeaderFault, type HeaderParser } from "../../core/proxy-protocol/header-parser.js";

/** What became of a header: it stands in the parser, or why not; `gone` where the client left without a byte. */
export type HeaderOutcome = "read" | "missing" | "invalid" | "gone";

/** Reads one header; see the file's head. */
export class NetHeaderReader {
  readonly #socket: Socket;
  readonly #parser: HeaderParser;
  readonly #limit: number;
  readonly #done: (outcome: HeaderOutcome) => void;
  #bytes: Buffer = Buffer.alloc(0);

  /**
   * @param limit longest header, bytes
   * @param done called once, unless `stop` is
   */
  constructor(socket: Socket, parser: HeaderParser, limit: number, done: (outcome: HeaderOutcome) => void) {
    this.#socket = socket;
    this.#parser = parser;
    this.#limit = limit;
    this.#done = done;
    socket.on("readable", this.#onReadable).on("end", this.#onEnd);
  }

  /** Listens to the socket no longer. */
  stop(): void {
    this.#socket.off("readable", this.#onReadable).off("end", this.#onEnd);
  }

  readonly #onReadable = (): void => {
    const chunk: Buffer | null = this.#socket.read();
    if (chunk === null) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const answer = this.#parser.parse(this.#bytes, this.#bytes.length, this.#limit);
    if (answer === 0) return;
    if (answer < 0) {
      this.#finish(answer === HeaderFault.MISSING ? "missing" : "invalid");
      return;
    }
    this.stop();
    if (answer < this.#bytes.length) this.#socket.unshift(this.#bytes.subarray(answer));
    this.#done("read");
  };

  readonly #onEnd = (): void => this.#finish(this.#bytes.length === 0 ? "gone" : "invalid");

  #finish(outcome: HeaderOutcome): void {
    this.stop();
    this.#done(outcome);
  }
}
