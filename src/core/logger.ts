/** The logger that every part is handed: the part of pino's interface that uvs uses. */
export interface Logger {
  /** Each method takes the fields of the record and a sentence for people, as pino does. */
  fatal(fields: object, message: string): void;
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  /** A logger that adds these fields to each of its records. */
  child(fields: Record<string, unknown>): Logger;
}
