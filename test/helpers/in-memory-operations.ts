/**
 * Operations as a director without traffic carries them out: it validates, keeps order, and throws the documented
 * errors. What tests of the control socket and of the commands stand on.
 */
import type { Config } from "../../src/config/config.js";
import { parseConfig } from "../../src/config/load.js";
import { applyChange } from "../../src/control/ipvsadm/changes.js";
import { numericText } from "../../src/control/ipvsadm/labels.js";
import { renderSave, renderServices } from "../../src/control/ipvsadm/render-services.js";
import type {
  Change,
  ListingChoice,
  Operations,
  Refusal,
  ReloadReport,
} from "../../src/control/operations.js";
import type { Endpoint } from "../../src/core/address.js";
import type { DoctorReport } from "../../src/core/doctor.js";
import { UvsError } from "../../src/core/errors.js";
import type { HaChoice, HaStatus } from "../../src/core/ha-status.js";
import type { HealthStatus } from "../../src/core/health-status.js";
import {
  type ConnectionChoice,
  type ConnectionTimeouts,
  checkInteger,
  checkRealserver,
  DEFAULT_TIMEOUTS,
  MAX_INT32,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  type SyncDaemon,
  type SyncDaemonRole,
  serviceKey,
  type VirtualService,
} from "../../src/core/model.js";
import type {
  ConnectionStatus,
  DirectorStatus,
  LiveConnection,
  ServiceStatus,
  TemplateStatus,
} from "../../src/core/status.js";
import { checkSysctl, initialSysctls, type SysctlValues } from "../../src/core/sysctls.js";
import {
  noTraffic,
  type RealserverEntry,
  type ServiceEntry,
  serviceStatus,
  type Traffic,
} from "./in-memory-status.js";

const SCHEDULERS = "rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh twos".split(" ");
/** The network interfaces of the director's host. */
const INTERFACES = ["eth0"];
/** When all that has a time happens. */
const NOW_MS = Date.parse("2026-01-01T00:00:00.000Z");

export class InMemoryOperations implements Operations {
  /** What `reload` does next. */
  nextReload: () => Promise<ReloadReport> = async () => ({ changes: [] });
  /** Laid over what `status` answers. */
  statusOverrides: Partial<DirectorStatus> = {};
  /** What `health` answers. */
  healthStatus: HealthStatus = {
    services: [],
    changes: [],
    probes: { repeated: 0, running: 0, lateness: { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 } },
    alerts: { called: 0, failed: 0, dropped: 0 },
  };
  /** What `haStatus` answers. */
  ha: HaStatus = { isConfigured: false, instances: [] };
  /** What was asked of high availability. */
  haCommands: readonly object[] = [];
  /** What `doctor` answers. */
  doctorReport: DoctorReport = {
    findings: [
      { state: "ok", subject: "data plane", found: "native, 2 threads" },
      { state: "warn", subject: "vip 10.0.0.1", found: "no address of this host", advice: "ip addr add" },
    ],
    rules: [{ text: "ip rule", meaning: "routes", shownBy: "ip -4 rule show", isPresent: true }],
  };
  /** How often the counters of each service were zeroed. */
  readonly zeroed: string[] = [];
  /** What `connections` lists. */
  connectionTable: ConnectionStatus[] = [];
  /** What `templates` chooses from and `flushTemplates` empties. */
  templateTable: readonly TemplateStatus[] = [];
  /** What `liveConnections` chooses from and `killConnections` takes away. */
  live: LiveConnection[] = [];
  readonly #services = new Map<string, ServiceEntry>();
  #daemons: SyncDaemon[] = [];
  #sysctls: SysctlValues = initialSysctls();
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

  async health(): Promise<HealthStatus> {
    return this.healthStatus;
  }

  async doctor(): Promise<DoctorReport> {
    return this.doctorReport;
  }

  async services(id?: ServiceId): Promise<readonly ServiceStatus[]> {
    const entries = id === undefined ? [...this.#services.values()] : [this.#service(id)];
    return entries.map(serviceStatus);
  }

  async listing({ format, sorted, exact }: ListingChoice): Promise<string> {
    const services = await this.services();
    if (format === "save") return renderSave(services, numericText);
    return renderServices(services, { format, sorted, exact, numeric: true }, numericText);
  }

  async timeouts(): Promise<ConnectionTimeouts> {
    return this.#timeouts;
  }

  async addService({ id, settings, realservers }: VirtualService): Promise<void> {
    const key = serviceKey(id);
    if (this.#services.has(key)) throw new UvsError("EXISTS", `${key} is there already`);
    checkScheduler(settings);
    const entry: ServiceEntry = { id, settings, servers: [], leaving: [] };
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
    const { drain: _, ...traffic } = entry.servers[index].traffic;
    entry.servers[index] = { server, traffic };
  }

  async deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    const entry = this.#service(id);
    const [deleted] = entry.servers.splice(indexOf(entry, server), 1);
    if ((deleted.traffic.active ?? 0) > 0) entry.leaving.push(deleted);
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

  async connections(): Promise<readonly ConnectionStatus[]> {
    return this.connectionTable;
  }

  async liveConnections(choice: ConnectionChoice): Promise<readonly LiveConnection[]> {
    this.#checkChoice(choice);
    return this.live.filter((connection) => isChosen(connection, choice));
  }

  async killConnections(choice: ConnectionChoice): Promise<number> {
    const chosen = new Set(await this.liveConnections(choice));
    this.live = this.live.filter((connection) => !chosen.has(connection));
    return chosen.size;
  }

  async templates(choice: ConnectionChoice): Promise<readonly TemplateStatus[]> {
    this.#checkChoice(choice);
    return this.templateTable.filter(
      ({ service, client }) =>
        (choice.service === undefined || serviceKey(choice.service) === serviceKey(service)) &&
        (choice.client === undefined || choice.client === client),
    );
  }

  async flushTemplates(): Promise<number> {
    const count = this.templateTable.length;
    this.templateTable = [];
    return count;
  }

  async applyAtomically(changes: readonly Change[]): Promise<readonly Refusal[]> {
    const before = await this.services();
    const timeouts = await this.timeouts();
    const refusals: Refusal[] = [];
    for (const [index, change] of changes.entries()) {
      await applyChange(this, change).catch((error: unknown) => {
        refusals.push({ index, error: UvsError.from(error).toPlain() });
      });
    }
    if (refusals.length > 0) {
      await this.clear();
      for (const { id, settings, realservers } of before) {
        await this.addService({ id, settings, realservers: realservers.map(settingsOf).reverse() });
      }
      await this.setTimeouts(timeouts);
    }
    return refusals;
  }

  async drain(id: ServiceId, server: Endpoint, deadlineMs?: number): Promise<void> {
    const entry = this.#entry(id, server);
    if (deadlineMs !== undefined) checkInteger("deadlineMs", deadlineMs, 0, MAX_INT32);
    const weight = entry.traffic.drain?.weight ?? entry.server.weight;
    await this.editRealserver(id, { ...entry.server, weight: 0 });
    const since = new Date(NOW_MS).toISOString();
    const deadline =
      deadlineMs === undefined ? {} : { deadline: new Date(NOW_MS + deadlineMs).toISOString() };
    this.#entry(id, server).traffic.drain = { since, ...deadline, weight };
  }

  async undrain(id: ServiceId, server: Endpoint): Promise<void> {
    const entry = this.#entry(id, server);
    if (entry.traffic.drain === undefined) {
      throw new UvsError("INVALID", `realserver ${realserverKey(server)} is not being drained`);
    }
    await this.editRealserver(id, { ...entry.server, weight: entry.traffic.drain.weight });
  }

  async sysctls(): Promise<SysctlValues> {
    return this.#sysctls;
  }

  async setSysctl(name: string, value: number): Promise<void> {
    checkSysctl(name, value);
    this.#sysctls = { ...this.#sysctls, [name]: value };
  }

  async haStatus(): Promise<HaStatus> {
    return this.ha;
  }

  async haStandby(choice: HaChoice): Promise<void> {
    this.haCommands = [...this.haCommands, { command: "standby", ...choice }];
  }

  async haTakeover(choice: HaChoice): Promise<void> {
    this.haCommands = [...this.haCommands, { command: "takeover", ...choice }];
  }

  async haClear(choice: HaChoice): Promise<void> {
    this.haCommands = [...this.haCommands, { command: "clear", ...choice }];
  }

  async runningConfig(): Promise<Config> {
    const services = [...this.#services.values()].map(({ id, settings, servers }) => ({
      id,
      settings,
      realservers: servers.map(({ server }) => server).reverse(),
    }));
    const empty = parseConfig("", "(no file)", { schedulers: SCHEDULERS });
    return { ...empty, services, timeouts: this.#timeouts, sysctls: this.#sysctls };
  }

  async syncDaemons(): Promise<readonly SyncDaemon[]> {
    return this.#daemons.toSorted((a, b) => b.role.localeCompare(a.role));
  }

  async startSyncDaemon(daemon: SyncDaemon): Promise<void> {
    if (this.#daemons.some(({ role }) => role === daemon.role)) {
      throw new UvsError("EXISTS", `the ${daemon.role} sync daemon runs already`);
    }
    if (!INTERFACES.includes(daemon.interface)) {
      throw new UvsError("SYSCALL", `no interface ${daemon.interface}`, { details: { errno: "ENODEV" } });
    }
    this.#daemons.push(daemon);
  }

  async stopSyncDaemon(role: SyncDaemonRole): Promise<boolean> {
    const running = this.#daemons.length;
    this.#daemons = this.#daemons.filter((daemon) => daemon.role !== role);
    return this.#daemons.length < running;
  }

  /** Lets a realserver look as if it had served. */
  pretend(id: ServiceId, server: Endpoint, traffic: Traffic): void {
    this.#entry(id, server).traffic = traffic;
  }

  #checkChoice({ service, realserver }: ConnectionChoice): void {
    if (service !== undefined && realserver !== undefined) this.#entry(service, realserver);
    else if (service !== undefined) this.#service(service);
  }

  #entry(id: ServiceId, server: Endpoint): RealserverEntry {
    const entry = this.#service(id);
    return entry.servers[indexOf(entry, server)];
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

/** A realserver without what a status adds. */
function settingsOf(status: Realserver): Realserver {
  const { address, port, weight, forwarding, upperThreshold, lowerThreshold, tunnel } = status;
  return { address, port, weight, forwarding, upperThreshold, lowerThreshold, ...(tunnel && { tunnel }) };
}

function isChosen(connection: LiveConnection, { service, realserver, client }: ConnectionChoice): boolean {
  if (service !== undefined && serviceKey(connection.service) !== serviceKey(service)) return false;
  if (client !== undefined && connection.client.address !== client) return false;
  if (realserver === undefined) return true;
  return (
    connection.realserver !== undefined && realserverKey(connection.realserver) === realserverKey(realserver)
  );
}
