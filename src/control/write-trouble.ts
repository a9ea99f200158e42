/** Tells why a state file cannot be written: once for each reason, until writing it works again. */
import type { Logger } from "../core/logger.js";

/** See the file's head. */
export class WriteTrouble {
  readonly #logger: Logger;
  readonly #file: string;
  readonly #what: string;
  #lastReason = "";

  /** @param what cannot be kept: `live edits` */
  constructor(logger: Logger, file: string, what: string) {
    this.#logger = logger;
    this.#file = file;
    this.#what = what;
  }

  /** Writing has failed. */
  tell({ code, syscall, message }: NodeJS.ErrnoException): void {
    const reason = `${syscall ?? "write"}: ${code ?? message}`;
    if (reason === this.#lastReason) return;
    this.#lastReason = reason;
    this.#logger.error(
      { file: this.#file, reason },
      `${this.#what} cannot be kept: make room or allow writing; it is tried again`,
    );
  }

  /** Writing has worked. */
  isOver(): void {
    this.#lastReason = "";
  }
}
