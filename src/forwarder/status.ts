/** Puts together what a forwarder reports: settings from the table, counts from the columns, totals, rates, durations. */
import type { BalancerColumns } from "../balancer/columns.js";
import type { ServerEntry, ServiceEntry, ServiceTable } from "../balancer/service-table.js";
import { type ServiceId, serviceKey } from "../core/model.js";
import type { DurationSummary } from "../core/status.js";
import { PLANE_EVENT_COUNT, PLANE_EVENT_NAMES } from "../dataplane/events.js";
import type { PlaneMemory } from "../dataplane/memory.js";
import { ServerFlag } from "../schedulers/columns.js";
import type { Statistics } from "./statistics.js";
import { type RealserverRow, rowOf, type ServiceRows } from "./status-rows.js";

/** Durations of one realserver slot. */
export interface DurationSource {
  connectTime(server: number): DurationSummary;
  sessionTime(server: number): DurationSummary;
}

/** Reads the state of a running forwarder. */
export class StatusReader {
  readonly #columns: BalancerColumns;
  readonly #memory: PlaneMemory;
  readonly #table: ServiceTable;
  readonly #statistics: Statistics;
  readonly #durations: DurationSource;

  constructor(
    columns: BalancerColumns,
    memory: PlaneMemory,
    table: ServiceTable,
    statistics: Statistics,
    durations: DurationSource,
  ) {
    this.#columns = columns;
    this.#memory = memory;
    this.#table = table;
    this.#statistics = statistics;
    this.#durations = durations;
  }

  /** All services as they travel, or one. @param id of the one service that is asked about; undefined: all */
  services(id?: ServiceId): ServiceRows[] {
    const one = id && this.#table.serviceNamed(serviceKey(id));
    const services = id === undefined ? this.#table.services() : one === undefined ? [] : [one];
    return [...services].map((service) => this.#service(service));
  }

  /** Events of the data plane, summed over its threads. */
  events(): Record<string, number> {
    const { events, threads } = this.#memory;
    const sum = (index: number): number => {
      let total = 0;
      for (let thread = 0; thread < threads; thread++) total += events[thread * PLANE_EVENT_COUNT + index];
      return total;
    };
    return Object.fromEntries(PLANE_EVENT_NAMES.map((name, index) => [name, sum(index)]));
  }

  #service(service: ServiceEntry): ServiceRows {
    return {
      id: service.id,
      key: service.key,
      settings: service.settings,
      connections: Atomics.load(this.#columns.services.connections, service.slot),
      totals: this.#statistics.serviceTotals(service),
      rates: this.#statistics.serviceRates(service),
      realservers: [...this.#table.serversInOrder(service)].map((server) => this.#server(server)),
      leaving: [...this.#table.leavingServers(service)].map((server) => this.#server(server)),
    };
  }

  #server(server: ServerEntry): RealserverRow {
    const { servers } = this.#columns;
    const { slot, settings } = server;
    const row = rowOf({
      active: servers.active[slot],
      inactive: servers.inactive[slot],
      persistent: servers.persistent[slot],
      overloaded: this.#isOverloaded(slot),
      totals: this.#statistics.serverTotals(server),
      rates: this.#statistics.serverRates(server),
      connectTime: this.#durations.connectTime(slot),
      sessionTime: this.#durations.sessionTime(slot),
    });
    return { settings, row };
  }

  #isOverloaded(slot: number): boolean {
    return (this.#columns.servers.flags[slot] & ServerFlag.OVERLOADED) !== 0;
  }
}
