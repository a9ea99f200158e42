/**
 * Lets the calling thread go before others of the machine when it has something to do (nice(2)): for threads that do little
 * and are worthless when they are late. Not the real-time scheduler: a thread that ran wild would stop the host.
 *
 * The nice value alone decides how much of a processor a thread gets. Whether one that wakes up goes at once or when the
 * present one has had its slice (3 ms) is decided by whose slice is shorter, from Linux 6.12 on (sched(7), EEVDF); older
 * kernels do not look at it.
 */
import type { Libc } from "./libc.js";
import { SCHED_FLAG_RESET_ON_FORK, SCHED_OTHER } from "./linux.js";

const NICE = -15;
const ORDINARY = 0;
/** The shortest that the kernel knows. */
const SLICE_NS = 100_000n;
/** sizeof(struct sched_attr) of its first version, which every kernel knows. */
const ATTRIBUTES_BYTES = 48;

/**
 * Raises the priority of the calling thread only; what it starts has the ordinary one again. Without CAP_SYS_NICE its slice
 * is shorter, and nothing else.
 */
export function raiseThreadPriority(libc: Libc): void {
  if (setScheduling(libc, NICE) < 0) setScheduling(libc, ORDINARY);
}

/** @returns 0, or a negated errno */
function setScheduling(libc: Libc, nice: number): number {
  const memory = libc.allocate(ATTRIBUTES_BYTES);
  const attributes = new DataView(memory.buffer);
  attributes.setUint32(0, ATTRIBUTES_BYTES, true);
  attributes.setUint32(4, SCHED_OTHER, true);
  attributes.setBigUint64(8, SCHED_FLAG_RESET_ON_FORK, true);
  attributes.setInt32(16, nice, true);
  attributes.setBigUint64(24, SLICE_NS, true);
  return libc.setScheduling(memory.address);
}
