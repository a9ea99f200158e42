/**
 * Takes batches of the stream into a table of templates. Main thread. A batch is carried out template by template, each
 * under the locks that a decision takes, so that no client sees two templates.
 */
import { lock, unlock } from "../core/lock.js";
import { TICKS_PER_SEC } from "./columns.js";
import type { TemplateColumns } from "./template-columns.js";
import { TemplateKeeper } from "./template-keeper.js";
import { TemplatePut, type TemplateState } from "./template-put.js";
import {
  REMOVAL_FIELDS,
  type TemplateBatch,
  UPSERT_FIELDS,
  UpsertField,
  UpsertFlag,
} from "./template-stream.js";

const MS_PER_TICK = 1000 / TICKS_PER_SEC;

/** CLOSE: connections that are gone with a forwarder are taken for reset (ip_vs_proto_tcp.c). */
const CLOSE_TICKS = 10 * TICKS_PER_SEC;

/** What a peer's open connections hold stays at least for so long: the peer tells of it again before that. */
const PEER_HOLD_TICKS = 60 * TICKS_PER_SEC;

/** What names mean in the receiving table. */
export interface TemplateNumbers {
  /** Undefined: there is no such virtual service here, its templates are passed over. */
  virtualNumber(key: string): number | undefined;
  serverNumber(virtualKey: string, serverKey: string): number | undefined;
  /** Runs `change` while no decision is made for the virtual service. */
  exclusively(virtual: number, change: () => void): void;
}

/** See the file's head. */
export class TemplateSink {
  readonly #columns: TemplateColumns;
  readonly #put: TemplatePut;
  readonly #keeper: TemplateKeeper;
  readonly #numbers: TemplateNumbers;
  readonly #nowTicks: () => number;
  readonly #client = new Int32Array(4);
  #isInPass = false;

  /** @param isReplica as TemplateTable has it */
  constructor(
    columns: TemplateColumns,
    persistent: Int32Array,
    numbers: TemplateNumbers,
    nowTicks: () => number,
    isReplica: boolean,
  ) {
    this.#columns = columns;
    this.#put = new TemplatePut(columns, persistent, isReplica);
    this.#keeper = new TemplateKeeper(columns, persistent, isReplica);
    this.#numbers = numbers;
    this.#nowTicks = nowTicks;
  }

  /**
   * Takes a batch in.
   * @param isLive whether the connections that hold templates are there; else they ended when the batch was read
   * @param ageMs since the batch was read
   */
  apply(batch: TemplateBatch, isLive: boolean, ageMs = 0): void {
    if (batch.isWhole) {
      this.#keeper.beginPass();
      this.#isInPass = true;
    }
    const virtuals = batch.virtuals.map((key) => this.#numbers.virtualNumber(key));
    const untold = new Set(batch.untold);
    for (let at = 0; at < batch.removals.length; at += REMOVAL_FIELDS) {
      const virtual = virtuals[batch.removals[at]];
      if (virtual === undefined) continue;
      const isUntold = untold.has(at / REMOVAL_FIELDS);
      this.#readClient(batch.removals, at + 1);
      this.#exclusively(virtual, () => this.#put.remove(virtual, this.#client, isUntold, this.#nowTicks()));
    }
    for (let at = 0; at < batch.upserts.length; at += UPSERT_FIELDS) {
      const virtual = virtuals[batch.upserts[at]];
      const state = this.#stateAt(batch, at, isLive, ageMs, CLOSE_TICKS);
      if (virtual === undefined || state === undefined) continue;
      this.#readClient(batch.upserts, at + UpsertField.client);
      this.#exclusively(virtual, () => this.#put.put(virtual, this.#client, state, this.#nowTicks()));
    }
    if (batch.hasMore || !this.#isInPass) return;
    this.#keeper.endPass();
    this.#isInPass = false;
  }

  /**
   * Takes a batch of a peer in. Templates that are this director's own stay, unless the peer's were used later, and only
   * what came from peers is removed. A batch of everything is like any other: what is missing in it ends by its time.
   * @param winsTies whether the peer is right where both were used at the same time
   */
  merge(batch: TemplateBatch, winsTies: boolean): void {
    const virtuals = batch.virtuals.map((key) => this.#numbers.virtualNumber(key));
    for (let at = 0; at < batch.removals.length; at += REMOVAL_FIELDS) {
      const virtual = virtuals[batch.removals[at]];
      if (virtual === undefined) continue;
      this.#readClient(batch.removals, at + 1);
      this.#exclusively(virtual, () => this.#put.removeRemote(virtual, this.#client, this.#nowTicks()));
    }
    for (let at = 0; at < batch.upserts.length; at += UPSERT_FIELDS) {
      const virtual = virtuals[batch.upserts[at]];
      const state = this.#stateAt(batch, at, false, 0, PEER_HOLD_TICKS);
      if (virtual === undefined || state === undefined) continue;
      this.#readClient(batch.upserts, at + UpsertField.client);
      this.#exclusively(virtual, () =>
        this.#put.merge(virtual, this.#client, { ...state, isRemote: true }, winsTies, this.#nowTicks()),
      );
    }
  }

  /**
   * Connections of another table control these templates too: they stay at least until it tells of them again. What is not
   * here any longer, or leads elsewhere by now, is passed over.
   * @param holdTicks how long what open connections hold stays at least
   */
  hold(batch: TemplateBatch, holdTicks: number): void {
    const virtuals = batch.virtuals.map((key) => this.#numbers.virtualNumber(key));
    for (let at = 0; at < batch.upserts.length; at += UPSERT_FIELDS) {
      const virtual = virtuals[batch.upserts[at]];
      const state = this.#stateAt(batch, at, false, 0, holdTicks);
      if (virtual === undefined || state === undefined) continue;
      this.#readClient(batch.upserts, at + UpsertField.client);
      this.#exclusively(virtual, () => this.#put.hold(virtual, this.#client, state, this.#nowTicks()));
    }
  }

  /** @param holdTicks how long what connections held stays at least, where they are not there */
  #stateAt(
    batch: TemplateBatch,
    at: number,
    isLive: boolean,
    ageMs: number,
    holdTicks: number,
  ): TemplateState | undefined {
    const field = (name: keyof typeof UpsertField): number => batch.upserts[at + UpsertField[name]];
    const server = this.#numbers.serverNumber(
      batch.virtuals[field("virtual")],
      batch.servers[field("server")],
    );
    if (server === undefined) return undefined;
    const now = this.#nowTicks();
    const then = now - Math.round(ageMs / MS_PER_TICK);
    const isHeld = (field("flags") & UpsertFlag.HELD) !== 0;
    const lingers = Math.round(field("lingersMs") / MS_PER_TICK);
    const expiry = then + Math.round(field("expiresMs") / MS_PER_TICK);
    // Where nothing lingers the word must not be after a timer that fired before this clock began.
    const linger = lingers === 0 ? Math.min(0, expiry) : then + lingers;
    return {
      server,
      timeoutTicks: Math.max(1, Math.round(field("timeoutMs") / MS_PER_TICK)),
      expiry,
      linger: isHeld && !isLive ? then + holdTicks : linger,
      isAssured: (field("flags") & UpsertFlag.ASSURED) !== 0,
      isHeld: isHeld && isLive,
      isRemote: (field("flags") & UpsertFlag.REMOTE) !== 0,
      endedAt: isHeld && !isLive ? then : undefined,
    };
  }

  #readClient(numbers: readonly number[], at: number): void {
    for (let i = 0; i < 4; i++) this.#client[i] = numbers[at + i];
  }

  #exclusively(virtual: number, change: () => void): void {
    this.#numbers.exclusively(virtual, () => {
      lock(this.#columns.lock, 0);
      try {
        change();
      } finally {
        unlock(this.#columns.lock, 0);
      }
    });
  }
}
