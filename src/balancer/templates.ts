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
import { TemplateIndex } from "./template-index.js";
import { endOf, settle } from "./template-timer.js";
import { TemplateWheel } from "./template-wheel.js";

/** Templates that are looked at to find one to give up. */
const EVICTION_STEPS = 64;

const { USED, ASSURED, INVALID, ORPHAN, FRESH, REMOTE } = TemplateFlag;

/** The templates of one table; one object a thread, all on the same columns. */
export class TemplateTable {
  readonly #columns: TemplateColumns;
  /** Templates of each realserver slot. */
  readonly #persistent: Int32Array;
  readonly #isReplica: boolean;
  readonly #index: TemplateIndex;
  readonly #wheel: TemplateWheel;
  readonly #changes: TemplateChanges;

  /** @param isReplica no connection names its templates: those that hold one are elsewhere */
  constructor(columns: TemplateColumns, persistent: Int32Array, isReplica = false) {
    this.#columns = columns;
    this.#isReplica = isReplica;
    this.#persistent = persistent;
    this.#index = new TemplateIndex(columns);
    this.#wheel = new TemplateWheel(columns);
    this.#changes = new TemplateChanges(columns);
  }

  /** @param client four words under the netmask @returns the template, or 0 */
  find(virtual: number, client: Int32Array, now: number): number {
    const template = this.#index.find(virtual, client);
    if (template === 0 || settle(this.#columns.words, template * TEMPLATE_WORDS, now)) return template;
    this.end(template);
    return 0;
  }

  /** Makes a template that controls nothing yet; there must be none for the client. @returns it, or 0 for want of room */
  add(virtual: number, client: Int32Array, server: number, timeoutTicks: number, now: number): number {
    const template = this.#take(now);
    if (template === 0) return 0;
    const { words, header, perVirtual } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    for (let i = 0; i < VIRTUAL; i++) words[at + i] = client[i];
    words[at + VIRTUAL] = virtual;
    words[at + SERVER] = server;
    words[at + TIMEOUT] = timeoutTicks | USED;
    words[at + OPEN] = 0;
    words[at + LINGER] = 0;
    words[at + WHEEL_PREVIOUS] = 0;
    this.#index.insert(template);
    header[HeaderWord.COUNT]++;
    perVirtual[virtual]++;
    this.#persistent[server]++;
    this.renew(template, now);
    this.#changes.add(template);
    return template;
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
    const { words } = this.#columns;
    words[template * TEMPLATE_WORDS + OPEN]++;
    words[template * TEMPLATE_WORDS + TIMEOUT] &= ~REMOTE;
    this.renew(template, now);
    this.#changes.note(template);
  }

  /** A connection under the template is gone. @param lingerTicks how long it counts as controlled yet */
  close(template: number, lingerTicks: number, now: number): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    // Its timer may have fired while the connection was there, and was put off for it.
    settle(words, template * TEMPLATE_WORDS, now);
    if (--words[at + OPEN] === 0 && (words[at + TIMEOUT] & ORPHAN) !== 0) {
      this.#give(template);
      return;
    }
    if (lingerTicks > 0) this.linger(template, now + lingerTicks);
    if (words[at + OPEN] > 0) return;
    // Where it stands may be too late: the linger of earlier connections may have put it there.
    this.#wheel.remove(template);
    this.#wheel.insert(template, endOf(words, template * TEMPLATE_WORDS));
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
    this.#index.remove(template);
    this.#changes.remove(template, this.#isRemote(template));
    this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] |= INVALID;
  }

  /** Removes a template before its time. @param isUntold peers need not be told */
  remove(template: number, isUntold = this.#isRemote(template)): void {
    const { words } = this.#columns;
    const at = template * TEMPLATE_WORDS;
    if ((words[at + TIMEOUT] & INVALID) === 0) {
      this.#index.remove(template);
      this.#changes.remove(template, isUntold);
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
    if (settle(words, template * TEMPLATE_WORDS, now))
      this.#wheel.insert(template, endOf(words, template * TEMPLATE_WORDS));
    else this.end(template);
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
      if (this.#wheel.slotOf(endOf(words, template * TEMPLATE_WORDS)) !== slot && step < EVICTION_STEPS / 2) {
        this.#wheel.remove(template);
        this.#wheel.insert(template, endOf(words, template * TEMPLATE_WORDS));
        continue;
      }
      if (settle(words, template * TEMPLATE_WORDS, now)) {
        numbers[NumberWord.EVICTED]++;
        // A peer may have room for it.
        this.remove(template, true);
      } else {
        this.end(template);
      }
      return true;
    }
    return false;
  }

  /** Its timer has fired. */
  end(template: number): void {
    if ((this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] & INVALID) === 0) {
      this.#index.remove(template);
      // Readers are told, although they know its time: what they read last may be that connections hold it.
      this.#changes.remove(template, true);
    }
    this.#leave(template);
    this.#give(template);
  }

  #isRemote(template: number): boolean {
    return (this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] & REMOTE) !== 0;
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
}
