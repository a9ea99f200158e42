/** The names of scheduler flags: some schedulers have names of their own for the bare bits. */
import { SCHEDULER_FLAG_BITS, type SchedulerFlag } from "./model.js";

const FLAGS = Object.entries(SCHEDULER_FLAG_BITS) as [SchedulerFlag, number][];
const BARE = FLAGS.filter(([name]) => name.startsWith("flag-"));

/** The flags that are set, each by the name that it has for this scheduler, else as `flag-1` to `flag-3`. */
export function schedulerFlagNames(bits: number, scheduler: string): SchedulerFlag[] {
  return BARE.filter(([, bit]) => (bits & bit) !== 0).map(([bare, bit]) => {
    const own = FLAGS.find(([name, value]) => value === bit && name.startsWith(`${scheduler}-`));
    return own?.[0] ?? bare;
  });
}
