/** How an UvsError becomes an HTTP answer: a status from its code, and the error itself as the body. */
import { type ErrorCode, type PlainError, UvsError } from "../core/errors.js";

/** The HTTP status of each error code. Also listed in `docs/errors.md`. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  EXISTS: 409,
  NO_SERVICE: 404,
  NO_SERVER: 404,
  NO_INSTANCE: 404,
  NO_SCHEDULER: 400,
  INVALID: 400,
  RANGE: 400,
  TOO_MANY: 409,
  CONFIG: 400,
  SYSCALL: 500,
  ADDRESS_IN_USE: 409,
  PERMISSION: 403,
  ALREADY_RUNNING: 409,
  UNAVAILABLE: 503,
  UNSUPPORTED: 501,
  INTERNAL: 500,
};

/** The body of every answer that is not a success. */
export interface ErrorAnswer {
  readonly error: PlainError;
}

/** A request that is wrong as HTTP: code INVALID with a status of its own (404 no such path, 405, 408, 413, 431). */
export class RequestError extends UvsError {
  constructor(
    readonly httpStatus: number,
    message: string,
    /** Methods for the Allow header of a 405. */
    readonly allow?: readonly string[],
  ) {
    super("INVALID", message);
  }
}

/** The HTTP status that fits an error. */
export function httpStatusOf(error: UvsError): number {
  return error instanceof RequestError ? error.httpStatus : HTTP_STATUS[error.code];
}
