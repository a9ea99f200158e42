/** Weighted failover: the heaviest usable realserver takes everything (net/netfilter/ipvs/ip_vs_fo.c). No state. */
import { NONE } from "./columns.js";
import { isUsable } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `fo`. */
export const fo: Scheduler = {
  name: "fo",

  bind() {},

  schedule({ services, servers }, service) {
    const { next, weight } = servers;
    let heaviest = NONE;
    for (let server = services.head[service]; server !== NONE; server = next[server]) {
      if (!isUsable(servers, server)) continue;
      if (heaviest === NONE || weight[server] > weight[heaviest]) heaviest = server;
    }
    return heaviest;
  },
};
