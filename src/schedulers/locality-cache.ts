/**
 * What lblc and lblcr remember of a service: a hash table from destination address to an entry of the shared pool
 * (`SchedulerColumns.cache`), and its collection (net/netfilter/ipvs/ip_vs_lblc.c and ip_vs_lblcr.c, alike in this).
 * Where the kernel allocates, this takes from the pool; when the pool is empty, the service gives up its own entry that
 * was unused for longest in the bucket (or in the next bucket that has one).
 *
 * | state word | meaning |
 * |---|---|
 * | 0 | entries of this service |
 * | 1 | rover: the bucket that collection looked at last |
 * | 2 | ticks since the last full collection, from 1 on |
 * | 3 | 1 where the entries hold sets (lblcr), 0 where they hold one realserver (lblc) |
 *
 * | table words | meaning |
 * |---|---|
 * | 0 to 1023 | first entry of the bucket, or NONE |
 */
import { lock, unlock } from "../core/lock.js";
import {
  type LocalityCacheColumns,
  NONE,
  type SchedulerColumns,
  STATE_WORDS,
  TABLE_WORDS,
} from "./columns.js";
import { foldAddress, multiplicativeHash } from "./hash.js";
import type { ScheduleKey, Scheduler } from "./scheduler.js";

const ENTRIES = 0;
const ROVER = 1;
const TICKS = 2;
const HOLDS_SETS = 3;

/** IP_VS_LBLC_TAB_BITS as kernels are built. */
const BUCKET_BITS = 10;
const BUCKETS = 1 << BUCKET_BITS;

/** Entries above which each tick collects (`max_size`). */
const SOFT_LIMIT = BUCKETS * 16;

/** COUNT_FOR_FULL_EXPIRATION: with a tick a minute, a full collection every half hour. */
const TICKS_PER_FULL_COLLECTION = 30;

/** ENTRY_TIMEOUT: a partial collection spares what was used in the last six minutes. */
const PARTIAL_AGE_SEC = 360;

/** Words of `cache.free`. */
const FREE_ENTRY = 0;
const FREE_MEMBER = 1;

/**
 * What lblc and lblcr do besides scheduling.
 * @param holdsSets whether entries hold sets
 * @param expiration the CacheSetting after which what was not used is forgotten
 */
export function cacheKeeping(
  holdsSets: boolean,
  expiration: number,
): Pick<Scheduler, "bind" | "unbind" | "tick"> {
  return {
    bind: (columns, service) => openCache(columns, service, holdsSets),
    unbind: closeCache,
    tick: (columns, service, nowSec) => collect(columns, service, nowSec, columns.cache.settings[expiration]),
  };
}

/** Begins with an empty table. */
function openCache({ services }: SchedulerColumns, service: number, holdsSets: boolean): void {
  const state = service * STATE_WORDS;
  services.state[state + ENTRIES] = 0;
  services.state[state + ROVER] = 0;
  services.state[state + TICKS] = 1;
  services.state[state + HOLDS_SETS] = holdsSets ? 1 : 0;
  const table = service * TABLE_WORDS;
  services.table.fill(NONE, table, table + BUCKETS);
}

/** Gives everything back to the pool. */
function closeCache(columns: SchedulerColumns, service: number): void {
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const first = service * TABLE_WORDS + bucket;
    while (columns.services.table[first] !== NONE) dropEntry(columns, service, bucket, NONE);
  }
}

/** The entry of the key's destination, or NONE. Hot path. */
export function findEntry(columns: SchedulerColumns, service: number, key: ScheduleKey): number {
  const { entryNext, entryFamily, entryAddress } = columns.cache;
  const { destination } = key;
  let entry = columns.services.table[service * TABLE_WORDS + bucketOf(key)];
  for (; entry !== NONE; entry = entryNext[entry]) {
    const address = entry * 4;
    if (
      entryAddress[address] === destination[0] &&
      entryAddress[address + 1] === destination[1] &&
      entryAddress[address + 2] === destination[2] &&
      entryAddress[address + 3] === destination[3] &&
      entryFamily[entry] === key.family
    ) {
      break;
    }
  }
  return entry;
}

/**
 * Makes an entry for the key's destination, used and changed now, with NONE as its target. Hot path.
 * @returns NONE where the pool is empty and the service has no entry that it could give up
 */
export function addEntry(columns: SchedulerColumns, service: number, key: ScheduleKey): number {
  const { services, cache } = columns;
  const bucket = bucketOf(key);
  let entry = takeFree(cache, FREE_ENTRY, cache.entryNext);
  while (entry === NONE && dropOldest(columns, service, bucket, NONE)) {
    entry = takeFree(cache, FREE_ENTRY, cache.entryNext);
  }
  if (entry === NONE) return NONE;
  for (let i = 0; i < 4; i++) cache.entryAddress[entry * 4 + i] = key.destination[i];
  cache.entryFamily[entry] = key.family;
  cache.entryTarget[entry] = NONE;
  cache.entryLastUseSec[entry] = key.nowSec;
  cache.entryLastModSec[entry] = key.nowSec;
  const first = service * TABLE_WORDS + bucket;
  cache.entryNext[entry] = services.table[first];
  services.table[first] = entry;
  services.state[service * STATE_WORDS + ENTRIES]++;
  return entry;
}

/**
 * Takes a member for the set of an entry, which is not given up for it. Hot path.
 * @returns NONE where the pool is empty and the service has no other entry
 */
export function takeMember(
  columns: SchedulerColumns,
  service: number,
  entry: number,
  key: ScheduleKey,
): number {
  const { cache } = columns;
  let member = takeFree(cache, FREE_MEMBER, cache.memberNext);
  while (member === NONE && dropOldest(columns, service, bucketOf(key), entry)) {
    member = takeFree(cache, FREE_MEMBER, cache.memberNext);
  }
  return member;
}

/** Gives one member back that was unlinked from its set. Hot path. */
export function giveMember(cache: LocalityCacheColumns, member: number): void {
  giveFree(cache, FREE_MEMBER, cache.memberNext, member, member);
}

/**
 * Drops what was not used for long; called once a minute. Every half hour that is all that is older than
 * `expirationSec`, otherwise only what exceeds the soft limit (`ip_vs_lblc_check_expire`).
 */
function collect(columns: SchedulerColumns, service: number, nowSec: number, expirationSec: number): void {
  const { state } = columns.services;
  const base = service * STATE_WORDS;
  if (state[base + TICKS] % TICKS_PER_FULL_COLLECTION === 0) {
    dropUnused(columns, service, nowSec - expirationSec, Number.POSITIVE_INFINITY);
    state[base + TICKS] = 1;
    return;
  }
  const excess = state[base + ENTRIES] - SOFT_LIMIT;
  if (excess <= 0) state[base + TICKS]++;
  else
    dropUnused(
      columns,
      service,
      nowSec - PARTIAL_AGE_SEC,
      Math.min(Math.floor((excess * 4) / 3), SOFT_LIMIT / 2),
    );
}

/** Drops entries last used at `sinceSec` or before, bucket by bucket after the rover, until `goal` are gone. */
function dropUnused(columns: SchedulerColumns, service: number, sinceSec: number, goal: number): void {
  const { services, cache } = columns;
  const rover = service * STATE_WORDS + ROVER;
  let left = goal;
  for (let i = 0; i < BUCKETS && left > 0; i++) {
    const bucket = (services.state[rover] + 1) % BUCKETS;
    services.state[rover] = bucket;
    let previous = NONE;
    let entry = services.table[service * TABLE_WORDS + bucket];
    while (entry !== NONE) {
      const next = cache.entryNext[entry];
      if (cache.entryLastUseSec[entry] > sinceSec) {
        previous = entry;
      } else {
        dropEntry(columns, service, bucket, previous);
        left--;
      }
      entry = next;
    }
  }
}

/**
 * Drops the entry that was unused for longest in the first bucket, from `bucket` on, that has one besides `keep`.
 * @returns false where there is none in the whole service
 */
function dropOldest(columns: SchedulerColumns, service: number, bucket: number, keep: number): boolean {
  const { services, cache } = columns;
  for (let i = 0; i < BUCKETS; i++) {
    const present = (bucket + i) % BUCKETS;
    let oldest = NONE;
    let beforeOldest = NONE;
    let previous = NONE;
    let entry = services.table[service * TABLE_WORDS + present];
    for (; entry !== NONE; previous = entry, entry = cache.entryNext[entry]) {
      if (entry === keep) continue;
      if (oldest === NONE || cache.entryLastUseSec[entry] < cache.entryLastUseSec[oldest]) {
        oldest = entry;
        beforeOldest = previous;
      }
    }
    if (oldest !== NONE) {
      dropEntry(columns, service, present, beforeOldest);
      return true;
    }
  }
  return false;
}

/** Unlinks the entry after `previous` (NONE: the first of the bucket) and gives it back with the members of its set. */
function dropEntry(columns: SchedulerColumns, service: number, bucket: number, previous: number): void {
  const { services, cache } = columns;
  const first = service * TABLE_WORDS + bucket;
  const entry = previous === NONE ? services.table[first] : cache.entryNext[previous];
  if (previous === NONE) services.table[first] = cache.entryNext[entry];
  else cache.entryNext[previous] = cache.entryNext[entry];
  services.state[service * STATE_WORDS + ENTRIES]--;
  const target = cache.entryTarget[entry];
  if (services.state[service * STATE_WORDS + HOLDS_SETS] === 1 && target !== NONE) {
    let last = target;
    while (cache.memberNext[last] !== NONE) last = cache.memberNext[last];
    giveFree(cache, FREE_MEMBER, cache.memberNext, target, last);
  }
  giveFree(cache, FREE_ENTRY, cache.entryNext, entry, entry);
}

/** Takes the first of a free list, or NONE. */
function takeFree(cache: LocalityCacheColumns, list: number, next: Int32Array): number {
  lock(cache.lock, 0);
  const taken = cache.free[list];
  if (taken !== NONE) cache.free[list] = next[taken];
  unlock(cache.lock, 0);
  return taken;
}

/** Puts the chain from `first` to `last` in front of a free list. */
function giveFree(
  cache: LocalityCacheColumns,
  list: number,
  next: Int32Array,
  first: number,
  last: number,
): void {
  lock(cache.lock, 0);
  next[last] = cache.free[list];
  cache.free[list] = first;
  unlock(cache.lock, 0);
}

function bucketOf(key: ScheduleKey): number {
  return multiplicativeHash(foldAddress(key.destination, 0), BUCKET_BITS);
}
