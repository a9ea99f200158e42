/**
 * Lets the calling thread go before others of the machine when it has something to do (nice(2)): for threads that do little
 * and are worthless when they are late. Not the real-time scheduler: a thread that ran wild would stop the host.
 */
import { setPriority } from "node:os";
import type { Libc } from "./libc.js";
import { SCHED_OTHER, SCHED_RESET_ON_FORK } from "./linux.js";

const NICE = -15;

/**
 * Raises the priority of the calling thread only; what it starts has the ordinary one again.
 * @returns whether that was possible: it needs CAP_SYS_NICE
 */
export function raiseThreadPriority(libc: Libc): boolean {
  const parameter = libc.allocate(4);
  if (libc.setScheduler(SCHED_OTHER | SCHED_RESET_ON_FORK, parameter.address) < 0) return false;
  try {
    // On Linux this is of the thread that asks, not of its process.
    setPriority(NICE);
    return true;
  } catch {
    return false;
  }
}
