/**
 * Locality-based least connection with replication: as lblc, but a destination address has a set of realservers. Its
 * least loaded member serves; when that one is overburdened, the realserver that wlc would choose joins the set; a set
 * that has not changed for long sheds its most loaded member (net/netfilter/ipvs/ip_vs_lblcr.c).
 *
 * State words and table: as locality-cache.ts has them. An entry's target is the first member of its set, the one that
 * joined last.
 */
import { CacheSetting, NONE, type SchedulerColumns, ServerFlag } from "./columns.js";
import { exceeds, isOverburdened, isUsable, leastLoaded, overhead } from "./load.js";
import { addEntry, cacheKeeping, findEntry, giveMember, takeMember } from "./locality-cache.js";
import type { ScheduleKey, Scheduler } from "./scheduler.js";

/** The scheduler `lblcr`. */
export const lblcr: Scheduler = {
  name: "lblcr",
  ...cacheKeeping(true, CacheSetting.LBLCR_EXPIRATION_SEC),

  schedule(columns, service, key) {
    const { cache } = columns;
    let entry = findEntry(columns, service, key);
    if (entry !== NONE) {
      cache.entryLastUseSec[entry] = key.nowSec;
      const member = leastLoadedMember(columns, entry);
      const ageSec = key.nowSec - cache.entryLastModSec[entry];
      if (ageSec > cache.settings[CacheSetting.LBLCR_EXPIRATION_SEC]) shed(columns, entry, key.nowSec);
      if (member !== NONE && !isOverburdened(columns, service, member)) return member;
    }
    const server = leastLoaded(columns, service);
    if (server === NONE) return NONE;
    if (entry === NONE) entry = addEntry(columns, service, key);
    if (entry !== NONE) join(columns, service, entry, server, key);
    return server;
  },
};

/** The least loaded usable realserver of a set, or NONE (`ip_vs_dest_set_min`). */
function leastLoadedMember({ servers, cache }: SchedulerColumns, entry: number): number {
  const { weight, flags } = servers;
  let least = NONE;
  let leastOverhead = 0;
  for (let member = cache.entryTarget[entry]; member !== NONE; member = cache.memberNext[member]) {
    const server = cache.memberServer[member];
    if (servers.generation[server] !== cache.memberGeneration[member]) continue;
    if ((flags[server] & ServerFlag.AVAILABLE) === 0 || !isUsable(servers, server)) continue;
    const serverOverhead = overhead(servers, server);
    if (least === NONE || exceeds(leastOverhead, weight[server], serverOverhead, weight[least])) {
      least = server;
      leastOverhead = serverOverhead;
    }
  }
  return least;
}

/**
 * Takes the most loaded member out of a set of more than one. One that was deleted still counts, as in the kernel, until
 * its slot is another realserver's (`ip_vs_dest_set_max`, `ip_vs_dest_set_erase`).
 */
function shed({ servers, cache }: SchedulerColumns, entry: number, nowSec: number): void {
  const { weight } = servers;
  let size = 0;
  let most = NONE;
  let mostMember = NONE;
  let beforeMost = NONE;
  let previous = NONE;
  for (let member = cache.entryTarget[entry]; member !== NONE; member = cache.memberNext[member]) {
    const server = cache.memberServer[member];
    if (servers.generation[server] === cache.memberGeneration[member]) {
      size++;
      if (
        weight[server] > 0 &&
        (most === NONE ||
          exceeds(overhead(servers, server), weight[most], overhead(servers, most), weight[server]))
      ) {
        most = server;
        mostMember = member;
        beforeMost = previous;
      }
    }
    previous = member;
  }
  if (size < 2 || most === NONE) return;
  unlinkMember({ cache }, entry, mostMember, beforeMost);
  cache.entryLastModSec[entry] = nowSec;
}

/** Puts a realserver in front of a set unless it is a member, and forgets those whose slots are others' now. */
function join(
  columns: SchedulerColumns,
  service: number,
  entry: number,
  server: number,
  key: ScheduleKey,
): void {
  const { servers, cache } = columns;
  let previous = NONE;
  let member = cache.entryTarget[entry];
  while (member !== NONE) {
    const next = cache.memberNext[member];
    const present = cache.memberServer[member];
    if (servers.generation[present] !== cache.memberGeneration[member]) {
      unlinkMember(columns, entry, member, previous);
    } else if (present === server) {
      return;
    } else {
      previous = member;
    }
    member = next;
  }
  const joined = takeMember(columns, service, entry, key);
  if (joined === NONE) return;
  cache.memberServer[joined] = server;
  cache.memberGeneration[joined] = servers.generation[server];
  cache.memberNext[joined] = cache.entryTarget[entry];
  cache.entryTarget[entry] = joined;
  cache.entryLastModSec[entry] = key.nowSec;
}

/** @param previous the member before it, or NONE where it is the first */
function unlinkMember(
  { cache }: Pick<SchedulerColumns, "cache">,
  entry: number,
  member: number,
  previous: number,
): void {
  if (previous === NONE) cache.entryTarget[entry] = cache.memberNext[member];
  else cache.memberNext[previous] = cache.memberNext[member];
  giveMember(cache, member);
}
