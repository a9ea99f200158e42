/** Weighted least connection, the scheduler that ipvsadm takes unless told otherwise (net/netfilter/ipvs/ip_vs_wlc.c). No state. */
import { leastLoaded } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `wlc`. */
export const wlc: Scheduler = {
  name: "wlc",
  bind() {},
  schedule: leastLoaded,
};
