/**
 * Destination hashing: the address that the client spoke to names one of 256 buckets, dealt to the realservers in turn
 * whatever their weights (net/netfilter/ipvs/ip_vs_dh.c). It spreads only where one service has several VIPs. Clients of
 * a realserver that is full or has weight 0 are refused. Editing a weight leaves the table as it is.
 *
 * | table words | meaning |
 * |---|---|
 * | 0 to 255 | realserver of the bucket, or NONE where the service has none |
 */
import { NONE, type SchedulerColumns, TABLE_WORDS } from "./columns.js";
import { foldAddress, multiplicativeHash } from "./hash.js";
import { isUsable } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** IP_VS_DH_TAB_BITS as kernels are built. */
const BUCKET_BITS = 8;
const BUCKETS = 1 << BUCKET_BITS;

/** The scheduler `dh`. */
export const dh: Scheduler = {
  name: "dh",

  bind: fill,
  serverAdded: fill,
  serverDeleted: fill,

  schedule({ services, servers }, service, key) {
    const hash = multiplicativeHash(foldAddress(key.destination, 0), BUCKET_BITS);
    const server = services.table[service * TABLE_WORDS + hash];
    return server !== NONE && isUsable(servers, server) ? server : NONE;
  },
};

/** Deals the buckets in list order, one at a time. */
function fill({ services, servers }: SchedulerColumns, service: number): void {
  const base = service * TABLE_WORDS;
  const head = services.head[service];
  let server = head;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    services.table[base + bucket] = server;
    if (server !== NONE) server = servers.next[server] === NONE ? head : servers.next[server];
  }
}
