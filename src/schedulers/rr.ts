/**
 * Round robin: the next usable realserver in the list, whatever the weights above 0 (net/netfilter/ipvs/ip_vs_rr.c).
 *
 * | state word | meaning |
 * |---|---|
 * | 0 | cursor: the realserver chosen last, or NONE: begin at the head |
 */
import { NONE, STATE_WORDS } from "./columns.js";
import { isUsable } from "./load.js";
import type { Scheduler } from "./scheduler.js";

const CURSOR = 0;

/** The scheduler `rr`. */
export const rr: Scheduler = {
  name: "rr",

  bind({ services }, service) {
    services.state[service * STATE_WORDS + CURSOR] = NONE;
  },

  // The predecessor becomes the cursor, so that the successor is next.
  serverDeleted({ services, servers }, service, server) {
    const cursor = service * STATE_WORDS + CURSOR;
    if (services.state[cursor] === server) services.state[cursor] = servers.previous[server];
  },

  schedule({ services, servers }, service) {
    const cursor = service * STATE_WORDS + CURSOR;
    const last = services.state[cursor];
    let server = last === NONE ? services.head[service] : servers.next[last];
    for (let pass = 0; pass < 2; pass++) {
      for (; server !== NONE; server = servers.next[server]) {
        if (isUsable(servers, server)) {
          services.state[cursor] = server;
          return server;
        }
        if (server === last) return NONE;
      }
      if (last === NONE) return NONE;
      server = services.head[service];
    }
    return NONE;
  },
};
