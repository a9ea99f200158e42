/** Least connection: the usable realserver with the least overhead, whatever its weight (net/netfilter/ipvs/ip_vs_lc.c). No state. */
import { NONE } from "./columns.js";
import { isUsable, overhead } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `lc`. */
export const lc: Scheduler = {
  name: "lc",

  bind() {},

  schedule({ services, servers }, service) {
    let least = NONE;
    let leastOverhead = 0;
    for (let server = services.head[service]; server !== NONE; server = servers.next[server]) {
      if (!isUsable(servers, server)) continue;
      // The kernel compares as unsigned here, and only here.
      const serverOverhead = overhead(servers, server) >>> 0;
      if (least === NONE || serverOverhead < leastOverhead) {
        least = server;
        leastOverhead = serverOverhead;
      }
    }
    return least;
  },
};
