/**
 * Weighted overflow: the heaviest usable realserver whose active connections do not exceed its weight, so that it takes
 * weight + 1 of them before the next one is used; refused when all exceed it (net/netfilter/ipvs/ip_vs_ovf.c). No state.
 */
import { NONE } from "./columns.js";
import { isUsable } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `ovf`. */
export const ovf: Scheduler = {
  name: "ovf",

  bind() {},

  schedule({ services, servers }, service) {
    const { next, weight, active } = servers;
    let heaviest = NONE;
    for (let server = services.head[service]; server !== NONE; server = next[server]) {
      if (!isUsable(servers, server) || active[server] > weight[server]) continue;
      if (heaviest === NONE || weight[server] > weight[heaviest]) heaviest = server;
    }
    return heaviest;
  },
};
