/**
 * The one error class of uvs. An error says what went wrong as a documented code, on whose side, whether a retry is
 * safe, and carries typed details; it crosses thread, process and socket borders as a plain object.
 */

/** Every error code, with what it means. Also listed in `docs/errors.md`. */
export const ERROR_CODES = {
  EXISTS: "a service or realserver with this key is there already",
  NO_SERVICE: "no such virtual service",
  NO_SERVER: "no such realserver in the service",
  NO_INSTANCE: "no virtual router or resource group of this name",
  NO_SCHEDULER: "no scheduler of this name",
  INVALID: "a value is outside of what is accepted",
  RANGE: "thresholds contradict one another (the kernel's ERANGE)",
  TOO_MANY: "a bound of the director is reached (services, realservers, ...)",
  CONFIG: "the configuration file has errors; nothing was changed",
  SYSCALL: "a system call failed; details name the call and errno",
  ADDRESS_IN_USE: "the listening address is taken by another socket",
  PERMISSION: "the process lacks a right that the operation needs",
  ALREADY_RUNNING: "another director serves this control socket",
  UNAVAILABLE: "the forwarder cannot answer now; try again",
  UNSUPPORTED: "not possible with this data plane or on this host",
  INTERNAL: "a broken promise inside uvs; please report it",
} as const;

/** One of the documented error codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whose doing it was. */
export type ErrorSide = "client" | "realserver" | "director" | "config" | "system";

/** What accompanies an error: strings and numbers only, so that it survives a structured clone and JSON. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** An error as a plain object, for thread, process and socket borders. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly side: ErrorSide;
  readonly retryable: boolean;
  readonly details: ErrorDetails;
}

/** What may be given with an error besides code and message. */
export interface ErrorOptions {
  /** @default "client": whoever asked for it */
  readonly side?: ErrorSide;
  /** @default false */
  readonly retryable?: boolean;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/** An error with a documented code. Throw it for broken input and broken promises, not for what is normal. */
export class UvsError extends Error {
  readonly code: ErrorCode;
  readonly side: ErrorSide;
  readonly retryable: boolean;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "UvsError";
    this.code = code;
    this.side = options.side ?? "client";
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }

  /** The error as a plain object. */
  toPlain(): PlainError {
    const { code, message, side, retryable, details } = this;
    return { code, message, side, retryable, details };
  }

  /** The error that was made plain on the other side of a border. */
  static fromPlain(plain: PlainError): UvsError {
    return new UvsError(plain.code, plain.message, plain);
  }

  /** Any thrown value as an UvsError; what is not one becomes INTERNAL with the original as its cause. */
  static from(thrown: unknown): UvsError {
    if (thrown instanceof UvsError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new UvsError("INTERNAL", message, { side: "director", cause: thrown });
  }
}
