/**
 * Where the UDP flows of an older generation went, for as long as they could have lasted there: a client that speaks on after
 * an upgrade comes to the realserver that it had. Written by the main thread before a socket is read, asked by every
 * thread when a flow begins. A flow is handed on once: what comes after it is scheduled.
 *
 * The hash has a seed, so that clients cannot choose addresses that all fall into one chain.
 */
import type { DispatchRequest } from "../core/dispatch.js";
import { lock, unlock } from "../core/lock.js";
import { NONE } from "../schedulers/columns.js";

/** Flows handed on at most; the others are scheduled anew. */
export const HANDED_FLOWS = 65_536;

/** Words of a row: client, destination, both ports, service; then what is known of it, realserver + 1 or 0: taken. */
const KEY_WORDS = 10;
const SERVER = KEY_WORDS;
const ROW_WORDS = 11;

/** Words of `state`. */
const COUNT = 0;
const UNTIL_TICK = 1;

const GOLDEN_RATIO = 0x9e3779b1;

/** The table in shared memory; see the file's head. */
export interface HandedFlowColumns {
  readonly lock: Int32Array;
  readonly state: Int32Array;
  readonly seed: number;
  /** First row of each chain + 1; 0: empty. */
  readonly buckets: Int32Array;
  /** Next row of the chain + 1. */
  readonly next: Int32Array;
  readonly rows: Uint32Array;
}

/** Who speaks to whom, as `DispatchRequest` has it. */
export type FlowEnds = Pick<DispatchRequest, "client" | "clientPort" | "destination" | "destinationPort">;

/** An empty table. */
export function createHandedFlows(): HandedFlowColumns {
  const ints = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
  return {
    lock: ints(1),
    state: ints(2),
    seed: Math.floor(Math.random() * 2 ** 32) | 0,
    buckets: ints(HANDED_FLOWS),
    next: ints(HANDED_FLOWS),
    rows: new Uint32Array(new SharedArrayBuffer(HANDED_FLOWS * ROW_WORDS * 4)),
  };
}

/** One user of the table: a thread's dispatcher, or the main thread. */
export class HandedFlows {
  readonly #columns: HandedFlowColumns;
  readonly #clock: Int32Array;
  readonly #key = new Uint32Array(KEY_WORDS);

  /** @param clock of BalancerColumns */
  constructor(columns: HandedFlowColumns, clock: Int32Array) {
    this.#columns = columns;
    this.#clock = clock;
  }

  /** Remembers a flow's realserver for so many ticks from now, as all that are remembered. @returns false where there is no room */
  keep(service: number, server: number, ends: FlowEnds, ticks: number): boolean {
    const { lock: locks, state, buckets, next, rows } = this.#columns;
    lock(locks, 0);
    this.#forgetOld();
    this.#describe(service, ends);
    const isKnown = this.#find() >= 0;
    const row = state[COUNT];
    const hasRoom = row < HANDED_FLOWS;
    if (!isKnown && hasRoom) {
      rows.set(this.#key, row * ROW_WORDS);
      rows[row * ROW_WORDS + SERVER] = server + 1;
      const bucket = this.#bucket();
      next[row] = buckets[bucket];
      buckets[bucket] = row + 1;
      Atomics.store(state, COUNT, row + 1);
      state[UNTIL_TICK] = Math.max(state[UNTIL_TICK], this.#clock[0] + ticks);
    }
    unlock(locks, 0);
    return isKnown || hasRoom;
  }

  /** Where a flow that begins went before, or NONE. Asked again it is NONE. Hot path. */
  take(service: number, ends: FlowEnds): number {
    const { lock: locks, state, rows } = this.#columns;
    if (Atomics.load(state, COUNT) === 0) return NONE;
    lock(locks, 0);
    this.#forgetOld();
    this.#describe(service, ends);
    const row = this.#find();
    let server: number = NONE;
    if (row >= 0) {
      server = rows[row * ROW_WORDS + SERVER] - 1;
      rows[row * ROW_WORDS + SERVER] = 0;
    }
    unlock(locks, 0);
    return server < 0 ? NONE : server;
  }

  #forgetOld(): void {
    const { state, buckets } = this.#columns;
    if (state[COUNT] === 0 || this.#clock[0] < state[UNTIL_TICK]) return;
    buckets.fill(0);
    state[UNTIL_TICK] = 0;
    Atomics.store(state, COUNT, 0);
  }

  #describe(service: number, { client, clientPort, destination, destinationPort }: FlowEnds): void {
    const key = this.#key;
    for (let i = 0; i < 4; i++) {
      key[i] = client[i];
      key[4 + i] = destination[i];
    }
    key[8] = clientPort + destinationPort * 0x10000;
    key[9] = service;
  }

  /** @returns the row of the key, or -1 */
  #find(): number {
    const { buckets, next, rows } = this.#columns;
    let row = buckets[this.#bucket()] - 1;
    while (row >= 0 && !this.#is(rows, row * ROW_WORDS)) row = next[row] - 1;
    return row;
  }

  #is(rows: Uint32Array, at: number): boolean {
    for (let i = 0; i < KEY_WORDS; i++) if (rows[at + i] !== this.#key[i]) return false;
    return true;
  }

  #bucket(): number {
    let hash = this.#columns.seed;
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ this.#key[i], GOLDEN_RATIO);
      hash ^= hash >>> 15;
    }
    return hash & (HANDED_FLOWS - 1);
  }
}
