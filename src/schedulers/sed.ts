/**
 * Shortest expected delay: the least (active + 1) for the weight, where the one more is the connection that would come.
 * Inactive ones do not count (net/netfilter/ipvs/ip_vs_sed.c). No state.
 */
import { NONE } from "./columns.js";
import { exceeds, isUsable } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `sed`. */
export const sed: Scheduler = {
  name: "sed",

  bind() {},

  schedule({ services, servers }, service) {
    const { next, weight, active } = servers;
    let least = NONE;
    for (let server = services.head[service]; server !== NONE; server = next[server]) {
      if (!isUsable(servers, server)) continue;
      if (least === NONE || exceeds(active[least] + 1, weight[server], active[server] + 1, weight[least])) {
        least = server;
      }
    }
    return least;
  },
};
