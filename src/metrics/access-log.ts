/** The access log: one JSON record a connection, written when it ends. */
import { LineWriter, type LineWriterOptions } from "./line-writer.js";

/** One connection that has ended. */
export interface AccessRecord {
  /** When it was accepted, ISO 8601 with milliseconds, UTC. */
  readonly time: string;
  /** CIP and port: `198.51.100.7:51234`. */
  readonly client: string;
  /** What the client spoke to: `192.0.2.1:80`. */
  readonly vip: string;
  /** Key of the virtual service: `tcp://192.0.2.1:80`. */
  readonly service: string;
  /** `10.0.0.2:80`, `sorry` for the sorry server, null where there was none. */
  readonly realserver: string | null;
  /** Payload from client to realserver. */
  readonly inBytes: number;
  readonly outBytes: number;
  /** From accept until a realserver was connected, to the microsecond; null if that never happened. */
  readonly connectMs: number | null;
  /** From accept to the end. */
  readonly sessionMs: number;
  /** Name of the EndReason. */
  readonly end: string;
  /** Realservers tried in vain. */
  readonly retries: number;
}

/** Where the access log goes. */
export interface AccessLogOptions extends LineWriterOptions {
  /** Path of a file or FIFO, or `stdout`. */
  readonly file: string;
}

/** Writer of the access log. It never waits: records that do not fit are dropped and counted. */
export class AccessLog {
  readonly #writer: LineWriter;

  /** @throws UvsError SYSCALL where the file cannot be opened */
  constructor({ file, maxWaiting }: AccessLogOptions) {
    this.#writer = new LineWriter(file === "stdout" ? 1 : file, { maxWaiting });
  }

  /** Records that were dropped since the start. */
  get dropped(): number {
    return this.#writer.dropped;
  }

  /** The errno name with which writing fails at present, if it does. */
  get failure(): string | undefined {
    return this.#writer.failure;
  }

  write(record: AccessRecord): void {
    this.#writer.write(`${JSON.stringify(record)}\n`);
  }

  /**
   * After the file was renamed by log rotation: goes on in a new file of the configured name.
   * @throws UvsError SYSCALL where that fails; the renamed file stays in use then
   */
  reopen(): void {
    this.#writer.reopen();
  }

  /** Writes what waits, for at most `deadlineMs` (default 1000), counts the rest as dropped, and closes. */
  close(deadlineMs?: number): Promise<void> {
    return this.#writer.close(deadlineMs);
  }
}
