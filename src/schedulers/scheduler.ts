/**
 * What every scheduler is: a pure module of functions over columns. Costly work (tables) happens on edits, `schedule`
 * only reads and moves cursors. Every function is called with the service's lock held. The slots are those of the
 * kernel's `struct ip_vs_scheduler` (include/net/ip_vs.h).
 */
import type { SchedulerColumns } from "./columns.js";

/**
 * What a decision may depend on; one object is reused for all decisions of a thread.
 * Addresses are four words each, as in core/address.ts.
 */
export interface ScheduleKey {
  family: number;
  readonly client: Uint32Array;
  clientPort: number;
  /** The address that the client spoke to. */
  readonly destination: Uint32Array;
  destinationPort: number;
  /** Monotonic seconds, for the ages of lblc and lblcr's entries. */
  nowSec: number;
}

/** One scheduler. */
export interface Scheduler {
  /** As the user types it: `wlc`. */
  readonly name: string;
  /** Binds to a service: state and table from the present list. */
  bind(columns: SchedulerColumns, service: number): void;
  /** Leaves a service: gives back what lies outside of the service's own words. */
  unbind?(columns: SchedulerColumns, service: number): void;
  /** After a realserver was put in front of the list. */
  serverAdded?(columns: SchedulerColumns, service: number, server: number): void;
  /** After weight or thresholds changed. */
  serverEdited?(columns: SchedulerColumns, service: number, server: number): void;
  /** After a realserver was unlinked; its own `next` and `previous` still name its former neighbours. */
  serverDeleted?(columns: SchedulerColumns, service: number, server: number): void;
  /** Once a minute: forgets what has not been used for long. @param nowSec on the clock of `ScheduleKey.nowSec` */
  tick?(columns: SchedulerColumns, service: number, nowSec: number): void;
  /**
   * Chooses the realserver for a new connection. Hot path: no allocation, no throw.
   * @returns a realserver slot, or NONE where none is available
   */
  schedule(columns: SchedulerColumns, service: number, key: ScheduleKey): number;
}
