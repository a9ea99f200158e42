import type { Logger } from "../../src/core/logger.js";

/** One record that a logger was given. */
export interface LoggedRecord {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps its records; children write into the same list. */
export class RecordingLogger implements Logger {
  readonly records: LoggedRecord[];
  readonly #base: Record<string, unknown>;

  constructor(records: LoggedRecord[] = [], base: Record<string, unknown> = {}) {
    this.records = records;
    this.#base = base;
  }

  get messages(): string[] {
    return this.records.map(({ message }) => message);
  }

  fatal = (fields: object, message: string): void => this.#keep("fatal", fields, message);
  error = (fields: object, message: string): void => this.#keep("error", fields, message);
  warn = (fields: object, message: string): void => this.#keep("warn", fields, message);
  info = (fields: object, message: string): void => this.#keep("info", fields, message);
  debug = (fields: object, message: string): void => this.#keep("debug", fields, message);

  child(fields: Record<string, unknown>): Logger {
    return new RecordingLogger(this.records, { ...this.#base, ...fields });
  }

  #keep(level: string, fields: object, message: string): void {
    this.records.push({ level, fields: { ...this.#base, ...fields }, message });
  }
}
