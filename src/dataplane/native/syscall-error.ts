import { UvsError } from "../../core/errors.js";
import { errnoName } from "./linux.js";

/**
 * The error for a system call that failed where it never should, or where nothing finer is known.
 * @param result the negated errno that the call returned
 * @param advice what to do about it, a sentence
 */
export function syscallError(call: string, result: number, advice: string): UvsError {
  const errno = errnoName(-result);
  return new UvsError("SYSCALL", `${call} failed with ${errno}: ${advice}`, {
    side: "system",
    details: { call, errno },
  });
}
