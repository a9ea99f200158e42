/**
 * The persistence templates: "this client of this virtual service goes to that realserver", with the kernel's rules of
 * renewal and expiry (`ip_vs_sched_persist`, ip_vs_core.c; `ip_vs_conn_expire`, ip_vs_conn.c). The time-out begins anew with
 * each new connection, and with nothing else. When the timer fires while the template controls a connection (open, or closed
 * less than its TIME_WAIT or CLOSE time ago), it is put off by 60 s, and 60 s is its time-out from then on. Nothing has to
 * run for that: whoever looks at a template settles what its timer would have done.
 *
 * Bounded: a full table gives up the template that ends soonest among those without an open connection; if there is none,
 * the connection goes without a template.
 *
 * All methods: the templates' lock is held. Hot path: no allocation, no throw. Ticks are those of the columns' clock.
 */
import { NONE } from "../schedulers/columns.js";
import { TICKS_PER_SEC } from "./columns.js";
import { TemplateChanges } from "./template-changes.js";
import {
  EXPIRY,
  HASH_NEXT,
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
  WHEEL_PREVIOUS,
} from "./template-columns.js";
import { TemplateWheel } from "./template-wheel.js";

/** By how much the timer of a template that controls a connection is put off (ip_vs_conn_expire). */
export const PUT_OFF_TICKS = 60 * TICKS_PER_SEC;

/** Templates that are looked at to find one to give up. */
const EVICTION_STEPS = 64;

/** Timers that differ by less are taken for the same: spans that travel are rounded. */
const TOLERANCE_TICKS = TICKS_PER_SEC;

const { USED, ASSURED, INVALID, ORPHAN, FRESH } = TemplateFlag;

/** How another table knows a template; ticks are those of this one. */
export interface TemplateState {
  readonly server: number;
  readonly timeoutTicks: number;
  readonly expiry: number;
  readonly linger: number;
  readonly isAssured: boolean;
  /** Open connections elsewhere hold it. */
  readonly isHeld: boolean;
  /** The tick at which such connections ended. */
  readonly endedAt: number | undefined;
}

/** The templates of one table; one object a thread, all on the same columns. */
export class TemplateTable {
  readonly #columns: TemplateColumns;
  /** Templates of each realserver slot. */
  readonly #persistent: Int32Array;
  readonly #isReplica: boolean;
  readonly #wheel: TemplateWheel;
  readonly #changes: TemplateChanges;

  /** @param isReplica no connection names its templates: those that hold one are elsewhere */
  constructor(columns: TemplateColumns, persistent: Int32Array, isReplica = false) {
    this.#columns = columns;
    this.#isReplica = isReplica;
    this.#persistent = persistent;
    this.#wheel = new TemplateWheel(columns);
    this.#changes = new TemplateChanges(columns);
  }

  /** @param client four words under the netmask @returns the template, or 0 */
  find(virtual: number, client: Int32Array, now: number): number {
    const { words, buckets } = this.#columns;
    let template = buckets[this.#home(virtual, client, 0)];
    while (template !== 0) {
      const at = template * TEMPLATE_WORDS;
      if (
        words[at] === client[0] &&
        words[at + 1] === client[1] &&
        words[at + 2] === client[2] &&
        words[at + 3] === client[3] &&
        words[at + VIRTUAL] === virtual
      ) {
        break;
      }
      template = words[at + HASH_NEXT];
    }
    if (template === 0 || this.#settle(template, now)) return template;
    this.#end(template);
    return 0;
  }

  /** Makes a template that controls nothing yet; there must be none for the client. @returns it, or 0 for want of room */
  add(virtual: number, client: Int32Array, server: number, timeoutTicks: number, now: number): number {
    const template = this.#take(now);
    if (template === 0) return 0;
    const { words, buckets, header, perVirtual } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const bucket = this.#home(virtual, client, 0);
    for (let i = 0; i < VIRTUAL; i++) words[at + i] = client[i];
    words[at + VIRTUAL] = virtual;
    words[at + HASH_NEXT] = buckets[bucket];
    words[at + SERVER] = server;
    words[at + TIMEOUT] = timeoutTicks | USED;
    words[at + OPEN] = 0;
    words[at + LINGER] = 0;
    words[at + WHEEL_PREVIOUS] = 0;
    buckets[bucket] = template;
    header[HeaderWord.COUNT]++;
    perVirtual[virtual]++;
    this.#persistent[server]++;
    this.renew(template, now);
    this.#changes.add(template);
    return template;
  }

  /**
   * Makes or changes a template so that it is as another table knows it; one that connections of this table hold stays
   * as it is. Not for the hot path.
   */
  put(virtual: number, client: Int32Array, state: TemplateState, now: number): void {
    const { words } = this.#columns;
    const known = this.find(virtual, client, now);
    const template = known === 0 ? this.add(virtual, client, state.server, state.timeoutTicks, now) : known;
    if (template === 0) return;
    const at = template * TEMPLATE_WORDS;
    const isOwn = !this.#isReplica && words[at + OPEN] > 0;
    if (!isOwn && this.#write(template, state) && known !== 0) this.#changes.note(template);
    words[at + TIMEOUT] |= FRESH;
    this.#wheel.remove(template);
    if (words[at + OPEN] > 0) return;
    if (this.#settle(template, now)) this.#wheel.insert(template, this.#endOf(template));
    else this.#end(template);
  }

  /** Whether the template was put in the present pass, or is none of those that passes are about. */
  isFresh(template: number): boolean {
    return (this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] & (FRESH | INVALID)) !== 0;
  }

  /** A new pass begins: the template was not put in it yet. */
  stale(template: number): void {
    this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] &= ~FRESH;
  }

  /** Starts the time-out anew. */
  renew(template: number, now: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    // One tick more: the present tick has begun already, and no template may end early.
    this.schedule(template, now + (words[at + TIMEOUT] & TIMEOUT_MASK) + 1);
  }

  /** Sets the tick at which the timer fires. */
  schedule(template: number, tick: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    words[at + EXPIRY] = tick;
    if (words[at + OPEN] === 0 && !this.#wheel.has(template)) this.#wheel.insert(template, tick);
  }

  /** A new connection under the template. */
  open(template: number, now: number): void {
    this.#columns.words[template * TEMPLATE_WORDS + OPEN]++;
    this.renew(template, now);
    this.#changes.note(template);
  }

  /** A connection under the template is gone. @param lingerTicks how long it counts as controlled yet */
  close(template: number, lingerTicks: number, now: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    // Its timer may have fired while the connection was there, and was put off for it.
    this.#settle(template, now);
    if (--words[at + OPEN] === 0 && (words[at + TIMEOUT] & ORPHAN) !== 0) {
      this.#give(template);
      return;
    }
    if (lingerTicks > 0) this.linger(template, now + lingerTicks);
    if (words[at + OPEN] > 0) return;
    // Where it stands may be too late: the linger of earlier connections may have put it there.
    this.#wheel.remove(template);
    this.#wheel.insert(template, this.#endOf(template));
    if ((words[at + TIMEOUT] & INVALID) === 0) this.#changes.note(template);
  }

  /** Closed connections count as controlled at least until this tick. */
  linger(template: number, tick: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    if (words[at + LINGER] < tick) words[at + LINGER] = tick;
  }

  /** The realserver that it leads to, or NONE. */
  serverOf(template: number): number {
    return this.#columns.words[template * TEMPLATE_WORDS + SERVER];
  }

  /** Whether it was invalidated or removed: it matches nobody any longer. */
  isGone(template: number): boolean {
    return (this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] & (INVALID | ORPHAN)) !== 0;
  }

  /** A connection under it was established. */
  assure(template: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    if ((words[at + TIMEOUT] & (ASSURED | ORPHAN)) !== 0) return;
    words[at + TIMEOUT] |= ASSURED;
    if ((words[at + TIMEOUT] & INVALID) === 0) this.#changes.note(template);
  }

  /** Leads to another realserver from now on. */
  move(template: number, server: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    this.#persistent[words[at + SERVER]]--;
    this.#persistent[server]++;
    words[at + SERVER] = server;
    this.#changes.note(template);
  }

  /** Matches nobody any longer, and ends by its timer as it would have (`ip_vs_check_template`). */
  invalidate(template: number): void {
    this.#unhash(template);
    this.#changes.remove(template);
    this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] |= INVALID;
  }

  /** Removes a template before its time. */
  remove(template: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    if ((words[at + TIMEOUT] & INVALID) === 0) {
      this.#unhash(template);
      this.#changes.remove(template);
    }
    this.#leave(template);
    if (words[at + OPEN] === 0 || this.#isReplica) {
      this.#give(template);
      return;
    }
    words[at + SERVER] = NONE;
    words[at + TIMEOUT] = USED | ORPHAN;
  }

  /** A connection under it came to nothing. A template that was made for it, and never led to a realserver, goes too. */
  giveUp(template: number, now: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const isProven = (words[at + TIMEOUT] & (ASSURED | INVALID | ORPHAN)) !== 0 || words[at + LINGER] !== 0;
    this.close(template, 0, now);
    if (!isProven && words[at + OPEN] === 0) this.remove(template);
  }

  /**
   * Lets the wheel come round to `now`, looking at `budget` templates at most.
   * @returns whether it has got there
   */
  expire(now: number, budget: number): boolean {
    const { header, wheel } = this.#columns;
    let left = budget;
    for (let tick = header[HeaderWord.WHEEL_TICK]; tick <= now; tick++) {
      header[HeaderWord.WHEEL_TICK] = tick;
      for (let template = this.#firstAt(wheel, tick); template !== 0; template = this.#firstAt(wheel, tick)) {
        if (left-- === 0) return false;
        this.#visit(template, now);
      }
    }
    header[HeaderWord.WHEEL_TICK] = now + 1;
    return true;
  }

  #firstAt(wheel: Int32Array, tick: number): number {
    return wheel[this.#wheel.slotOf(tick)];
  }

  /** The wheel has come to the template's slot. */
  #visit(template: number, now: number): void {
    const { words } = this.#columns;
    this.#wheel.remove(template);
    if (words[template * TEMPLATE_WORDS + OPEN] > 0) return;
    if (this.#settle(template, now)) this.#wheel.insert(template, this.#endOf(template));
    else this.#end(template);
  }

  /** @returns whether anything is different now */
  #write(template: number, state: TemplateState): boolean {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const [server, timeout, expiry, open] = [SERVER, TIMEOUT, EXPIRY, OPEN].map((word) => words[at + word]);
    if (server !== state.server) {
      this.#persistent[server]--;
      this.#persistent[state.server]++;
      words[at + SERVER] = state.server;
    }
    const assured = state.isAssured ? ASSURED : 0;
    words[at + TIMEOUT] = (timeout & ~(TIMEOUT_MASK | ASSURED)) | state.timeoutTicks | assured;
    words[at + EXPIRY] = state.expiry;
    words[at + LINGER] = state.linger;
    words[at + OPEN] = state.isHeld ? 1 : 0;
    if (state.endedAt !== undefined) this.#settleHeld(template, state.endedAt);
    return (
      server !== state.server ||
      open !== words[at + OPEN] ||
      ((timeout ^ words[at + TIMEOUT]) & (TIMEOUT_MASK | ASSURED)) !== 0 ||
      Math.abs(expiry - words[at + EXPIRY]) > TOLERANCE_TICKS
    );
  }

  /** Puts the end off as open connections have done until `now`. */
  #settleHeld(template: number, now: number): void {
    const { words } = this.#columns;
    const open = words[template * TEMPLATE_WORDS + OPEN];
    words[template * TEMPLATE_WORDS + OPEN] = 1;
    this.#settle(template, now);
    words[template * TEMPLATE_WORDS + OPEN] = open;
  }

  /** Does what the template's timer would have done by now. @returns whether the template is still there */
  #settle(template: number, now: number): boolean {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    if (words[at + EXPIRY] > now) return true;
    const isOpen = words[at + OPEN] > 0;
    while (words[at + EXPIRY] <= now) {
      if (!isOpen && words[at + LINGER] <= words[at + EXPIRY]) return false;
      words[at + EXPIRY] += PUT_OFF_TICKS;
      words[at + TIMEOUT] = (words[at + TIMEOUT] & ~TIMEOUT_MASK) | PUT_OFF_TICKS;
    }
    return true;
  }

  /** The tick at which a template without open connections ends, if it is not used again. */
  #endOf(template: number): number {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const late = words[at + LINGER] - words[at + EXPIRY];
    return words[at + EXPIRY] + (late > 0 ? Math.ceil(late / PUT_OFF_TICKS) * PUT_OFF_TICKS : 0);
  }

  /** A free row, made by eviction where there is none. */
  #take(now: number): number {
    const { header, words, numbers, capacity } = this.#columns;
    if (header[HeaderWord.FREE] === 0 && header[HeaderWord.HIGH] === capacity && !this.#evict(now)) {
      numbers[NumberWord.UNSTORED]++;
      return 0;
    }
    const template = header[HeaderWord.FREE];
    if (template === 0) return ++header[HeaderWord.HIGH];
    header[HeaderWord.FREE] = words[template * TEMPLATE_WORDS + HASH_NEXT];
    return template;
  }

  /** Gives up the template that ends soonest among those without an open connection. */
  #evict(now: number): boolean {
    const { words, numbers } = this.#columns;
    for (let step = 0; step < EVICTION_STEPS; step++) {
      const template = this.#wheel.soonest();
      if (template === 0) return false;
      const at = template * TEMPLATE_WORDS;
      if (words[at + OPEN] > 0) {
        this.#wheel.remove(template);
        continue;
      }
      const slot = -1 - words[at + WHEEL_PREVIOUS];
      // Used since it was put here: it belongs to a later slot.
      if (this.#wheel.slotOf(this.#endOf(template)) !== slot && step < EVICTION_STEPS / 2) {
        this.#wheel.remove(template);
        this.#wheel.insert(template, this.#endOf(template));
        continue;
      }
      if (this.#settle(template, now)) {
        numbers[NumberWord.EVICTED]++;
        this.remove(template);
      } else {
        this.#end(template);
      }
      return true;
    }
    return false;
  }

  /** Its timer has fired. */
  #end(template: number): void {
    if ((this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] & INVALID) === 0) {
      this.#unhash(template);
      // Readers are told, although they know its time: what they read last may be that connections hold it.
      this.#changes.remove(template);
    }
    this.#leave(template);
    this.#give(template);
  }

  /** It is no template of its realserver and service any longer. */
  #leave(template: number): void {
    const { words, perVirtual } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    this.#wheel.remove(template);
    this.#persistent[words[at + SERVER]]--;
    perVirtual[words[at + VIRTUAL]]--;
  }

  #give(template: number): void {
    const { words, header } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    words[at + TIMEOUT] = 0;
    words[at + HASH_NEXT] = header[HeaderWord.FREE];
    header[HeaderWord.FREE] = template;
    header[HeaderWord.COUNT]--;
  }

  #unhash(template: number): void {
    const { words, buckets } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    const next = words[at + HASH_NEXT];
    const bucket = this.#home(words[at + VIRTUAL], words, at);
    if (buckets[bucket] === template) {
      buckets[bucket] = next;
      return;
    }
    let before = buckets[bucket] * TEMPLATE_WORDS;
    while (words[before + HASH_NEXT] !== template) before = words[before + HASH_NEXT] * TEMPLATE_WORDS;
    words[before + HASH_NEXT] = next;
  }

  /** The bucket of a key: the four words at `offset` of `client`, and the number of what it addresses. */
  #home(virtual: number, client: Int32Array, offset: number): number {
    const { seed, buckets } = this.#columns;
    let hash = mix(seed, virtual);
    hash = mix(hash, client[offset]);
    hash = mix(hash, client[offset + 1]);
    hash = mix(hash, client[offset + 2]);
    hash = mix(hash, client[offset + 3]);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & (buckets.length - 1);
  }
}

/** One round of MurmurHash3 (x86, 32 bits). */
function mix(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
