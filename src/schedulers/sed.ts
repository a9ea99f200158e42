/**
 * Shortest expected delay: the least (active + 1) for the weight, where the one more is the connection that would come.
 * Inactive ones do not count (net/netfilter/ipvs/ip_vs_sed.c). No state.
 */
import { leastDelayed } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `sed`. */
export const sed: Scheduler = {
  name: "sed",
  bind() {},
  schedule: (columns, service) => leastDelayed(columns, service, false),
};
