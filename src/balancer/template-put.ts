/**
 * Puts templates into a table as another table knows them. Not for the hot path.
 *
 * All methods: the templates' lock is held.
 */
import { TICKS_PER_SEC } from "./columns.js";
import { TemplateChanges } from "./template-changes.js";
import {
  EXPIRY,
  LINGER,
  OPEN,
  SERVER,
  TEMPLATE_WORDS,
  type TemplateColumns,
  TemplateFlag,
  TIMEOUT,
  TIMEOUT_MASK,
} from "./template-columns.js";
import { endOf, settle } from "./template-timer.js";
import { TemplateWheel } from "./template-wheel.js";
import { TemplateTable } from "./templates.js";

/** Timers that differ by less are taken for the same: spans that travel are rounded. */
const TOLERANCE_TICKS = TICKS_PER_SEC;

const { ASSURED, FRESH, REMOTE } = TemplateFlag;

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
  /** It came from a peer. */
  readonly isRemote: boolean;
}

/** See the file's head. */
export class TemplatePut {
  readonly #columns: TemplateColumns;
  readonly #persistent: Int32Array;
  readonly #isReplica: boolean;
  readonly #table: TemplateTable;
  readonly #wheel: TemplateWheel;
  readonly #changes: TemplateChanges;

  /** @param isReplica as TemplateTable has it */
  constructor(columns: TemplateColumns, persistent: Int32Array, isReplica: boolean) {
    this.#columns = columns;
    this.#persistent = persistent;
    this.#isReplica = isReplica;
    this.#table = new TemplateTable(columns, persistent, isReplica);
    this.#wheel = new TemplateWheel(columns);
    this.#changes = new TemplateChanges(columns);
  }

  /** Makes or changes a template; one that connections of this table hold stays as it is. */
  put(virtual: number, client: Int32Array, state: TemplateState, now: number): void {
    const { words } = this.#columns;
    const known = this.#table.find(virtual, client, now);
    const template =
      known === 0 ? this.#table.add(virtual, client, state.server, state.timeoutTicks, now) : known;
    if (template === 0) return;
    const at = template * TEMPLATE_WORDS;
    const isOwn = !this.#isReplica && words[at + OPEN] > 0;
    if (!isOwn && this.#write(at, state) && known !== 0) this.#changes.note(template);
    words[at + TIMEOUT] |= FRESH;
    this.#wheel.remove(template);
    if (words[at + OPEN] > 0) return;
    if (settle(words, at, now)) this.#wheel.insert(template, endOf(words, at));
    else this.#table.end(template);
  }

  /** Connections elsewhere control the client's template until the state's linger, if it leads to the same realserver. */
  hold(virtual: number, client: Int32Array, { server, linger }: TemplateState, now: number): void {
    const template = this.#table.find(virtual, client, now);
    if (template === 0 || this.#table.serverOf(template) !== server) return;
    this.#table.linger(template, linger);
    this.#changes.note(template);
  }

  /** Removes the template of a client, if there is one. @param isUntold peers need not be told */
  remove(virtual: number, client: Int32Array, isUntold: boolean, now: number): void {
    const template = this.#table.find(virtual, client, now);
    if (template !== 0) this.#table.remove(template, isUntold);
  }

  /**
   * Makes or changes a template as a peer knows it, where the peer knows it better. The timer begins anew with each
   * connection, so who used it last has the later one.
   * @param winsTies whether the peer is right where both used it at the same time
   */
  merge(virtual: number, client: Int32Array, state: TemplateState, winsTies: boolean, now: number): void {
    const known = this.#table.find(virtual, client, now);
    if (known === 0 || this.#yields(known * TEMPLATE_WORDS, state, winsTies)) {
      this.put(virtual, client, state, now);
    }
  }

  /** Removes the template of a client, if it came from a peer and was not used here since. */
  removeRemote(virtual: number, client: Int32Array, now: number): void {
    const template = this.#table.find(virtual, client, now);
    if (template !== 0 && (this.#columns.words[template * TEMPLATE_WORDS + TIMEOUT] & REMOTE) !== 0) {
      this.#table.remove(template);
    }
  }

  #yields(at: number, { server, expiry }: TemplateState, winsTies: boolean): boolean {
    const { words } = this.#columns;
    if (words[at + OPEN] > 0) return false;
    const aheadTicks = expiry - words[at + EXPIRY];
    if (Math.abs(aheadTicks) > TOLERANCE_TICKS) return aheadTicks > 0;
    if ((words[at + TIMEOUT] & REMOTE) !== 0) return true;
    return winsTies && server !== words[at + SERVER];
  }

  /** @returns whether anything is different now */
  #write(at: number, state: TemplateState): boolean {
    const { words } = this.#columns;
    const [server, timeout, expiry, open] = [SERVER, TIMEOUT, EXPIRY, OPEN].map((word) => words[at + word]);
    if (server !== state.server) {
      this.#persistent[server]--;
      this.#persistent[state.server]++;
      words[at + SERVER] = state.server;
    }
    const flags = (state.isAssured ? ASSURED : 0) | (state.isRemote ? REMOTE : 0);
    words[at + TIMEOUT] = (timeout & ~(TIMEOUT_MASK | ASSURED | REMOTE)) | state.timeoutTicks | flags;
    words[at + EXPIRY] = state.expiry;
    words[at + LINGER] = state.linger;
    if (state.endedAt !== undefined) {
      // While they were there, connections have put its end off.
      words[at + OPEN] = 1;
      settle(words, at, state.endedAt);
    }
    words[at + OPEN] = state.isHeld ? 1 : 0;
    return (
      server !== state.server ||
      open !== words[at + OPEN] ||
      ((timeout ^ words[at + TIMEOUT]) & (TIMEOUT_MASK | ASSURED | REMOTE)) !== 0 ||
      Math.abs(expiry - words[at + EXPIRY]) > TOLERANCE_TICKS
    );
  }
}
