/** What an instance counts. Names are keepalived's where it counts the same (`keepalived.stats`). */
import { DROP_REASONS, type DropReason } from "./drop-reasons.js";

/** Counters besides the reasons for dropping packets, with what they mean. */
export const INSTANCE_COUNTERS = {
  advert_rcvd: "advertisements accepted",
  advert_sent: "advertisements sent",
  advert_send_err: "advertisements that the system did not send",
  become_master: "times that the instance became master",
  release_master: "times that it ceased to be master",
  pri_zero_rcvd: "advertisements of a leaving master received",
  pri_zero_sent: "advertisements of a leaving master sent",
  addr_list_err: "accepted advertisements that name other addresses than ours",
  lower_prio_rcvd: "times that a second, worse master was heard while master",
  fenced: "lost masters that were fenced before their addresses were taken",
  fence_failed: "attempts to fence a lost master that failed; nothing was taken",
  stalled: "timers that came so late that another may have taken over meanwhile",
} as const;

/** Name of a counter. */
export type CounterName = keyof typeof INSTANCE_COUNTERS | DropReason;

/** All counters of an instance. */
export type Counters = Record<CounterName, number>;

/** Counters at zero. */
export function zeroCounters(): Counters {
  const names = [...Object.keys(INSTANCE_COUNTERS), ...Object.keys(DROP_REASONS)];
  return Object.fromEntries(names.map((name) => [name, 0])) as Counters;
}
