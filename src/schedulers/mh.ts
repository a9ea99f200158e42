/**
 * Maglev hashing: a client's address (with `mh-port` its port too) names a place in a table of 4093, which is made so that
 * the loss of one realserver moves few clients of the others (net/netfilter/ipvs/ip_vs_mh.c; Eisenbud et al., "Maglev: A
 * Fast and Reliable Software Network Load Balancer", 2016, section 3.4).
 *
 * The table is made of the last weights that were not 0: a quiesced realserver keeps its places. Its clients are refused, as
 * those of a full one, unless `mh-fallback` lets them look further. Of more than 4093 realservers, which the kernel does
 * not allow, the last ones of the list get no place.
 *
 * | table words | meaning |
 * |---|---|
 * | 0 to 4092 | realserver of the place, or NONE where no realserver ever had a weight |
 */
import { NONE, type SchedulerColumns, type ServerColumns, TABLE_WORDS } from "./columns.js";
import { foldAddress } from "./hash.js";
import { isUsable } from "./load.js";
import type { Scheduler } from "./scheduler.js";
import { type SipKey, sipHash13 } from "./siphash.js";
import { commonDivisor, greatestWeight } from "./weights.js";

/** The prime of IP_VS_MH_TAB_INDEX 12, as kernels are built. */
const PLACES = 4093;

/** IP_VS_MH_TAB_BITS: weights are shifted right until they fit, so that nobody takes more than 63 places in a turn. */
const TURN_BITS = 6;

/** `hash1` and `hash2` of the kernel: each key is one number twice. */
const PLACE_KEY: SipKey = [2654435761, 0, 2654435761, 0];
const SKIP_KEY: SipKey = [2654446892, 0, 2654446892, 0];

/** Bits of `schedulerFlags`, see SCHEDULER_FLAG_BITS in core/model.ts. */
const FALLBACK = 0x08;
const PORT = 0x10;

/** The scheduler `mh`. */
export const mh: Scheduler = {
  name: "mh",

  bind: fill,
  serverAdded: fill,
  serverEdited: fill,
  serverDeleted: fill,

  schedule(columns, service, key) {
    const { services, servers } = columns;
    const flags = services.schedulerFlags[service];
    const base = service * TABLE_WORDS;
    const client = foldAddress(key.client, 0) + ((flags & PORT) !== 0 ? key.clientPort : 0);
    const hash = sipHash13(PLACE_KEY, client, 4);
    const server = services.table[base + (hash % PLACES)];
    if (server === NONE || isUsable(servers, server)) return server;
    if ((flags & FALLBACK) === 0 || !hasUsable(columns, service)) return NONE;
    for (let offset = 0; offset < PLACES; offset++) {
      const other = ((hash + offset) >>> 0) % PLACES;
      const place = sipHash13(PLACE_KEY, client + other, 4) % PLACES;
      if (isUsable(servers, services.table[base + place])) return services.table[base + place];
    }
    return NONE;
  },
};

/** Spares 4093 hashes a connection when every realserver is full. */
function hasUsable({ services, servers }: SchedulerColumns, service: number): boolean {
  let server = services.head[service];
  while (server !== NONE && !isUsable(servers, server)) server = servers.next[server];
  return server !== NONE;
}

/**
 * Lets the realservers take places in turn, in list order, each the next free one of its own permutation and as many in
 * a turn as its weight, divided by the common divisor, gives it (`ip_vs_mh_permutate`, `ip_vs_mh_populate`).
 */
function fill(columns: SchedulerColumns, service: number): void {
  const { services, servers } = columns;
  const base = service * TABLE_WORDS;
  const table = services.table.subarray(base, base + PLACES);
  table.fill(NONE);
  const divisor = commonDivisor(columns, service, servers.lastWeight);
  if (divisor === 0) return;
  const greatest = Math.floor(greatestWeight(columns, service, servers.lastWeight) / divisor);
  const shift = Math.max(0, 32 - Math.clz32(greatest) - TURN_BITS);

  const count = services.serverCount[service];
  const places = new Int32Array(count);
  const skips = new Int32Array(count);
  let i = 0;
  for (let server = services.head[service]; server !== NONE; server = servers.next[server], i++) {
    places[i] = serverHash(servers, server, PLACE_KEY) % PLACES;
    skips[i] = (serverHash(servers, server, SKIP_KEY) % (PLACES - 1)) + 1;
  }

  let free = PLACES;
  while (free > 0) {
    i = 0;
    for (
      let server = services.head[service];
      server !== NONE && free > 0;
      server = servers.next[server], i++
    ) {
      const lastWeight = servers.lastWeight[server];
      if (lastWeight === 0) continue;
      let turns = Math.max(1, Math.floor(lastWeight / divisor) >> shift);
      for (; turns > 0 && free > 0; turns--, free--) {
        let place = places[i];
        while (table[place] !== NONE) place = (place + skips[i]) % PLACES;
        table[place] = server;
        places[i] = place;
      }
    }
  }
}

/** Address and port are added, so 10.0.0.1:81 and 10.0.0.2:80 have one permutation. */
function serverHash(servers: ServerColumns, server: number, key: SipKey): number {
  return sipHash13(key, foldAddress(servers.address, server * 4) + servers.port[server], 4);
}
