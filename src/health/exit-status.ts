/** What the end of a check program means (reference §4.3 MISC_CHECK, §3.5 monitors, §2.6 external). */
import { type CheckResult, failed, passed } from "./checker.js";
import { excerpt } from "./excerpt.js";
import type { ProgramEnd } from "./program.js";

/**
 * The result of a check program: status 0 passes.
 * @param dynamic keepalived's misc_dynamic: 2 to 255 pass too and set the weight to the status minus 2; 0 and a failure go
 *   back to the configured weight
 */
export function resultOfProgram(end: ProgramEnd, dynamic = false): CheckResult {
  const { exitStatus, output, timedOut } = end;
  const firstLine = output.split("\n", 1)[0].trimEnd();
  const reason = firstLine === "" ? end.reason : `${end.reason}: ${excerpt(firstLine)}`;
  const configured = dynamic ? { weight: { delta: 0 } } : {};
  if (exitStatus === 0) return passed("PROCOK", reason, { output, ...configured });
  if (dynamic && exitStatus !== undefined && exitStatus >= 2) {
    return passed("PROCOK", reason, { output, weight: { absolute: exitStatus - 2 } });
  }
  return failed(timedOut ? "PROCTOUT" : "PROCERR", reason, { output, ...configured });
}
