/** What the guard's main thread and the data plane's thread say to one another. */
import type { BalancerColumns } from "../../src/balancer/columns.js";
import type { PlaneMemory } from "../../src/dataplane/memory.js";
import type { RecordRing } from "../../src/dataplane/records.js";

/** What the thread is started with. */
export interface GuardedThreadData {
  readonly columns: BalancerColumns;
  readonly memory: PlaneMemory;
  readonly records: RecordRing;
  readonly wakeFd: number;
  /** Undefined: not counted. */
  readonly counts: Int32Array | undefined;
}

/** Asks the thread for the bytes on its heap. */
export const MEASURE_HEAP = "measure heap";
