/**
 * Moves the columns' clock on and does what time brings: closed connections stop counting, persistence templates end,
 * deleted slots come free, the caches of lblc and lblcr are collected. Runs in the forwarder's main thread, several times a second.
 */
import type { Clock } from "../core/clock.js";
import { lock, unlock } from "../core/lock.js";
import { SCHEDULERS } from "../schedulers/registry.js";
import { expireTick } from "./accounting.js";
import { type BalancerColumns, TICKS_PER_SEC, WHEEL_TICKS } from "./columns.js";
import type { ServiceTable } from "./service-table.js";

/** The kernel collects lblc's and lblcr's entries once a minute (CHECK_EXPIRE_INTERVAL, ip_vs_lblc.c). */
const COLLECT_TICKS = 60 * TICKS_PER_SEC;

/** Keeper of the columns' time. */
export class Janitor {
  readonly #columns: BalancerColumns;
  readonly #table: ServiceTable;
  readonly #clock: Clock;
  readonly #startMs: number;

  constructor(columns: BalancerColumns, table: ServiceTable, clock: Clock) {
    this.#columns = columns;
    this.#table = table;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** Catches up with the clock. */
  run(): void {
    const due = Math.floor(((this.#clock.nowMs() - this.#startMs) * TICKS_PER_SEC) / 1000);
    const from = this.#columns.clock[0];
    if (due <= from) {
      this.#table.templates.expire(from);
      return;
    }
    // The clock moves first: a connection that closes meanwhile falls behind all ticks that are being emptied.
    Atomics.store(this.#columns.clock, 0, due);
    // After a stall longer than the wheel, one turn empties all of it.
    this.#expire(Math.max(from + 1, due - WHEEL_TICKS + 1), due);
    this.#table.templates.expire(due);
    if (Math.floor(due / TICKS_PER_SEC) > Math.floor(from / TICKS_PER_SEC)) this.#table.sweep();
    if (Math.floor(due / COLLECT_TICKS) > Math.floor(from / COLLECT_TICKS)) this.#collect();
  }

  #expire(from: number, to: number): void {
    const { services, servers } = this.#columns;
    for (let server = 0; server < servers.expiring.length; server++) {
      if (servers.expiring[server] === 0) continue;
      const guard = servers.service[server];
      lock(services.lock, guard);
      for (let tick = from; tick <= to; tick++) expireTick(servers, server, tick);
      unlock(services.lock, guard);
    }
  }

  #collect(): void {
    const nowSec = Math.floor(this.#columns.clock[0] / TICKS_PER_SEC);
    for (const { slot } of this.#table.services()) {
      lock(this.#columns.services.lock, slot);
      SCHEDULERS[this.#columns.services.scheduler[slot]].tick?.(this.#columns, slot, nowSec);
      unlock(this.#columns.services.lock, slot);
    }
  }
}
