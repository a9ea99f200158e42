/**
 * Never queue: the first usable realserver that is idle, even the lightest; where none is, as sed
 * (net/netfilter/ipvs/ip_vs_nq.c). No state.
 */
import { leastDelayed } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `nq`. */
export const nq: Scheduler = {
  name: "nq",
  bind() {},
  schedule: (columns, service) => leastDelayed(columns, service, true),
};
