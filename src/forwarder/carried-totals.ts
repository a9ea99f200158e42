/**
 * Totals of generations that have ended, carried on under the generations that live, so that counters never go back
 * because a forwarder was replaced.
 */
import { zeroTotals } from "../balancer/estimator.js";
import { realserverKey } from "../core/model.js";
import type { RealserverStatus, ServiceStatus, TrafficTotals } from "../core/status.js";
import type { Figures } from "./figures.js";
import { addTotals } from "./statistics.js";
import { trafficAt } from "./status-rows.js";

interface Account {
  readonly own: TrafficTotals;
  readonly servers: Map<string, TrafficTotals>;
}

/** The ledger of totals. */
export class CarriedTotals {
  readonly #accounts = new Map<string, Account>();
  readonly #lastReports = new Map<object, Figures>();

  /** Remembers what a living generation has counted. */
  note(generation: object, totals: Figures): void {
    this.#lastReports.set(generation, totals);
  }

  /** A generation has ended: what it last reported is carried on. */
  carryOn(generation: object): void {
    const report = this.#lastReports.get(generation);
    this.#lastReports.delete(generation);
    if (report === undefined) return;
    const { layout, values, width } = report;
    for (const { key, place, servers } of layout.services) {
      const account = this.#account(key);
      addTotals(account.own, trafficAt(values, place * width), 1);
      for (const [i, server] of servers.entries()) {
        addTotals(this.#serverTotals(account, server), trafficAt(values, (place + 1 + i) * width), 1);
      }
    }
  }

  /** Sets a service's totals, or all, to zero. */
  zero(key?: string): void {
    if (key === undefined) this.#accounts.clear();
    else this.#accounts.delete(key);
    this.#lastReports.clear();
  }

  /** A service, or one of its realservers, was deleted: made again, it starts from zero. */
  forget(key: string, server?: string): void {
    if (server === undefined) this.#accounts.delete(key);
    else this.#accounts.get(key)?.servers.delete(server);
  }

  /** Adds what was carried on to totals. */
  addTo(totals: Figures): void {
    for (const [key, { own, servers }] of this.#accounts) {
      addAt(totals, totals.layout.placeOf(key), own);
      for (const [server, carried] of servers) addAt(totals, totals.layout.placeOf(key, server), carried);
    }
  }

  /** Adds what was carried on, and what older generations still count, to the newest generation's services. */
  merge(newest: readonly ServiceStatus[], older: readonly (readonly ServiceStatus[])[]): ServiceStatus[] {
    return newest.map((service) => {
      const account = this.#accounts.get(service.key);
      const others = older.flatMap((services) => services.filter(({ key }) => key === service.key));
      if (account === undefined && others.length === 0) return service;
      return {
        ...service,
        connections: others.reduce((sum, other) => sum + other.connections, service.connections),
        totals: sumTotals([service.totals, account?.own, ...others.map(({ totals }) => totals)]),
        realservers: service.realservers.map((server) => mergeServer(server, account, others)),
      };
    });
  }

  #account(key: string): Account {
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { own: zeroTotals(), servers: new Map() };
      this.#accounts.set(key, account);
    }
    return account;
  }

  #serverTotals(account: Account, server: string): TrafficTotals {
    let totals = account.servers.get(server);
    if (totals === undefined) {
      totals = zeroTotals();
      account.servers.set(server, totals);
    }
    return totals;
  }
}

function mergeServer(
  server: RealserverStatus,
  account: Account | undefined,
  others: readonly ServiceStatus[],
): RealserverStatus {
  const key = realserverKey(server);
  const same = others.flatMap(({ realservers }) =>
    realservers.filter((other) => realserverKey(other) === key),
  );
  return {
    ...server,
    active: same.reduce((sum, other) => sum + other.active, server.active),
    inactive: same.reduce((sum, other) => sum + other.inactive, server.inactive),
    totals: sumTotals([server.totals, account?.servers.get(key), ...same.map(({ totals }) => totals)]),
  };
}

function addAt({ values, width }: Figures, place: number | undefined, totals: TrafficTotals): void {
  if (place === undefined) return;
  const at = place * width;
  values[at] += totals.connections;
  values[at + 1] += totals.inPackets;
  values[at + 2] += totals.outPackets;
  values[at + 3] += totals.inBytes;
  values[at + 4] += totals.outBytes;
}

function sumTotals(parts: readonly (TrafficTotals | undefined)[]): TrafficTotals {
  const sum = zeroTotals();
  for (const part of parts) if (part !== undefined) addTotals(sum, part, 1);
  return sum;
}
