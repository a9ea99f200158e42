/**
 * Source hashing: a client's address (with `sh-port` its port too) names one of 256 buckets, and a realserver holds as
 * many buckets in turn as its weight (net/netfilter/ipvs/ip_vs_sh.c). A realserver of weight 0 keeps one: its clients
 * are refused, as those of a full one, unless `sh-fallback` lets them look further.
 *
 * | table words | meaning |
 * |---|---|
 * | 0 to 255 | realserver of the bucket, or NONE where the service has none |
 */
import { NONE, type SchedulerColumns, TABLE_WORDS } from "./columns.js";
import { foldAddress, multiplicativeHash } from "./hash.js";
import { isUsable } from "./load.js";
import type { Scheduler } from "./scheduler.js";

/** IP_VS_SH_TAB_BITS as kernels are built. */
const BUCKET_BITS = 8;
const BUCKETS = 1 << BUCKET_BITS;

/** Bits of `schedulerFlags`, see SCHEDULER_FLAG_BITS in core/model.ts. */
const FALLBACK = 0x08;
const PORT = 0x10;

/** The scheduler `sh`. */
export const sh: Scheduler = {
  name: "sh",

  bind: fill,
  serverAdded: fill,
  serverEdited: fill,
  serverDeleted: fill,

  schedule({ services, servers }, service, key) {
    const { table } = services;
    const flags = services.schedulerFlags[service];
    const base = service * TABLE_WORDS;
    const port = (flags & PORT) !== 0 ? key.clientPort : 0;
    const hash = multiplicativeHash(foldAddress(key.client, 0) + port, BUCKET_BITS);
    const server = table[base + hash];
    if (server === NONE || isUsable(servers, server)) return server;
    if ((flags & FALLBACK) === 0) return NONE;
    // As the kernel has it, the way on begins at twice the hash: it adds the hash to an offset that begins there too.
    for (let offset = 0; offset < BUCKETS; offset++) {
      const other = table[base + ((2 * hash + offset) % BUCKETS)];
      if (isUsable(servers, other)) return other;
    }
    return NONE;
  },
};

/** Deals the buckets in list order, `weight` of them at a time, at least one. */
function fill({ services, servers }: SchedulerColumns, service: number): void {
  const base = service * TABLE_WORDS;
  const head = services.head[service];
  let server = head;
  let dealt = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    services.table[base + bucket] = server;
    if (server === NONE || ++dealt < servers.weight[server]) continue;
    dealt = 0;
    server = servers.next[server] === NONE ? head : servers.next[server];
  }
}
