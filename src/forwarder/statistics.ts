/**
 * Totals and rates of every service and realserver, in the forwarder's main thread. The counters themselves lie in shared
 * memory and only grow; a realserver's or service's own numbers are the difference to a base that is set when its slot
 * begins to mean it, and when an operator zeroes it.
 */
import type { BalancerColumns } from "../balancer/columns.js";
import { RateEstimator, zeroTotals } from "../balancer/estimator.js";
import type { ServerEntry, ServiceEntry, ServiceTable, SlotObserver } from "../balancer/service-table.js";
import type { TrafficRates, TrafficTotals } from "../core/status.js";
import type { PlaneMemory } from "../dataplane/memory.js";

/** One counted thing. */
interface Counted {
  base: TrafficTotals;
  estimator: RateEstimator;
}

/** Keeper of bases and estimators. */
export class Statistics implements SlotObserver {
  readonly #columns: BalancerColumns;
  readonly #memory: PlaneMemory;
  readonly #servers = new Map<ServerEntry, Counted>();
  readonly #services = new Map<ServiceEntry, Counted>();
  /** Traffic of a service by realservers whose slots were given back, less what slots had counted before they were its. */
  readonly #handedOn = new Map<ServiceEntry, TrafficTotals>();
  #table: ServiceTable | undefined;

  constructor(columns: BalancerColumns, memory: PlaneMemory) {
    this.#columns = columns;
    this.#memory = memory;
  }

  /** The table that this observes; both need one another. */
  observe(table: ServiceTable): void {
    this.#table = table;
  }

  serviceBegins(service: ServiceEntry): void {
    this.#handedOn.set(service, zeroTotals());
    const base = zeroTotals();
    this.#services.set(service, { base, estimator: new RateEstimator(base) });
  }

  serverBegins(server: ServerEntry): void {
    const base = this.#rawServer(server.slot);
    this.#servers.set(server, { base, estimator: new RateEstimator(base) });
    this.#handOn(server, base, -1);
  }

  serverEnds(server: ServerEntry): void {
    this.#handOn(server, this.#rawServer(server.slot), 1);
    this.#servers.delete(server);
  }

  serverTotals(server: ServerEntry): TrafficTotals {
    return difference(this.#rawServer(server.slot), this.#servers.get(server)!.base);
  }

  serviceTotals(service: ServiceEntry): TrafficTotals {
    return difference(this.#rawService(service), this.#services.get(service)!.base);
  }

  serverRates(server: ServerEntry): TrafficRates {
    return this.#servers.get(server)!.estimator.rates();
  }

  serviceRates(service: ServiceEntry): TrafficRates {
    return this.#services.get(service)!.estimator.rates();
  }

  /** Sets the counters and rates of a service and its realservers to zero. */
  zero(service: ServiceEntry): void {
    reset(this.#services.get(service)!, this.#rawService(service));
    for (const server of service.servers.values()) {
      reset(this.#servers.get(server)!, this.#rawServer(server.slot));
    }
  }

  /** Takes all rates on by one period; forgets services whose slots are gone. */
  estimate(): void {
    for (const [service, counted] of this.#services) {
      if (this.#table!.serviceAt(service.slot) !== service) {
        this.#services.delete(service);
        this.#handedOn.delete(service);
      } else {
        counted.estimator.estimate(this.#rawService(service));
      }
    }
    for (const [server, counted] of this.#servers) counted.estimator.estimate(this.#rawServer(server.slot));
  }

  #handOn(server: ServerEntry, totals: TrafficTotals, sign: 1 | -1): void {
    const handedOn = this.#handedOn.get(server.service);
    if (handedOn !== undefined) addTotals(handedOn, totals, sign);
  }

  #rawService(service: ServiceEntry): TrafficTotals {
    const sum = { ...this.#handedOn.get(service)! };
    for (const slot of this.#table!.serverSlotsOf(service)) addTotals(sum, this.#rawServer(slot), 1);
    sum.connections = this.#columns.services.scheduled[service.slot];
    return sum;
  }

  #rawServer(slot: number): TrafficTotals {
    const { threads, servers, inBytes, outBytes, inPackets, outPackets } = this.#memory;
    const sum = zeroTotals();
    sum.connections = this.#columns.servers.scheduled[slot];
    for (let thread = 0; thread < threads; thread++) {
      const index = thread * servers + slot;
      sum.inBytes += inBytes[index];
      sum.outBytes += outBytes[index];
      sum.inPackets += inPackets[index];
      sum.outPackets += outPackets[index];
    }
    return sum;
  }
}

/** Adds `sign * totals` to a sum. */
export function addTotals(sum: TrafficTotals, totals: TrafficTotals, sign: 1 | -1): void {
  sum.connections += sign * totals.connections;
  sum.inPackets += sign * totals.inPackets;
  sum.outPackets += sign * totals.outPackets;
  sum.inBytes += sign * totals.inBytes;
  sum.outBytes += sign * totals.outBytes;
}

function difference(now: TrafficTotals, base: TrafficTotals): TrafficTotals {
  const result = { ...now };
  addTotals(result, base, -1);
  return result;
}

function reset(counted: Counted, now: TrafficTotals): void {
  counted.base = now;
  counted.estimator.reset(now);
}
