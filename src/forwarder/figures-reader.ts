/** Reads what is counted, in a forwarder's main thread, for figures.ts. */
import type { BalancerColumns } from "../balancer/columns.js";
import type { ServerEntry, ServiceEntry, ServiceTable } from "../balancer/service-table.js";
import type { FigureKind, TrafficTotals } from "../core/status.js";
import type { FiguresReport, FiguresRequest } from "./figures.js";
import type { Statistics } from "./statistics.js";

/** Answers for figures. */
export class FiguresReader {
  readonly #columns: BalancerColumns;
  readonly #table: ServiceTable;
  readonly #statistics: Statistics;
  /** The table's layout as last read. */
  #layout = 0;
  #services: readonly { readonly service: ServiceEntry; readonly servers: readonly ServerEntry[] }[] = [];

  constructor(columns: BalancerColumns, table: ServiceTable, statistics: Statistics) {
    this.#columns = columns;
    this.#table = table;
    this.#statistics = statistics;
  }

  read({ of, known }: FiguresRequest): FiguresReport {
    if (this.#layout !== this.#table.layout) this.#readLayout();
    const rows = of === "connections" ? this.#connections() : this.#traffic(of);
    if (known === this.#layout) return { layout: this.#layout, rows };
    const names = this.#services.map(
      ({ service, servers }) => [service.key, servers.map(({ key }) => key)] as const,
    );
    return { layout: this.#layout, names, rows };
  }

  #readLayout(): void {
    this.#layout = this.#table.layout;
    this.#services = [...this.#table.services()].map((service) => ({
      service,
      servers: [...this.#table.serversInOrder(service)],
    }));
  }

  #connections(): number[] {
    const { active, inactive, persistent } = this.#columns.servers;
    const rows: number[] = [];
    let place = 0;
    for (const { servers } of this.#services) {
      place++;
      for (const { slot } of servers) {
        if (active[slot] !== 0 || inactive[slot] !== 0 || persistent[slot] !== 0) {
          rows.push(place, active[slot], inactive[slot], persistent[slot]);
        }
        place++;
      }
    }
    return rows;
  }

  #traffic(of: Exclude<FigureKind, "connections">): number[] {
    const statistics = this.#statistics;
    const rows: number[] = [];
    let place = 0;
    for (const { service, servers } of this.#services) {
      putTraffic(
        rows,
        place++,
        of === "totals" ? statistics.serviceTotals(service) : statistics.serviceRates(service),
      );
      for (const server of servers) {
        putTraffic(
          rows,
          place++,
          of === "totals" ? statistics.serverTotals(server) : statistics.serverRates(server),
        );
      }
    }
    return rows;
  }
}

function putTraffic(rows: number[], place: number, traffic: TrafficTotals): void {
  const { connections, inPackets, outPackets, inBytes, outBytes } = traffic;
  const isZero = connections === 0 && inPackets === 0 && outPackets === 0 && inBytes === 0 && outBytes === 0;
  if (!isZero) rows.push(place, connections, inPackets, outPackets, inBytes, outBytes);
}
