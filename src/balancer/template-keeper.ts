/**
 * What the main thread does with templates: their time, removing many at once, and reading them. A pass over the table
 * takes the lock for a few hundred templates at a time, so that the threads' decisions go on in between.
 */
import { lock, unlock } from "../core/lock.js";
import {
  EXPIRY,
  HeaderWord,
  LINGER,
  NumberWord,
  OPEN,
  SERVER,
  TEMPLATE_WORDS,
  type TemplateColumns,
  TemplateFlag,
  TIMEOUT,
  TIMEOUT_MASK,
  VIRTUAL,
} from "./template-columns.js";
import { PUT_OFF_TICKS } from "./template-timer.js";
import { TemplateTable } from "./templates.js";

/** Templates that are looked at under one hold of the lock: some twenty microseconds. */
const CHUNK = 256;

/** Templates that one run of `expire` ends at most. */
const EXPIRE_BUDGET = 16_384;

/** One template as it is now; times in ticks. */
export interface TemplateRow {
  readonly virtual: number;
  /** Four words under the netmask. */
  readonly client: readonly [number, number, number, number];
  readonly server: number;
  readonly timeoutTicks: number;
  /** When its timer fires; in the past where nobody has looked at it since. */
  readonly expiry: number;
  /** Tick until which closed connections count as controlled. */
  readonly linger: number;
  /** Open connections that it controls. */
  readonly open: number;
  readonly isAssured: boolean;
  /** It matches nobody any longer. */
  readonly isInvalid: boolean;
  /** A peer made it, and it was not used here since. */
  readonly isRemote: boolean;
}

/** Counts of a table. */
export interface TemplateCounts {
  /** Templates that exist. */
  readonly count: number;
  readonly capacity: number;
  /** Gave way to others. */
  readonly evicted: number;
  /** Connections that got none for want of room. */
  readonly unstored: number;
}

/** See the file's head. */
export class TemplateKeeper {
  readonly #columns: TemplateColumns;
  readonly #table: TemplateTable;

  /** @param isReplica as TemplateTable has it */
  constructor(columns: TemplateColumns, persistent: Int32Array, isReplica = false) {
    this.#columns = columns;
    this.#table = new TemplateTable(columns, persistent, isReplica);
  }

  counts(): TemplateCounts {
    const { header, numbers, capacity } = this.#columns;
    return {
      count: header[HeaderWord.COUNT],
      capacity,
      evicted: numbers[NumberWord.EVICTED],
      unstored: numbers[NumberWord.UNSTORED],
    };
  }

  /** Ends the templates whose time is over; what is too much for one run is left to the next ones. */
  expire(now: number): void {
    for (let left = EXPIRE_BUDGET; left > 0; left -= CHUNK) {
      lock(this.#columns.lock, 0);
      const isDone = this.#table.expire(now, CHUNK);
      unlock(this.#columns.lock, 0);
      if (isDone) return;
    }
  }

  /** Removes the templates that lead to a realserver slot. @returns how many */
  removeServer(server: number): number {
    return this.#removeAll((at) => this.#columns.words[at + SERVER] === server);
  }

  /** Removes the templates of a number of virtual-names.ts. @returns how many */
  removeVirtual(virtual: number): number {
    return this.#removeAll((at) => this.#columns.words[at + VIRTUAL] === virtual);
  }

  /** @returns how many there were */
  removeEverything(): number {
    return this.#removeAll(() => true);
  }

  /** Everything will be put anew (template-sink.ts): notes which templates there are before. */
  beginPass(): void {
    this.#visitAll((template) => this.#table.stale(template));
  }

  /** Everything was put anew: removes what was not. */
  endPass(): void {
    this.#visitAll((template) => {
      if (!this.#table.isFresh(template)) this.#table.remove(template);
    });
  }

  /** Every template there is, in no particular order. */
  *rows(): Iterable<TemplateRow> {
    const copy = new Int32Array(CHUNK * TEMPLATE_WORDS);
    const { header, words } = this.#columns;
    for (let first = 1; first <= header[HeaderWord.HIGH]; first += CHUNK) {
      const count = Math.min(CHUNK, header[HeaderWord.HIGH] - first + 1);
      lock(this.#columns.lock, 0);
      copy.set(words.subarray(first * TEMPLATE_WORDS, (first + count) * TEMPLATE_WORDS));
      unlock(this.#columns.lock, 0);
      for (let at = 0; at < count * TEMPLATE_WORDS; at += TEMPLATE_WORDS) {
        if (isTemplate(copy, at)) yield rowAt(copy, at);
      }
    }
  }

  #removeAll(isMeant: (at: number) => boolean): number {
    let removed = 0;
    this.#visitAll((template) => {
      if (!isMeant(template * TEMPLATE_WORDS)) return;
      this.#table.remove(template);
      removed++;
    });
    return removed;
  }

  #visitAll(visit: (template: number) => void): void {
    const { header, words } = this.#columns;
    for (let first = 1; first <= header[HeaderWord.HIGH]; first += CHUNK) {
      lock(this.#columns.lock, 0);
      const end = Math.min(first + CHUNK, header[HeaderWord.HIGH] + 1);
      for (let template = first; template < end; template++) {
        if (isTemplate(words, template * TEMPLATE_WORDS)) visit(template);
      }
      unlock(this.#columns.lock, 0);
    }
  }
}

/** Time-out and timer as they are when what the timer would have done by now is done (TemplateTable settles the same). */
export function timerOf(row: TemplateRow, now: number): { timeoutTicks: number; expiry: number } {
  let { timeoutTicks, expiry } = row;
  while (expiry <= now && (row.open > 0 || row.linger > expiry)) {
    expiry += PUT_OFF_TICKS;
    timeoutTicks = PUT_OFF_TICKS;
  }
  return { timeoutTicks, expiry };
}

/** Whether the row at `at` is a template and no orphan. */
export function isTemplate(words: Int32Array, at: number): boolean {
  return (words[at + TIMEOUT] & (TemplateFlag.USED | TemplateFlag.ORPHAN)) === TemplateFlag.USED;
}

/** Reads the row that begins at `at`. */
export function rowAt(words: Int32Array, at: number): TemplateRow {
  const flags = words[at + TIMEOUT];
  return {
    virtual: words[at + VIRTUAL],
    client: [words[at] >>> 0, words[at + 1] >>> 0, words[at + 2] >>> 0, words[at + 3] >>> 0],
    server: words[at + SERVER],
    timeoutTicks: flags & TIMEOUT_MASK,
    expiry: words[at + EXPIRY],
    linger: words[at + LINGER],
    open: words[at + OPEN],
    isAssured: (flags & TemplateFlag.ASSURED) !== 0,
    isInvalid: (flags & TemplateFlag.INVALID) !== 0,
    isRemote: (flags & TemplateFlag.REMOTE) !== 0,
  };
}
