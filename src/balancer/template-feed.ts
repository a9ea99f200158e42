/** Reads the changes of a table of templates as batches of the stream. Main thread. */
import { lock, unlock } from "../core/lock.js";
import { TICKS_PER_SEC } from "./columns.js";
import {
  CHANGE_NEXT,
  CHANGE_PREVIOUS,
  HeaderWord,
  LINGER,
  NumberWord,
  OPEN,
  REMOVAL_UNTOLD,
  REMOVAL_WORDS,
  REMOVALS,
  SEQUENCE,
  TEMPLATE_WORDS,
  type TemplateColumns,
  TemplateFlag,
  TIMEOUT,
  VIRTUAL,
} from "./template-columns.js";
import { isTemplate, rowAt, type TemplateRow, timerOf } from "./template-keeper.js";
import {
  NOTHING_READ,
  REMOVAL_FIELDS,
  type TemplateBatch,
  type TemplatePosition,
  UPSERT_FIELDS,
  UpsertField,
  UpsertFlag,
} from "./template-stream.js";

/** Templates of one batch, copied under one hold of the lock: some tens of microseconds. */
const BATCH = 512;

/** Changes that are walked back to find where a reader was. */
const WALK = 2048;

/** Templates read last that are remembered, as places to go on from. */
const PLACES = 1024;

const MS_PER_TICK = 1000 / TICKS_PER_SEC;

/** Templates that are not this director's to keep. */
const NOT_HELD = TemplateFlag.INVALID | TemplateFlag.REMOTE;

/** What the numbers of a table mean. */
export interface TemplateNames {
  /** Key of the virtual service; undefined: it is forgotten. */
  virtualKey(virtual: number): string | undefined;
  /** Key of the realserver within its service. */
  serverKey(server: number): string | undefined;
}

/** Some of the templates that connections control, and the row to go on from; 0: that was all. */
export interface ControlledTemplates {
  readonly batch: TemplateBatch;
  readonly next: number;
}

/** See the file's head. */
export class TemplateFeed {
  readonly #columns: TemplateColumns;
  readonly #names: TemplateNames;
  readonly #nowTicks: () => number;
  readonly #copy = new Int32Array(BATCH * TEMPLATE_WORDS);
  readonly #places = new Int32Array(PLACES);
  #nextPlace = 0;

  constructor(columns: TemplateColumns, names: TemplateNames, nowTicks: () => number) {
    this.#columns = columns;
    this.#names = names;
    this.#nowTicks = nowTicks;
  }

  /** What has changed since `position`, or the beginning of it. */
  read(position: TemplatePosition): TemplateBatch {
    const { numbers, seed } = this.#columns;
    lock(this.#columns.lock, 0);
    const isKnown = position.origin === seed && position.removals >= numbers[NumberWord.FORGOTTEN];
    const found = isKnown ? this.#following(position.sequence) : -1;
    const isWhole = found < 0;
    const first = isWhole ? this.#columns.header[HeaderWord.CHANGE_FIRST] : found;
    const newest = numbers[NumberWord.SEQUENCE];
    const { count, next } = this.#copyFrom(first);
    const removals = isWhole ? [] : this.#removalsAfter(position.removals);
    unlock(this.#columns.lock, 0);
    const last = this.#copy[(count - 1) * TEMPLATE_WORDS + SEQUENCE];
    const sequence = next === 0 ? newest : newest - (((newest | 0) - last) >>> 0);
    return this.#describe(count, removals, {
      position: { origin: seed, sequence, removals: newest },
      isWhole,
      hasMore: next !== 0,
    });
  }

  /** All templates that open connections hold and no peer tells of, whether they have changed or not. */
  *held(): Iterable<TemplateBatch> {
    const { header, words, lock: word } = this.#columns;
    const rest = { position: NOTHING_READ, isWhole: false, hasMore: false };
    for (let first = 1; first <= header[HeaderWord.HIGH]; first += BATCH) {
      let count = 0;
      lock(word, 0);
      const end = Math.min(first + BATCH, header[HeaderWord.HIGH] + 1);
      for (let at = first * TEMPLATE_WORDS; at < end * TEMPLATE_WORDS; at += TEMPLATE_WORDS) {
        if (words[at + OPEN] === 0 || !isTemplate(words, at) || (words[at + TIMEOUT] & NOT_HELD) !== 0)
          continue;
        this.#copy.set(words.subarray(at, at + TEMPLATE_WORDS), count++ * TEMPLATE_WORDS);
      }
      unlock(word, 0);
      if (count > 0) yield this.#describe(count, [], rest);
    }
  }

  /**
   * Templates that connections of this table control, from a row on, whether they have changed or not: open ones, and
   * closed ones that count yet.
   * @param first 1: the first row
   */
  controlled(first: number): ControlledTemplates {
    const { header, words, lock: word } = this.#columns;
    const now = this.#nowTicks();
    let row = first;
    let count = 0;
    while (row <= header[HeaderWord.HIGH] && count < BATCH) {
      lock(word, 0);
      const end = Math.min(row + BATCH - count, header[HeaderWord.HIGH] + 1);
      for (; row < end; row++) {
        const at = row * TEMPLATE_WORDS;
        const isControlled = words[at + OPEN] > 0 || words[at + LINGER] > now;
        if (!isControlled || !isTemplate(words, at) || (words[at + TIMEOUT] & NOT_HELD) !== 0) continue;
        this.#copy.set(words.subarray(at, at + TEMPLATE_WORDS), count++ * TEMPLATE_WORDS);
      }
      unlock(word, 0);
    }
    const batch = this.#describe(count, [], { position: NOTHING_READ, isWhole: false, hasMore: false });
    return { batch, next: row <= header[HeaderWord.HIGH] ? row : 0 };
  }

  /** The first template that changed after `sequence`; 0: none, -1: it cannot be found cheaply. */
  #following(sequence: number): number {
    const { header, words } = this.#columns;
    const low = sequence | 0;
    if (sequence === 0) return header[HeaderWord.CHANGE_FIRST];
    let following = 0;
    let template = header[HeaderWord.CHANGE_LAST];
    for (let step = 0; step < WALK; step++) {
      if (template === 0 || ((words[template * TEMPLATE_WORDS + SEQUENCE] - low) | 0) <= 0) return following;
      following = template;
      template = words[template * TEMPLATE_WORDS + CHANGE_PREVIOUS];
    }
    // The latest place that is still where it was, and at or before the reader's.
    for (let i = 1; i <= PLACES; i++) {
      const place = this.#places[(this.#nextPlace - i + PLACES) % PLACES];
      const at = place * TEMPLATE_WORDS;
      const isThere =
        place !== 0 && isTemplate(words, at) && (words[at + TIMEOUT] & TemplateFlag.INVALID) === 0;
      if (isThere && ((words[at + SEQUENCE] - low) | 0) <= 0) return words[at + CHANGE_NEXT];
    }
    return -1;
  }

  #copyFrom(first: number): { count: number; next: number } {
    const { words } = this.#columns;
    let template = first;
    let count = 0;
    for (; template !== 0 && count < BATCH; count++) {
      const at = template * TEMPLATE_WORDS;
      words[at + TIMEOUT] |= TemplateFlag.TOLD;
      for (let i = 0; i < TEMPLATE_WORDS; i++) this.#copy[count * TEMPLATE_WORDS + i] = words[at + i];
      this.#places[this.#nextPlace] = template;
      this.#nextPlace = (this.#nextPlace + 1) % PLACES;
      template = words[at + CHANGE_NEXT];
    }
    return { count, next: template };
  }

  #removalsAfter(sequence: number): Int32Array[] {
    const { numbers, removals, removalSequences } = this.#columns;
    const count = Math.min(numbers[NumberWord.REMOVED], REMOVALS);
    const found: Int32Array[] = [];
    for (let i = 0; i < count; i++) {
      const place = (numbers[NumberWord.REMOVED] - 1 - i) % REMOVALS;
      if (removalSequences[place] <= sequence) break;
      found.push(removals.slice(place * REMOVAL_WORDS, (place + 1) * REMOVAL_WORDS));
    }
    return found;
  }

  #describe(
    count: number,
    removed: readonly Int32Array[],
    rest: Pick<TemplateBatch, "position" | "isWhole" | "hasMore">,
  ): TemplateBatch {
    const virtuals = new Numbering((virtual) => this.#names.virtualKey(virtual));
    const servers = new Numbering((server) => this.#names.serverKey(server));
    const now = this.#nowTicks();
    const removals: number[] = [];
    const untold: number[] = [];
    for (const words of removed) {
      const virtual = virtuals.of(words[VIRTUAL]);
      if (virtual === undefined) continue;
      if (words[REMOVAL_UNTOLD] !== 0) untold.push(removals.length / REMOVAL_FIELDS);
      removals.push(virtual, ...words.subarray(0, REMOVAL_FIELDS - 1));
    }
    const upserts: number[] = [];
    for (let i = 0; i < count; i++) {
      const row = rowAt(this.#copy, i * TEMPLATE_WORDS);
      const virtual = virtuals.of(row.virtual);
      const server = servers.of(row.server);
      if (virtual !== undefined && server !== undefined) writeUpsert(upserts, row, virtual, server, now);
    }
    const names = { virtuals: virtuals.names, servers: servers.names };
    return { ...rest, ...names, removals, ...(untold.length > 0 && { untold }), upserts };
  }
}

function writeUpsert(
  upserts: number[],
  row: TemplateRow,
  virtual: number,
  server: number,
  now: number,
): void {
  const at = upserts.length;
  const timer = timerOf(row, now);
  upserts.length = at + UPSERT_FIELDS;
  upserts[at + UpsertField.virtual] = virtual;
  for (let i = 0; i < 4; i++) upserts[at + UpsertField.client + i] = row.client[i] | 0;
  upserts[at + UpsertField.server] = server;
  upserts[at + UpsertField.timeoutMs] = timer.timeoutTicks * MS_PER_TICK;
  upserts[at + UpsertField.expiresMs] = (timer.expiry - now) * MS_PER_TICK;
  upserts[at + UpsertField.lingersMs] = Math.max(0, row.linger - now) * MS_PER_TICK;
  upserts[at + UpsertField.flags] =
    (row.isAssured ? UpsertFlag.ASSURED : 0) +
    (row.open > 0 ? UpsertFlag.HELD : 0) +
    (row.isRemote ? UpsertFlag.REMOTE : 0);
}

/** Gives names the numbers 0, 1, ... of one batch. */
class Numbering {
  readonly names: string[] = [];
  readonly #nameOf: (number: number) => string | undefined;
  readonly #known = new Map<number, number | undefined>();

  constructor(nameOf: (number: number) => string | undefined) {
    this.#nameOf = nameOf;
  }

  of(number: number): number | undefined {
    if (this.#known.has(number)) return this.#known.get(number);
    const name = this.#nameOf(number);
    const index = name === undefined ? undefined : this.names.push(name) - 1;
    this.#known.set(number, index);
    return index;
  }
}
