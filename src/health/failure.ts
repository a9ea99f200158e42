/** Puts what goes wrong in a probe into words: the reason that logs, status and alerts show. */
import { CheckFailure, type CheckResult, failed, type ResultCode } from "./checker.js";
import { escaped } from "./excerpt.js";

const LONGEST_REASON = 300;

/** System errors that people know by their words better than by their names. */
const SYSTEM_ERRORS: Readonly<Record<string, readonly [ResultCode, string]>> = {
  ECONNREFUSED: ["L4CON", "connection refused"],
  ECONNRESET: ["L4CON", "connection reset"],
  EPIPE: ["L4CON", "connection closed by the realserver"],
  EHOSTUNREACH: ["L4CON", "host unreachable"],
  ENETUNREACH: ["L4CON", "network unreachable"],
  ETIMEDOUT: ["L4TOUT", "connection timed out"],
  ENOTFOUND: ["SOCKERR", "name not found"],
  EAI_AGAIN: ["SOCKERR", "name server did not answer"],
  EADDRNOTAVAIL: ["SOCKERR", "no free source port (EADDRNOTAVAIL)"],
  EMFILE: ["SOCKERR", "the director has no descriptor left (EMFILE): raise its limit of open files"],
  ENFILE: ["SOCKERR", "the system has no descriptor left (ENFILE)"],
  EACCES: ["SOCKERR", "not permitted (EACCES)"],
  EPERM: ["SOCKERR", "not permitted (EPERM): a firewall of the director may refuse it"],
};

/** The failed result that a thrown value stands for. */
export function failureOf(thrown: unknown): CheckResult {
  if (thrown instanceof CheckFailure) return failed(thrown.code, thrown.message);
  if (!(thrown instanceof Error)) return failed("SOCKERR", shortened(String(thrown)));
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : SYSTEM_ERRORS[code];
  if (known !== undefined) return failed(known[0], known[1]);
  if (code?.startsWith("ERR_SSL_") || code?.startsWith("ERR_TLS_")) {
    return failed("L6RSP", shortened(`TLS: ${thrown.message}`));
  }
  // What is not a system error is a bug of the checker: the message alone must do to find it.
  return failed("SOCKERR", shortened(syscall && code ? `${syscall} failed with ${code}` : thrown.message));
}

function shortened(text: string): string {
  return escaped(text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}...` : text);
}
