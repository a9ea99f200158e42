/** A balancer without a data plane, for tests: table, columns, one dispatcher, and a clock that the test moves. */
import { type BalancerColumns, createColumns } from "../../src/balancer/columns.js";
import { ConnectionDispatcher } from "../../src/balancer/dispatcher.js";
import { Janitor } from "../../src/balancer/janitor.js";
import { type ServerEntry, ServiceTable, type SlotObserver } from "../../src/balancer/service-table.js";
import { parseIp } from "../../src/core/address.js";
import { Ending, type EndingValue, Verdict } from "../../src/core/dispatch.js";
import {
  DEFAULT_REALSERVER,
  DEFAULT_SETTINGS,
  type Realserver,
  type RealserverSettings,
  type ServiceId,
  type ServiceSettings,
} from "../../src/core/model.js";

export const VIP: ServiceId = { protocol: "tcp", address: "10.77.0.100", port: 80 };

/** A connection that the bench opened. */
export interface BenchConnection {
  readonly service: number;
  readonly server: number;
  readonly client: string;
  /** What the dispatcher marked it with. */
  readonly token: number;
  isActive: boolean;
}

const IGNORE: SlotObserver = { serviceBegins() {}, serverBegins() {}, serverEnds() {} };

export class BalancerBench {
  readonly columns: BalancerColumns;
  readonly table: ServiceTable;
  readonly dispatcher: ConnectionDispatcher;
  readonly #janitor: Janitor;
  #nowMs = 0;

  constructor(
    observer: SlotObserver = IGNORE,
    sizes: { services: number; servers: number; templates?: number } = { services: 8, servers: 64 },
  ) {
    this.columns = createColumns({ cacheEntries: 256, sources: 256, templates: 256, ...sizes });
    this.table = new ServiceTable(this.columns, observer);
    this.dispatcher = new ConnectionDispatcher(this.columns);
    this.#janitor = new Janitor(this.columns, this.table, { nowMs: () => this.#nowMs });
  }

  addService(scheduler = "rr", settings: Partial<ServiceSettings> = {}, id = VIP): number {
    const entry = this.table.addService({
      id,
      settings: { ...DEFAULT_SETTINGS, scheduler, ...settings },
      realservers: [],
    });
    return entry.slot;
  }

  addServer(address: string, settings: Partial<RealserverSettings> = {}, id = VIP): ServerEntry {
    return this.table.addServer(id, realserver(address, settings));
  }

  editServer(address: string, settings: Partial<RealserverSettings>, id = VIP): void {
    this.table.editServer(id, realserver(address, settings));
  }

  /** Dispatches a connection from a client and establishes it. @returns the verdict where there is no connection */
  connect(client = "10.77.1.1", id = VIP): BenchConnection | number {
    const service = this.table.service(id).slot;
    const server = this.dispatch(client, service);
    if (server < 0 && server !== Verdict.SORRY) return server;
    const { token } = this.dispatcher.target;
    this.dispatcher.request.token = token;
    if (server >= 0) this.dispatcher.established(service, server);
    return { service, server, client, token, isActive: server >= 0 };
  }

  /** Dispatches without establishing. */
  dispatch(client: string, service: number): number {
    const { request } = this.dispatcher;
    const address = parseIp(client)!;
    request.family = address.family;
    request.client.set(address.words);
    return this.dispatcher.dispatch(service);
  }

  close(connection: BenchConnection | number, ending: EndingValue = Ending.FINISHED): void {
    if (typeof connection === "number") throw new Error(`there is no connection: verdict ${connection}`);
    this.dispatcher.request.client.set(parseIp(connection.client)!.words);
    this.dispatcher.request.token = connection.token;
    this.dispatcher.closed(connection.service, connection.server, connection.isActive, ending);
  }

  /** The address that a connection or a slot went to. */
  nameOf(connection: BenchConnection | number): string | number {
    const slot = typeof connection === "number" ? connection : connection.server;
    return slot < 0 ? slot : this.table.serverAt(slot)!.settings.address;
  }

  passSeconds(seconds: number): void {
    this.#nowMs += seconds * 1000;
    this.#janitor.run();
  }

  /** `active/inactive` of a realserver. */
  counts(server: ServerEntry): string {
    const { active, inactive } = this.columns.servers;
    return `${active[server.slot]}/${inactive[server.slot]}`;
  }
}

export function realserver(address: string, settings: Partial<RealserverSettings> = {}): Realserver {
  return { ...DEFAULT_REALSERVER, forwarding: "masq", ...settings, address, port: 80 };
}
