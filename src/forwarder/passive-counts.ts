/**
 * What connections say about their realservers since the last report: how many could not be made or were reset before
 * the first byte came, and how many went well. Health checking makes passive marks of it.
 */
import type { BalancerColumns } from "../balancer/columns.js";
import type { ServiceTable } from "../balancer/service-table.js";
import type { PassiveReport } from "./messages.js";

/** Counts by realserver slot. */
export class PassiveCounts {
  readonly #columns: BalancerColumns;
  readonly #table: ServiceTable;
  /** Of the column, at the last report. */
  readonly #failuresBefore: Int32Array;
  readonly #resets: Int32Array;
  readonly #successes: Int32Array;

  constructor(columns: BalancerColumns, table: ServiceTable) {
    const slots = columns.servers.failures.length;
    this.#columns = columns;
    this.#table = table;
    this.#failuresBefore = new Int32Array(slots);
    this.#resets = new Int32Array(slots);
    this.#successes = new Int32Array(slots);
  }

  /** A connection that was established has ended. */
  ended(server: number, wentWell: boolean): void {
    if (wentWell) this.#successes[server]++;
    else this.#resets[server]++;
  }

  /** What has come since the last call; realservers without any are left out. */
  take(): PassiveReport {
    const { failures } = this.#columns.servers;
    const report: Record<string, Record<string, readonly [number, number]>> = {};
    for (const service of this.#table.services()) {
      for (const [key, { slot }] of service.servers) {
        const before = this.#failuresBefore[slot];
        const now = failures[slot];
        // A slot that was given to another realserver counts from zero.
        const failed = (now < before ? now : now - before) + this.#resets[slot];
        const succeeded = this.#successes[slot];
        this.#failuresBefore[slot] = now;
        this.#resets[slot] = 0;
        this.#successes[slot] = 0;
        if (failed === 0 && succeeded === 0) continue;
        report[service.key] ??= {};
        report[service.key][key] = [failed, succeeded];
      }
    }
    return report;
  }
}
