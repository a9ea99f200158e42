/**
 * Locality-based least connection: a destination address keeps its realserver until that one is overburdened, then goes
 * where wlc would send it; made for caches behind a service with many VIPs (net/netfilter/ipvs/ip_vs_lblc.c). A
 * remembered realserver is used even when it is over its threshold, as in the kernel.
 *
 * State words and table: as locality-cache.ts has them. An entry's target is the realserver itself.
 */
import { CacheSetting, NONE, type ServerColumns, ServerFlag } from "./columns.js";
import { isOverburdened, leastLoaded } from "./load.js";
import { addEntry, cacheKeeping, findEntry } from "./locality-cache.js";
import type { Scheduler } from "./scheduler.js";

/** The scheduler `lblc`. */
export const lblc: Scheduler = {
  name: "lblc",
  ...cacheKeeping(false, CacheSetting.LBLC_EXPIRATION_SEC),

  schedule(columns, service, key) {
    const { servers, cache } = columns;
    let entry = findEntry(columns, service, key);
    if (entry !== NONE) {
      cache.entryLastUseSec[entry] = key.nowSec;
      const remembered = cache.entryTarget[entry];
      if (
        mayKeep(servers, remembered, cache.entryGeneration[entry]) &&
        !isOverburdened(columns, service, remembered)
      ) {
        return remembered;
      }
    }
    const server = leastLoaded(columns, service);
    if (server === NONE) return NONE;
    if (entry === NONE) entry = addEntry(columns, service, key);
    if (entry !== NONE) {
      cache.entryTarget[entry] = server;
      cache.entryGeneration[entry] = servers.generation[server];
    }
    return server;
  },
};

function mayKeep(servers: ServerColumns, server: number, generation: number): boolean {
  const { AVAILABLE, EXCLUDED } = ServerFlag;
  return (
    (servers.flags[server] & (AVAILABLE | EXCLUDED)) === AVAILABLE &&
    servers.generation[server] === generation &&
    servers.weight[server] > 0
  );
}
