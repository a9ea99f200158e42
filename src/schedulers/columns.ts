/**
 * The columns that schedulers read and write: one typed array per property, indexed by slot. They lie in memory shared
 * between threads (or in a plain buffer in tests); whoever calls a scheduler holds the service's lock, so plain reads
 * and writes are right.
 *
 * A service's realservers form a doubly linked list through `next` and `previous`, newest first, as the kernel's list:
 * `head[service]` is the realserver added last. NONE ends the list on both sides and stands for "the list head" in
 * cursors.
 */

/** "No slot": ends lists, answers "no realserver available". */
export const NONE = -1;

/** Words of scheduler state per service (`state[service * STATE_WORDS + i]`); each scheduler documents its own use. */
export const STATE_WORDS = 8;

/** Words of lookup table per service: enough for mh's 4093 entries, and for the 1024 buckets of lblc and lblcr. */
export const TABLE_WORDS = 4096;

/** Bits of the realserver column `flags`. */
export const ServerFlag = {
  /** Belongs to a service (cleared by deletion; existing connections may still count on the slot). */
  AVAILABLE: 1,
  /** Over its upper threshold, until it is back under the lower one. */
  OVERLOADED: 2,
  /** Not to be chosen by the decision that is being made: it was tried already. Set and cleared under one lock. */
  EXCLUDED: 4,
} as const;

/** A realserver with one of these bits takes no new connection. */
export const UNUSABLE = ServerFlag.OVERLOADED | ServerFlag.EXCLUDED;

/** Columns of services, indexed by service slot. */
export interface ServiceColumns {
  /** First realserver of the list (the one added last), or NONE. */
  readonly head: Int32Array;
  readonly serverCount: Int32Array;
  /** Bits of SCHEDULER_FLAG_BITS. */
  readonly schedulerFlags: Int32Array;
  readonly state: Int32Array;
  readonly table: Int32Array;
}

/** Columns of realservers, indexed by realserver slot. */
export interface ServerColumns {
  readonly next: Int32Array;
  readonly previous: Int32Array;
  readonly flags: Int32Array;
  readonly weight: Int32Array;
  /** The latest weight that was not 0 (0 if it was added with 0 and never raised): mh's table is made of it. */
  readonly lastWeight: Int32Array;
  readonly active: Int32Array;
  readonly inactive: Int32Array;
  readonly family: Int32Array;
  /** Four words a realserver, as in core/address.ts. */
  readonly address: Uint32Array;
  readonly port: Int32Array;
  /** Counts how often the slot was freed, so that a remembered slot can be recognised as another realserver now. */
  readonly generation: Int32Array;
}

/** Words of the locality caches' `settings`. */
export const CacheSetting = {
  /** The kernel's sysctl `lblc_expiration`: seconds after which an unused entry of lblc is dropped. */
  LBLC_EXPIRATION_SEC: 0,
  /** `lblcr_expiration`: the same for lblcr, and after so long without a change a set sheds a member. */
  LBLCR_EXPIRATION_SEC: 1,
} as const;

/** What every word of `settings` starts with: a day (DEFAULT_EXPIRATION, ip_vs_lblc.c and ip_vs_lblcr.c). */
export const DEFAULT_CACHE_SETTINGS: readonly number[] = [86400, 86400];

/**
 * The pool behind the caches of lblc and lblcr: entries (one per destination address) and the members of lblcr's sets.
 * The pool is shared by all services. What is in use belongs to one service and is guarded by that
 * service's lock; the lists of what is free have a lock of their own, taken while a service's lock is held, never the
 * other way round.
 */
export interface LocalityCacheColumns {
  /** One word, for `lock`/`unlock` of core/lock.ts. */
  readonly lock: Int32Array;
  /** Indexed by CacheSetting; of all services together, as the sysctls are. */
  readonly settings: Int32Array;
  /** Word 0: first free entry or NONE; word 1: first free member or NONE. */
  readonly free: Int32Array;
  /** Next entry of the same bucket, or of the free list. */
  readonly entryNext: Int32Array;
  /** Four words of destination address an entry. */
  readonly entryAddress: Uint32Array;
  readonly entryFamily: Int32Array;
  /** lblc: the realserver; lblcr: the first member of the set. */
  readonly entryTarget: Int32Array;
  /** lblc: the generation of the realserver. */
  readonly entryGeneration: Int32Array;
  readonly entryLastUseSec: Int32Array;
  readonly entryLastModSec: Int32Array;
  readonly memberNext: Int32Array;
  readonly memberServer: Int32Array;
  readonly memberGeneration: Int32Array;
}

/** All that a scheduler may touch. */
export interface SchedulerColumns {
  readonly services: ServiceColumns;
  readonly servers: ServerColumns;
  readonly cache: LocalityCacheColumns;
}
