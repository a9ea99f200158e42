/**
 * Never queue: the first usable realserver that is idle, even the lightest; where none is, as sed
 * (net/netfilter/ipvs/ip_vs_nq.c). No state.
 */
import { NONE } from "./columns.js";
import { exceeds, isUsable } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `nq`. */
export const nq: Scheduler = {
  name: "nq",

  bind() {},

  schedule({ services, servers }, service) {
    const { next, weight, active } = servers;
    let least = NONE;
    for (let server = services.head[service]; server !== NONE; server = next[server]) {
      if (!isUsable(servers, server)) continue;
      if (active[server] === 0) return server;
      if (least === NONE || exceeds(active[least] + 1, weight[server], active[server] + 1, weight[least])) {
        least = server;
      }
    }
    return least;
  },
};
