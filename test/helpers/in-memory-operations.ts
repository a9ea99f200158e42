/**
 * Operations as a director without traffic carries them out: it validates, keeps order, and throws the documented
 * errors. What tests of the control socket and of the commands stand on.
 */
import type { Operations, ReloadReport } from "../../src/control/operations.js";
import type { Endpoint } from "../../src/core/address.js";
import { UvsError } from "../../src/core/errors.js";
import {
  type ConnectionTimeouts,
  checkInteger,
  checkRealserver,
  DEFAULT_TIMEOUTS,
  MAX_INT32,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../../src/core/model.js";
import type {
  DirectorStatus,
  DurationSummary,
  RealserverStatus,
  ServiceStatus,
  TrafficTotals,
} from "../../src/core/status.js";

const SCHEDULERS = "rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh twos".split(" ");
const NO_DURATIONS: DurationSummary = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
const noTraffic = (): TrafficTotals => ({
  connections: 0,
  inPackets: 0,
  outPackets: 0,
  inBytes: 0,
  outBytes: 0,
});

/** What a test may give a realserver as if there had been traffic. */
export type Traffic = Partial<Omit<RealserverStatus, keyof Realserver>>;

interface Entry {
  readonly server: Realserver;
  traffic: Traffic;
}

interface ServiceEntry {
  readonly id: ServiceId;
  settings: ServiceSettings;
  /** Newest first, as the kernel's list. */
  servers: Entry[];
}

export class InMemoryOperations implements Operations {
  /** What `reload` does next. */
  nextReload: () => Promise<ReloadReport> = async () => ({ changes: [] });
  /** Laid over what `status` answers. */
  statusOverrides: Partial<DirectorStatus> = {};
  /** How often the counters of each service were zeroed. */
  readonly zeroed: string[] = [];
  readonly #services = new Map<string, ServiceEntry>();
  #timeouts: ConnectionTimeouts = DEFAULT_TIMEOUTS;

  async status(): Promise<DirectorStatus> {
    return {
      version: "0.1.0",
      pid: 4711,
      startedAt: "2026-01-01T00:00:00.000Z",
      timeouts: this.#timeouts,
      forwarders: [],
      forwarderRestarts: 0,
      services: [...this.#services.values()].map(serviceStatus),
      ...this.statusOverrides,
    };
  }

  async services(id?: ServiceId): Promise<readonly ServiceStatus[]> {
    const entries = id === undefined ? [...this.#services.values()] : [this.#service(id)];
    return entries.map(serviceStatus);
  }

  async timeouts(): Promise<ConnectionTimeouts> {
    return this.#timeouts;
  }

  async addService({ id, settings, realservers }: VirtualService): Promise<void> {
    const key = serviceKey(id);
    if (this.#services.has(key)) throw new UvsError("EXISTS", `${key} is there already`);
    checkScheduler(settings);
    const entry: ServiceEntry = { id, settings, servers: [] };
    for (const server of realservers) insert(entry, server);
    this.#services.set(key, entry);
  }

  async editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    const entry = this.#service(id);
    checkScheduler(settings);
    entry.settings = settings;
  }

  async deleteService(id: ServiceId): Promise<void> {
    this.#service(id);
    this.#services.delete(serviceKey(id));
  }

  async clear(): Promise<void> {
    this.#services.clear();
  }

  async addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    insert(this.#service(id), server);
  }

  async editRealserver(id: ServiceId, server: Realserver): Promise<void> {
    const entry = this.#service(id);
    const index = indexOf(entry, server);
    checkRealserver(server);
    entry.servers[index] = { server, traffic: entry.servers[index].traffic };
  }

  async deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    const entry = this.#service(id);
    entry.servers.splice(indexOf(entry, server), 1);
  }

  async zero(id?: ServiceId): Promise<void> {
    const entries = id === undefined ? [...this.#services.values()] : [this.#service(id)];
    for (const entry of entries) {
      this.zeroed.push(serviceKey(entry.id));
      for (const server of entry.servers) server.traffic = { ...server.traffic, totals: noTraffic() };
    }
  }

  async setTimeouts(timeouts: ConnectionTimeouts): Promise<ConnectionTimeouts> {
    for (const [name, seconds] of Object.entries(timeouts)) checkInteger(name, seconds, 0, MAX_INT32);
    const { tcpSec, tcpFinSec, udpSec } = this.#timeouts;
    this.#timeouts = {
      tcpSec: timeouts.tcpSec || tcpSec,
      tcpFinSec: timeouts.tcpFinSec || tcpFinSec,
      udpSec: timeouts.udpSec || udpSec,
    };
    return this.#timeouts;
  }

  reload(): Promise<ReloadReport> {
    return this.nextReload();
  }

  /** Lets a realserver look as if it had served. */
  pretend(id: ServiceId, server: Endpoint, traffic: Traffic): void {
    const entry = this.#service(id);
    entry.servers[indexOf(entry, server)].traffic = traffic;
  }

  #service(id: ServiceId): ServiceEntry {
    const entry = this.#services.get(serviceKey(id));
    if (entry === undefined) throw new UvsError("NO_SERVICE", `there is no service ${serviceKey(id)}`);
    return entry;
  }
}

function insert(entry: ServiceEntry, server: Realserver): void {
  checkRealserver(server);
  const key = realserverKey(server);
  if (entry.servers.some((other) => realserverKey(other.server) === key)) {
    throw new UvsError("EXISTS", `${serviceKey(entry.id)}: realserver ${key} is there already`);
  }
  entry.servers.unshift({ server, traffic: {} });
}

function indexOf(entry: ServiceEntry, server: Endpoint): number {
  const key = realserverKey(server);
  const index = entry.servers.findIndex((other) => realserverKey(other.server) === key);
  if (index < 0) throw new UvsError("NO_SERVER", `${serviceKey(entry.id)}: there is no realserver ${key}`);
  return index;
}

function checkScheduler({ scheduler }: ServiceSettings): void {
  if (SCHEDULERS.includes(scheduler)) return;
  throw new UvsError(
    "NO_SCHEDULER",
    `scheduler: found ${JSON.stringify(scheduler)}, known are ${SCHEDULERS.join(", ")}`,
  );
}

function serviceStatus({ id, settings, servers }: ServiceEntry): ServiceStatus {
  const realservers = servers.map(realserverStatus);
  const totals = noTraffic();
  for (const server of realservers) {
    for (const name of Object.keys(totals) as (keyof TrafficTotals)[]) totals[name] += server.totals[name];
  }
  const connections = realservers.reduce((count, { active }) => count + active, 0);
  return { id, key: serviceKey(id), settings, connections, totals, rates: noTraffic(), realservers };
}

function realserverStatus({ server, traffic }: Entry): RealserverStatus {
  return {
    ...server,
    active: 0,
    inactive: 0,
    persistent: 0,
    overloaded: false,
    totals: noTraffic(),
    rates: noTraffic(),
    connectTime: NO_DURATIONS,
    sessionTime: NO_DURATIONS,
    ...traffic,
  };
}
