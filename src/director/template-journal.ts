/**
 * Persistence templates that survive a restart of the director: a journal of what the stream brings (template-stream.ts).
 *
 * The file begins with a line that names its format; each further line is a record: eight hexadecimal digits of the
 * SHA-256 of what follows, a blank, JSON with the time of writing and a batch. Records are appended; when there are many
 * more than templates, everything is written anew beside the file and takes its place. A record that is damaged ends the
 * journal: it was being written when the power went, and what it and its successors say is lost, nothing before it.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { NOTHING_READ, type TemplateBatch, type TemplatePosition } from "../balancer/template-stream.js";
import { syncFolder } from "../control/replace-file.js";
import { WriteTrouble } from "../control/write-trouble.js";
import type { Logger } from "../core/logger.js";
import type { TemplateReplica } from "../forwarder/template-replica.js";

const FILE = "templates.journal";
const HEADER = "uvs templates 1";
/** How often changes are written. */
const PERIOD_MS = 1000;
/** A journal is written anew when it is so many times as long as it was then, and longer than this. */
const GROWTH = 4;
const LEAST_BYTES = 1024 * 1024;

interface JournalRecord {
  /** Wall clock of writing, ms since 1970. */
  readonly at: number;
  readonly batch: TemplateBatch;
}

export interface TemplateJournalOptions {
  /** Made if it is not there, for its owner alone. */
  readonly directory: string;
  readonly replica: TemplateReplica;
  readonly logger: Logger;
  /** Wall clock. @default Date.now */
  readonly nowMs?: () => number;
}

/** See the file's head. `load` once, `start`, `stop` at the end. */
export class TemplateJournal {
  readonly path: string;
  readonly #options: TemplateJournalOptions;
  readonly #trouble: WriteTrouble;
  #handle: FileHandle | undefined;
  #position: TemplatePosition = NOTHING_READ;
  #bytes = 0;
  #bytesWhole = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: TemplateJournalOptions) {
    this.#options = options;
    this.path = join(options.directory, FILE);
    this.#trouble = new WriteTrouble(options.logger, this.path, "persistence templates");
  }

  /** Fills the replica with what the journal has; what cannot be read is told, and no reason not to start. */
  async load(): Promise<void> {
    const { directory, logger, replica } = this.#options;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await this.#read();
      if (replica.count > 0) {
        logger.info({ file: this.path, templates: replica.count }, "persistence templates of the last run");
      }
    } catch (error) {
      logger.error({ file: this.path, reason: (error as Error).message }, "templates could not be read");
    }
  }

  /** Writes changes from now on. */
  start(): void {
    this.#timer = setInterval(() => void this.flush(), PERIOD_MS).unref();
  }

  /** Resolves when what the replica knows now is written, or writing it has failed. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** Writes what is left and closes the file. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    await this.#close();
  }

  async #read(): Promise<void> {
    const handle = await open(this.path, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (handle === undefined) return;
    const { size } = await handle.stat();
    let good = 0;
    const lines = createInterface({ input: handle.createReadStream({ encoding: "utf8" }), crlfDelay: 0 });
    for await (const line of lines) {
      const end = good + Buffer.byteLength(line) + 1;
      // A line without its newline was being written.
      if (end > size || !this.#take(line, good === 0)) break;
      good = end;
    }
    lines.close();
    if (good < size) await this.#cutOff(good, size - good);
  }

  /** @returns whether the line is whole */
  #take(line: string, isFirst: boolean): boolean {
    if (isFirst) return line === HEADER;
    const text = line.slice(9);
    if (line[8] !== " " || line.slice(0, 8) !== checksum(text)) return false;
    const { at, batch } = JSON.parse(text) as JournalRecord;
    const { replica, nowMs = Date.now } = this.#options;
    replica.apply(batch, false, Math.max(0, nowMs() - at));
    return true;
  }

  async #cutOff(good: number, bytes: number): Promise<void> {
    const { logger } = this.#options;
    logger.warn(
      { file: this.path, offset: good, bytes },
      "the journal of templates is damaged from here on, as after a power failure: its tail is cut off",
    );
    const handle = await open(this.path, "r+");
    await handle.truncate(good);
    await handle.close();
  }

  async #write(): Promise<void> {
    try {
      if (this.#handle === undefined || this.#bytes > Math.max(LEAST_BYTES, this.#bytesWhole * GROWTH)) {
        await this.#writeWhole();
      } else {
        await this.#append(this.#handle);
      }
      this.#trouble.isOver();
    } catch (error) {
      await this.#close().catch(() => {});
      this.#trouble.tell(error as NodeJS.ErrnoException);
    }
  }

  async #append(handle: FileHandle): Promise<void> {
    for (;;) {
      const batch = this.#options.replica.read(this.#position);
      if (batch.upserts.length > 0 || batch.removals.length > 0 || batch.isWhole) {
        await this.#appendText(handle, this.#recordOf(batch));
      }
      this.#position = batch.position;
      if (!batch.hasMore) break;
    }
    await handle.datasync();
  }

  async #writeWhole(): Promise<void> {
    await this.#close();
    const { directory, replica } = this.#options;
    const temporary = `${this.path}.new`;
    const handle = await open(temporary, "w", 0o600);
    try {
      this.#bytes = 0;
      await this.#appendText(handle, `${HEADER}\n`);
      for (const batch of replica.readAll()) {
        await this.#appendText(handle, this.#recordOf(batch));
        this.#position = batch.position;
      }
      await handle.datasync();
      await rename(temporary, this.path);
      await syncFolder(directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#handle = handle;
    this.#bytesWhole = this.#bytes;
  }

  #recordOf(batch: TemplateBatch): string {
    const { nowMs = Date.now } = this.#options;
    const text = JSON.stringify({ at: nowMs(), batch } satisfies JournalRecord);
    return `${checksum(text)} ${text}\n`;
  }

  async #appendText(handle: FileHandle, text: string): Promise<void> {
    await handle.appendFile(text);
    this.#bytes += Buffer.byteLength(text);
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
