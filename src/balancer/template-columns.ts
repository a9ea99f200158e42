/**
 * The memory of persistence templates, shared by all threads of a forwarder: a row of 16 words (64 bytes, one cache line)
 * a template, a hash table of chains, a timing wheel, a list of changes. A template is named by its number from 1 on; 0 is
 * none, so that memory that was never touched is empty, and capacity is address space.
 *
 * | word | meaning                                                                                        |
 * |------|------------------------------------------------------------------------------------------------|
 * | 0-3  | the client's address under the netmask                                                         |
 * | 4    | number of what the client addresses (virtual-names.ts)                                         |
 * | 5    | next of the hash chain, or of the free list                                                    |
 * | 6    | realserver slot, or NONE in an orphan                                                          |
 * | 7    | time-out in ticks (24 bits), `TemplateFlag` above                                              |
 * | 8    | tick at which its timer fires                                                                  |
 * | 9    | open connections that it controls                                                              |
 * | 10   | tick until which closed connections count as controlled (TIME_WAIT, CLOSE)                     |
 * | 11   | next of the wheel's slot                                                                       |
 * | 12   | previous of the wheel's slot; the first has -1 - slot; 0: not in the wheel                     |
 * | 13   | sequence number of its last change, low 32 bits                                                |
 * | 14   | next of the list of changes (changed later)                                                    |
 * | 15   | previous of the list of changes                                                                |
 */

export const TEMPLATE_WORDS = 16;
export const VIRTUAL = 4;
export const HASH_NEXT = 5;
export const SERVER = 6;
export const TIMEOUT = 7;
export const EXPIRY = 8;
export const OPEN = 9;
export const LINGER = 10;
export const WHEEL_NEXT = 11;
export const WHEEL_PREVIOUS = 12;
export const SEQUENCE = 13;
export const CHANGE_NEXT = 14;
export const CHANGE_PREVIOUS = 15;

/** Low bits of the word TIMEOUT: ticks, enough for the 31 days that `-p` takes at most. */
export const TIMEOUT_MASK = 0xffffff;

/** High bits of the word TIMEOUT. */
export const TemplateFlag = {
  /** The row is a template, not a free one. */
  USED: 1 << 24,
  /** A connection under it was established (the kernel's state ASSURED). */
  ASSURED: 1 << 25,
  /** Its realserver was gone when it was wanted: it matches nobody any longer and is listed with port 65535. */
  INVALID: 1 << 26,
  /** Removed while connections are open: the row waits for their end, and is a template for nobody. */
  ORPHAN: 1 << 27,
  /** Its last change was read by somebody. */
  TOLD: 1 << 28,
  /** Was put since the present pass began, when everything is sent anew. */
  FRESH: 1 << 29,
  /** A peer made it, and no connection of this director has used it since: it is the peer's to tell of. */
  REMOTE: 1 << 30,
} as const;

/** Words of `header`. */
export const HeaderWord = {
  /** First of the free list. */
  FREE: 0,
  /** Rows that were ever used: the highest number of a template. */
  HIGH: 1,
  /** Templates that exist, orphans included. */
  COUNT: 2,
  /** The tick that the wheel has come to: everything before it is done. */
  WHEEL_TICK: 3,
  /** The template that changed longest ago, and the one that changed last. */
  CHANGE_FIRST: 4,
  CHANGE_LAST: 5,
} as const;
const HEADER_WORDS = 8;

/** Doubles of `numbers`. */
export const NumberWord = {
  /** Sequence number of the last change. */
  SEQUENCE: 0,
  /** Removals up to this sequence number are forgotten: who has not read so far must begin anew. */
  FORGOTTEN: 1,
  /** Removals in all: the last REMOVALS of them are remembered. */
  REMOVED: 2,
  /** Templates that had to make room for others. */
  EVICTED: 3,
  /** Connections that got no template, because every one controlled an open connection. */
  UNSTORED: 4,
} as const;
const NUMBER_WORDS = 8;

/** Slots of the wheel, one tick each: timers up to four and a half hours stand at their place, longer ones in the last. */
export const WHEEL_SLOTS = 65536;

/** Removals that are remembered for readers of changes. */
export const REMOVALS = 65536;
/** Four words of client, then the number of `virtual`, then 1 where peers need not be told. */
export const REMOVAL_WORDS = 6;
export const REMOVAL_UNTOLD = 5;

/** The shared memory of the templates. */
export interface TemplateColumns {
  /** One word, for `lock`/`unlock` of core/lock.ts; taken inside a service's lock, never around one. */
  readonly lock: Int32Array;
  readonly capacity: number;
  readonly header: Int32Array;
  readonly numbers: Float64Array;
  /** TEMPLATE_WORDS a template; the first row stays unused. */
  readonly words: Int32Array;
  /** First template of each hash chain. */
  readonly buckets: Int32Array;
  /** Seed of the hash, so that nobody can aim at one chain. */
  readonly seed: number;
  /** First template of each slot. */
  readonly wheel: Int32Array;
  /** A bit a slot: there is something in it. */
  readonly wheelMap: Uint32Array;
  /** What was removed, REMOVAL_WORDS each, and the sequence numbers of that. */
  readonly removals: Int32Array;
  readonly removalSequences: Float64Array;
  /** Templates of each number of `virtual`. */
  readonly perVirtual: Int32Array;
}

/**
 * Makes an empty table.
 * @param capacity templates at most
 * @param virtuals numbers of what clients address
 */
export function createTemplates(capacity: number, virtuals: number): TemplateColumns {
  const ints = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
  const doubles = (length: number) => new Float64Array(new SharedArrayBuffer(length * 8));
  return {
    lock: ints(1),
    capacity,
    header: ints(HEADER_WORDS),
    numbers: doubles(NUMBER_WORDS),
    words: ints((capacity + 1) * TEMPLATE_WORDS),
    buckets: ints(2 ** Math.ceil(Math.log2(Math.max(2, capacity)))),
    seed: Math.floor(Math.random() * 2 ** 32) | 0,
    wheel: ints(WHEEL_SLOTS),
    wheelMap: new Uint32Array(new SharedArrayBuffer(WHEEL_SLOTS / 8)),
    removals: ints(REMOVALS * REMOVAL_WORDS),
    removalSequences: doubles(REMOVALS),
    perVirtual: ints(virtuals),
  };
}
