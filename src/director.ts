/**
 * The director: the composition root, and the only file that may know every folder. It owns the record of services, the
 * listening sockets, the forwarder generations and the control socket, and does what `Operations` offers.
 *
 * Changes are carried out one at a time. Each is checked against the record first; what the record refuses has changed
 * nothing, and what fails later is taken back.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { zeroTotals } from "./balancer/estimator.js";
import { ServiceBook } from "./balancer/service-book.js";
import type { Config } from "./config/config.js";
import { type ConfigChange, describeChange, diffConfigs } from "./config/diff.js";
import { loadConfig } from "./config/load.js";
import type { Operations, ReloadReport } from "./control/operations.js";
import { ControlServer } from "./control/server.js";
import type { Endpoint } from "./core/address.js";
import { UvsError } from "./core/errors.js";
import type { Logger } from "./core/logger.js";
import {
  type ConnectionTimeouts,
  checkInteger,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "./core/model.js";
import type { DirectorStatus, DurationSummary, ServiceStatus } from "./core/status.js";
import { loadLibc } from "./dataplane/native/libc.js";
import { openListeners } from "./dataplane/native/listen-socket.js";
import { ListeningSockets, type OpenListeners } from "./forwarder/listening-sockets.js";
import { Supervisor } from "./forwarder/supervisor.js";
import { SCHEDULER_NAMES } from "./schedulers/registry.js";

/** Longest value of `--set`, in seconds: 31 days (ipvsadm.c). */
const LONGEST_TIMEOUT_SEC = 2_678_400;

const NO_DURATIONS: DurationSummary = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };

/** What a director is constructed with. */
export interface DirectorOptions {
  readonly version: string;
  readonly config: Config;
  /** Where the configuration came from; undefined: it started empty, and there is nothing to reload. */
  readonly configFile?: string;
  readonly logger: Logger;
}

/** A running director. */
export class Director implements Operations {
  readonly #options: DirectorOptions;
  readonly #logger: Logger;
  readonly #book: ServiceBook;
  readonly #sockets: ListeningSockets;
  readonly #supervisor: Supervisor;
  readonly #control: ControlServer;
  readonly #startedAt = new Date().toISOString();
  readonly #threads: number;
  readonly #dataplane: "native" | "net";
  #config: Config;
  #timeouts: ConnectionTimeouts;
  /** The end of the queue of changes. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: DirectorOptions) {
    const { config, logger } = options;
    this.#options = options;
    this.#logger = logger;
    this.#config = config;
    this.#timeouts = config.timeouts;
    this.#book = new ServiceBook(config.limits);
    const open = listenersBySystemCalls(config.dataplane, logger);
    this.#dataplane = open === undefined || config.dataplane === "net" ? "net" : "native";
    this.#threads =
      this.#dataplane === "net" ? 1 : config.threads === "auto" ? availableParallelism() : config.threads;
    this.#sockets = new ListeningSockets(this.#threads, open);
    this.#supervisor = new Supervisor({
      logger,
      sockets: this.#sockets,
      workerPath: fileURLToPath(new URL("./forwarder/worker.js", import.meta.url)),
      config: (generation) => ({
        generation,
        dataplane: this.#dataplane,
        threads: this.#threads,
        maxServices: config.limits.services,
        maxRealservers: config.limits.realservers,
        maxConnections: config.limits.connections === "auto" ? 0 : config.limits.connections,
        timeouts: this.#timeouts,
        services: this.#book.services(),
        log: this.#config.log,
        accessLog: config.accessLog,
      }),
    });
    this.#control = new ControlServer({ path: config.control.socket, mode: config.control.mode, logger });
  }

  /**
   * Takes the control socket, opens all listening sockets, starts the first forwarder.
   * @throws UvsError ALREADY_RUNNING, ADDRESS_IN_USE, PERMISSION, ...; nothing is left open then
   */
  async start(): Promise<void> {
    const { config } = this.#options;
    await this.#control.listen();
    try {
      for (const service of config.services) {
        this.#book.add(service);
        this.#openSockets(service);
        this.#explainForwarding(service.id, service.realservers);
      }
      await this.#supervisor.start();
      this.#control.serve(this);
    } catch (error) {
      this.#sockets.closeAll();
      await this.#control.stop();
      throw error;
    }
    this.#logger.info(
      {
        version: this.#options.version,
        pid: process.pid,
        dataplane: this.#dataplane,
        threads: this.#threads,
        services: config.services.length,
        control: config.control.socket,
      },
      "director started",
    );
  }

  /**
   * Stops accepting, lets connections finish for up to `shutdown.grace`, ends.
   * @returns how many connections were reset at the end
   */
  async stop(): Promise<number> {
    const { graceMs } = this.#config.shutdown;
    this.#logger.info({ graceMs }, "director stops: no new connections, those that exist may finish");
    const stopped = this.#supervisor.stop(graceMs);
    // The forwarder takes what was queued before it closes its copies; new connections are refused from here on.
    this.#sockets.closeAll();
    const reset = await stopped;
    await this.#control.stop();
    this.#logger.info({ reset }, "director stopped");
    return reset;
  }

  /** A new forwarder takes over; the old one finishes its connections. */
  upgrade(): Promise<void> {
    return this.#serially(() => this.#supervisor.upgrade(this.#config.shutdown.graceMs));
  }

  reopenLogs(): Promise<void> {
    return this.#supervisor.reopenLogs();
  }

  async status(): Promise<DirectorStatus> {
    const report = await this.#supervisor.report();
    return {
      version: this.#options.version,
      pid: process.pid,
      startedAt: this.#startedAt,
      configFile: this.#options.configFile,
      timeouts: this.#timeouts,
      forwarders: report?.forwarders ?? [],
      forwarderRestarts: report?.restarts ?? this.#supervisor.restarts,
      services: report?.services ?? this.#book.services().map(withoutCounts),
    };
  }

  async services(id?: ServiceId): Promise<readonly ServiceStatus[]> {
    if (id !== undefined) this.#book.service(id);
    const { services } = await this.status();
    return id === undefined ? services : services.filter(({ key }) => key === serviceKey(id));
  }

  async timeouts(): Promise<ConnectionTimeouts> {
    return this.#timeouts;
  }

  addService(service: VirtualService): Promise<void> {
    return this.#serially(() => this.#addService(service));
  }

  editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    return this.#serially(() => this.#editService(id, settings));
  }

  deleteService(id: ServiceId): Promise<void> {
    return this.#serially(() => this.#deleteService(id));
  }

  clear(): Promise<void> {
    return this.#serially(async () => {
      for (const { id } of this.#book.services()) await this.#deleteService(id);
    });
  }

  addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    return this.#serially(() => this.#addRealserver(id, server));
  }

  editRealserver(id: ServiceId, server: Realserver): Promise<void> {
    return this.#serially(() => this.#editRealserver(id, server));
  }

  deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    return this.#serially(() => this.#deleteRealserver(id, server));
  }

  async zero(id?: ServiceId): Promise<void> {
    if (id !== undefined) this.#book.service(id);
    await this.#supervisor.zero(id);
  }

  setTimeouts(timeouts: ConnectionTimeouts): Promise<ConnectionTimeouts> {
    return this.#serially(() => this.#setTimeouts(timeouts));
  }

  /**
   * Applies what changed in the file since it was last read. Live edits stay, except where the file now says something
   * else about the same service or realserver.
   */
  reload(): Promise<ReloadReport> {
    return this.#serially(async () => {
      const { configFile, logger } = this.#options;
      if (configFile === undefined) {
        throw new UvsError("UNSUPPORTED", "the director was started without a configuration file (-c)");
      }
      const next = loadConfig(configFile, { schedulers: SCHEDULER_NAMES });
      const changes = diffConfigs(this.#config, next);
      for (const change of changes) await this.#apply(change);
      this.#config = next;
      const report = { changes: changes.map(describeChange) };
      logger.info(report, "configuration reloaded");
      return report;
    });
  }

  async #addService(service: VirtualService): Promise<void> {
    this.#book.add(service);
    try {
      const sockets = this.#openSockets(service);
      await this.#supervisor.apply("addService", service);
      if (sockets !== undefined) await this.#supervisor.listen(sockets);
    } catch (error) {
      this.#sockets.close(service.id);
      this.#book.delete(service.id);
      await this.#supervisor.apply("deleteService", service.id).catch(() => {});
      throw error;
    }
    this.#explainForwarding(service.id, service.realservers);
    this.#logger.info({ service: serviceKey(service.id) }, "virtual service added");
  }

  async #editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    this.#book.edit(id, settings);
    await this.#supervisor.apply("editService", { id, settings });
    this.#logger.info({ service: serviceKey(id), settings }, "virtual service edited");
  }

  async #deleteService(id: ServiceId): Promise<void> {
    this.#book.delete(id);
    this.#sockets.close(id);
    await this.#supervisor.apply("deleteService", id);
    this.#supervisor.forget(serviceKey(id));
    this.#logger.info({ service: serviceKey(id) }, "virtual service deleted");
  }

  async #addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    this.#book.addRealserver(id, server);
    try {
      await this.#supervisor.apply("addRealserver", { id, server });
    } catch (error) {
      this.#book.deleteRealserver(id, server);
      throw error;
    }
    this.#explainForwarding(id, [server]);
    this.#logger.info({ service: serviceKey(id), realserver: realserverKey(server) }, "realserver added");
  }

  async #editRealserver(id: ServiceId, server: Realserver): Promise<void> {
    this.#book.editRealserver(id, server);
    await this.#supervisor.apply("editRealserver", { id, server });
    this.#logger.info(
      { service: serviceKey(id), realserver: realserverKey(server), weight: server.weight },
      "realserver edited",
    );
  }

  async #deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    this.#book.deleteRealserver(id, server);
    await this.#supervisor.apply("deleteRealserver", { id, server });
    this.#supervisor.forget(serviceKey(id), realserverKey(server));
    this.#logger.info({ service: serviceKey(id), realserver: realserverKey(server) }, "realserver deleted");
  }

  async #setTimeouts(asked: ConnectionTimeouts): Promise<ConnectionTimeouts> {
    for (const [name, value] of Object.entries(asked)) checkInteger(name, value, 0, LONGEST_TIMEOUT_SEC);
    this.#timeouts = {
      tcpSec: asked.tcpSec || this.#timeouts.tcpSec,
      tcpFinSec: asked.tcpFinSec || this.#timeouts.tcpFinSec,
      udpSec: asked.udpSec || this.#timeouts.udpSec,
    };
    await this.#supervisor.apply("setTimeouts", this.#timeouts);
    return this.#timeouts;
  }

  /** One difference of the file; what a live edit has done already is not done again. */
  async #apply(change: ConfigChange): Promise<void> {
    switch (change.op) {
      case "addService":
        if (this.#book.has(change.service.id)) await this.#deleteService(change.service.id);
        return this.#addService(change.service);
      case "editService":
        if (this.#book.has(change.id)) await this.#editService(change.id, change.settings);
        return;
      case "deleteService":
        if (this.#book.has(change.id)) await this.#deleteService(change.id);
        return;
      case "addRealserver":
        if (!this.#book.has(change.id)) return;
        if (this.#hasRealserver(change.id, change.server))
          return this.#editRealserver(change.id, change.server);
        return this.#addRealserver(change.id, change.server);
      case "editRealserver":
        if (this.#hasRealserver(change.id, change.server))
          await this.#editRealserver(change.id, change.server);
        return;
      case "deleteRealserver":
        if (this.#hasRealserver(change.id, change.server))
          await this.#deleteRealserver(change.id, change.server);
        return;
      case "setTimeouts":
        await this.#setTimeouts(change.timeouts);
        return;
      case "setShutdownGrace":
        return;
      case "restartNeeded":
        this.#logger.warn({ key: change.key }, "this change takes effect when uvsd is started again");
        return;
    }
  }

  #hasRealserver(id: ServiceId, server: Endpoint): boolean {
    if (!this.#book.has(id)) return false;
    return this.#book.service(id).realservers.some((other) => realserverKey(other) === realserverKey(server));
  }

  /** Opens the sockets of a service that the data plane can serve; says so of one that it cannot. */
  #openSockets({ id }: VirtualService) {
    if ("fwmark" in id || id.protocol !== "tcp" || id.port === 0) {
      this.#logger.warn(
        { service: serviceKey(id) },
        "only TCP services with a port are forwarded; this one is kept and listed, and serves nobody",
      );
      return undefined;
    }
    return this.#sockets.open(id, id);
  }

  #explainForwarding(id: ServiceId, servers: readonly Realserver[]): void {
    for (const server of servers) {
      if (server.forwarding === "masq") continue;
      this.#logger.info(
        { service: serviceKey(id), realserver: realserverKey(server), asked: server.forwarding },
        "forwarding method is kept as asked for; the proxy carries the connections",
      );
    }
  }

  #serially<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#lastChange.then(change);
    this.#lastChange = result.catch(() => {});
    return result;
  }
}

/** The way to open sockets with IP_FREEBIND and SO_REUSEPORT, or undefined with a logged reason. */
function listenersBySystemCalls(asked: Config["dataplane"], logger: Logger): OpenListeners | undefined {
  try {
    const libc = loadLibc();
    return (endpoint, count) => openListeners(libc, endpoint, count);
  } catch (error) {
    const fields = { reason: UvsError.from(error).message };
    if (asked === "net")
      logger.info(fields, "no system calls: listening sockets are bound without IP_FREEBIND");
    else logger.warn(fields, "the native data plane is not possible here: net takes its place");
    return undefined;
  }
}

/** A service as it is when no forwarder can be asked. */
function withoutCounts({ id, settings, realservers }: VirtualService): ServiceStatus {
  return {
    id,
    key: serviceKey(id),
    settings,
    connections: 0,
    totals: zeroTotals(),
    rates: zeroTotals(),
    realservers: realservers.toReversed().map((server) => ({
      ...server,
      active: 0,
      inactive: 0,
      persistent: 0,
      overloaded: false,
      totals: zeroTotals(),
      rates: zeroTotals(),
      connectTime: NO_DURATIONS,
      sessionTime: NO_DURATIONS,
    })),
  };
}
