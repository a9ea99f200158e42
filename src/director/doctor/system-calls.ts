/** The system calls that the doctor makes itself. */
import type { Endpoint } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import { loadLibc } from "../../dataplane/native/libc.js";
import { type ProbeResult, probeReturn } from "../../dataplane/native/return-probe.js";

/** Longest time that a realserver's answer is waited for. */
const PROBE_TIMEOUT_MS = 1000;

/** Either the way to probe realservers, or why there is none. */
export interface SystemCalls {
  readonly probe?: (to: Endpoint) => Promise<ProbeResult>;
  /** Why system calls are not possible. */
  readonly missing?: string;
}

/** @param mark SO_MARK of the director's transparent sockets */
export function systemCalls(mark: number): SystemCalls {
  try {
    const libc = loadLibc();
    return { probe: (to) => probeReturn(libc, to, mark, PROBE_TIMEOUT_MS) };
  } catch (error) {
    return { missing: UvsError.from(error).message };
  }
}
