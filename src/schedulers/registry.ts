/** The schedulers by number and by name. The number is what the service column keeps. */
import type { Scheduler } from "./scheduler.js";

/** All schedulers, in the order of ipvsadm's help, then those it does not list. */
export const SCHEDULERS: readonly Scheduler[] = [];

/** The names, for messages: `rr, wrr, lc, ...`. */
export const SCHEDULER_NAMES: readonly string[] = SCHEDULERS.map((scheduler) => scheduler.name);

/** The number of a scheduler, or -1 where the name is unknown. */
export function schedulerNumber(name: string): number {
  return SCHEDULER_NAMES.indexOf(name);
}
