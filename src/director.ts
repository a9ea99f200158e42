/**
 * The director: the composition root. It constructs the record of services, the listening sockets, the forwarder
 * generations and the control socket, starts and stops them, and offers `Operations`. Changes are made one at a time, by
 * the editor.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { zeroTotals } from "./balancer/estimator.js";
import { type BookRules, ServiceBook } from "./balancer/service-book.js";
import type { Config } from "./config/config.js";
import { describeChange, diffConfigs, type EditableState } from "./config/diff.js";
import { loadConfig } from "./config/load.js";
import type { TableFormat } from "./control/ipvsadm/command.js";
import { numericText } from "./control/ipvsadm/labels.js";
import { renderTable } from "./control/ipvsadm/render-services.js";
import type { Change, Operations, Refusal, ReloadReport } from "./control/operations.js";
import { ControlServer } from "./control/server.js";
import { StateFile } from "./control/state-file.js";
import { type Endpoint, parseIp } from "./core/address.js";
import { systemClock } from "./core/clock.js";
import type { DoctorReport } from "./core/doctor.js";
import { UvsError } from "./core/errors.js";
import { type HaSettings, movesAddresses } from "./core/ha-settings.js";
import type { HaChoice, HaStatus } from "./core/ha-status.js";
import type { HealthStatus } from "./core/health-status.js";
import type { Logger } from "./core/logger.js";
import {
  type ConnectionChoice,
  type ConnectionTimeouts,
  type Realserver,
  type ServiceId,
  type ServiceSettings,
  type SyncDaemon,
  type SyncDaemonRole,
  serviceKey,
  type VirtualService,
} from "./core/model.js";
import type {
  ConnectionStatus,
  DirectorStatus,
  DurationSummary,
  LiveConnection,
  RealserverStatus,
  ServiceStatus,
  TemplateStatus,
} from "./core/status.js";
import type { SysctlValues } from "./core/sysctls.js";
import { loadLibc } from "./dataplane/native/libc.js";
import { boundPort, openListeners } from "./dataplane/native/listen-socket.js";
import { applyAll } from "./director/batch.js";
import { connectionEntry, templateEntry } from "./director/connection-entries.js";
import { Diversion } from "./director/diversion/diversion.js";
import { runProgram } from "./director/diversion/programs.js";
import { examine, type Patient } from "./director/doctor/doctor.js";
import { realHost } from "./director/doctor/host.js";
import { systemCalls } from "./director/doctor/system-calls.js";
import { Editor } from "./director/editor.js";
import { DirectorHa } from "./director/ha/director-ha.js";
import { DirectorHealth, makeChecker, refuseChecks } from "./director/health.js";
import { Listening } from "./director/listening.js";
import { applyConfigChange } from "./director/reload.js";
import { DirectorSync } from "./director/sync/director-sync.js";
import { SyncDaemons } from "./director/sync-daemons.js";
import { tableOf } from "./director/table.js";
import { TemplateJournal } from "./director/template-journal.js";
import { ListeningSockets, type OpenListeners } from "./forwarder/listening-sockets.js";
import { Supervisor } from "./forwarder/supervisor.js";
import { TemplateReplica } from "./forwarder/template-replica.js";
import { TemplateReplicator } from "./forwarder/template-replicator.js";
import { SCHEDULER_NAMES } from "./schedulers/registry.js";

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
  /** The forwarder's persistence templates, for when it dies, and for peers. */
  readonly #replica: TemplateReplica;
  readonly #replicator: TemplateReplicator;
  /** Where they survive a restart, if they do. */
  readonly #journal: TemplateJournal | undefined;
  readonly #diversion: Diversion;
  readonly #listening: Listening;
  readonly #editor: Editor;
  readonly #health: DirectorHealth;
  readonly #ha: DirectorHa;
  /** The links to the other directors, if there are any. */
  readonly #sync: DirectorSync;
  readonly #control: ControlServer;
  readonly #daemons = new SyncDaemons();
  readonly #startedAt = new Date().toISOString();
  readonly #threads: number;
  readonly #dataplane: "native" | "net";
  /** Where live edits are kept, if they are. */
  readonly #kept: StateFile | undefined;
  #config: Config;
  /** The end of the queue of changes of high availability. */
  #lastHa: Promise<unknown> = Promise.resolve();
  /** The end of the queue of changes. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: DirectorOptions) {
    const { config, logger } = options;
    this.#options = options;
    this.#logger = logger;
    this.#config = config;
    this.#diversion = new Diversion(config.control.socket);
    const open = listenersBySystemCalls(config.dataplane, logger, this.#diversion.socketMark);
    this.#dataplane = open === undefined || config.dataplane === "net" ? "net" : "native";
    this.#book = new ServiceBook(config.limits, this.#rules());
    this.#threads =
      this.#dataplane === "net" ? 1 : config.threads === "auto" ? availableParallelism() : config.threads;
    this.#sockets = new ListeningSockets(this.#threads, open);
    this.#replica = new TemplateReplica(config.limits, systemClock);
    this.#replicator = new TemplateReplicator({
      replica: this.#replica,
      ask: (position) => this.#supervisor.templateChanges(position),
      isWanted: () => this.#book.hasPersistence,
      onPulled: () => this.#sync.templatesChanged(),
    });
    this.#supervisor = new Supervisor({
      logger,
      templates: () => this.#replica.readAll(),
      sockets: this.#sockets,
      onPassive: (report) => this.#health.count(report),
      workerPath: fileURLToPath(new URL("./forwarder/worker.js", import.meta.url)),
      config: (generation) => ({
        generation,
        dataplane: this.#dataplane,
        threads: this.#threads,
        maxServices: config.limits.services,
        maxRealservers: config.limits.realservers,
        maxTemplates: config.limits.templates,
        transparentMark: this.#diversion.socketMark,
        maxFlows: config.limits.flows === "auto" ? 0 : config.limits.flows,
        maxConnections: config.limits.connections === "auto" ? 0 : config.limits.connections,
        timeouts: this.#editor.timeouts,
        sysctls: this.#editor.sysctls,
        services: this.#editor.effectiveServices(),
        log: this.#config.log,
        accessLog: config.accessLog,
      }),
    });
    this.#listening = new Listening({
      sockets: this.#sockets,
      supervisor: this.#supervisor,
      diversion: this.#diversion,
      logger,
    });
    this.#editor = new Editor({
      book: this.#book,
      listening: this.#listening,
      supervisor: this.#supervisor,
      timeouts: config.timeouts,
      sysctls: config.sysctls,
      logger,
      firstStanding: (service, server) => this.#health.firstStanding(service, server),
    });
    if (config.state !== undefined) {
      this.#journal = new TemplateJournal({
        directory: config.state.directory,
        replica: this.#replica,
        logger,
      });
    }
    if (config.state?.persistEdits) {
      this.#kept = new StateFile({
        directory: config.state.directory,
        logger,
        read: () => ({ running: this.#running(), file: this.#config }),
      });
    }
    this.#health = new DirectorHealth({
      book: this.#book,
      editor: this.#editor,
      logger,
      serially: (change) => this.#serially(change),
      reset: (service, realserver) => this.#resetAll(service, realserver),
      onService: () => this.#ha.followServices(),
    });
    this.#ha = new DirectorHa({
      log: config.log,
      // Beside the socket: in a directory that is empty after a reboot, as the interfaces are.
      note: `${config.control.socket}.held`,
      logger,
      serviceState: (key) => this.#serviceState(key),
      onRouters: (standings) => this.#sync.setRouters(standings),
      onLeft: (word) => this.#sync.handOver(word),
    });
    this.#sync = new DirectorSync({
      book: this.#book,
      editor: this.#editor,
      health: this.#health,
      supervisor: this.#supervisor,
      replica: this.#replica,
      logger,
      change: (change) => this.#change(change),
      takeOver: (word) => this.#ha.handedOver(word),
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
      await this.#diversion.clear();
      const begin = (await this.#kept?.load(config, (state) => this.#check(state))) ?? config;
      this.#editor.begin(begin.timeouts, begin.sysctls);
      for (const service of begin.services) {
        this.#book.add(service);
        this.#listening.explain(service);
        this.#editor.explainForwarding(service.id, service.realservers);
      }
      this.#listening.open(this.#book.services());
      await this.#health.follow();
      await this.#journal?.load();
      await this.#supervisor.start();
      this.#replicator.start();
      this.#journal?.start();
      this.#listening.handedOver();
      await this.#listening.follow(this.#book.services());
      await this.#sync.configure(config.ha?.sync);
      // Last, so that whoever becomes master can serve, and knows what its peers know.
      await this.#ha.configure(addressesOf(config.ha));
      this.#control.serve(this);
      this.#kept?.changed();
    } catch (error) {
      await this.#ha.stop();
      this.#sync.stop();
      this.#health.stop();
      await this.#listening.stop();
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
        services: this.#book.services().length,
        control: config.control.socket,
      },
      "director started",
    );
  }

  /**
   * Hands over to the peers, then stops accepting, lets connections finish for up to `shutdown.grace`, ends.
   * @returns how many connections were reset at the end
   */
  async stop(): Promise<number> {
    const { graceMs } = this.#config.shutdown;
    // First: until the addresses are gone new clients still come here, and they are served.
    await this.#ha.stop();
    this.#logger.info({ graceMs }, "director stops: no new connections, those that exist may finish");
    this.#health.stop();
    this.#replicator.stop();
    await this.#replicator.pull();
    this.#sync.stop();
    const stopped = this.#supervisor.stop(graceMs);
    await this.#listening.stop();
    // The forwarder takes what was queued before it closes its copies; new connections are refused from here on.
    this.#sockets.closeAll();
    const reset = await stopped;
    await this.#control.stop();
    await Promise.all([this.#kept?.flush(), this.#journal?.stop()]);
    this.#logger.info({ reset }, "director stopped");
    return reset;
  }

  /** Takes away what would outlive the process in the kernel; for an exit that `stop` does not come before. */
  exits(): void {
    this.#diversion.stopNow();
  }

  /** A new forwarder takes over; the old one finishes its connections. */
  upgrade(): Promise<void> {
    return this.#serially(() => this.#supervisor.upgrade(this.#config.shutdown.graceMs));
  }

  reopenLogs(): Promise<void> {
    return this.#supervisor.reopenLogs();
  }

  status(): Promise<DirectorStatus> {
    return this.#status();
  }

  async services(id?: ServiceId): Promise<readonly ServiceStatus[]> {
    if (id !== undefined) this.#book.service(id);
    const { services } = await this.#status(id);
    return id === undefined ? services : services.filter(({ key }) => key === serviceKey(id));
  }

  async listing(format: TableFormat, sorted: boolean): Promise<string> {
    const counts = await this.#supervisor.counts();
    const table = tableOf(this.#editor.standingServices(), counts);
    return renderTable(table, { format, sorted, numeric: true, exact: false }, numericText);
  }

  async health(): Promise<HealthStatus> {
    return this.#health.status();
  }

  async doctor(): Promise<DoctorReport> {
    const { config } = this.#options;
    const { probe, missing } = systemCalls(this.#diversion.socketMark);
    const report = await this.#supervisor.report();
    const patient: Patient = {
      services: this.#book.services(),
      plane: {
        asked: config.dataplane,
        used: this.#dataplane,
        threads: this.#threads,
        callsMissing: missing,
        connectionLimit: report?.forwarders[0]?.connectionLimit,
      },
      isListening: (key) => this.#sockets.get(key) !== undefined,
      diversion: this.#diversion,
      refusal: this.#listening.refusal,
      probe,
    };
    return examine(patient, realHost(runProgram));
  }

  async timeouts(): Promise<ConnectionTimeouts> {
    return this.#editor.timeouts;
  }

  addService(service: VirtualService): Promise<void> {
    return this.#change(async () => {
      refuseChecks(serviceKey(service.id), service.settings);
      await this.#editor.addService(service);
    });
  }

  editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    return this.#change(async () => {
      refuseChecks(serviceKey(id), settings);
      await this.#editor.editService(id, settings);
    });
  }

  deleteService(id: ServiceId): Promise<void> {
    return this.#change(() => this.#editor.deleteService(id));
  }

  clear(): Promise<void> {
    return this.#change(() => this.#editor.clear());
  }

  addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    return this.#change(() => this.#editor.addRealserver(id, server));
  }

  editRealserver(id: ServiceId, server: Realserver): Promise<void> {
    return this.#change(() => this.#editor.editRealserver(id, server));
  }

  deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    return this.#change(() => this.#editor.deleteRealserver(id, server));
  }

  async zero(id?: ServiceId): Promise<void> {
    if (id !== undefined) this.#book.service(id);
    await this.#supervisor.zero(id);
  }

  setTimeouts(timeouts: ConnectionTimeouts): Promise<ConnectionTimeouts> {
    return this.#serially(() => this.#editor.setTimeouts(timeouts));
  }

  async connections(): Promise<readonly ConnectionStatus[]> {
    const [connections, templates] = await Promise.all([this.liveConnections({}), this.templates({})]);
    return [...connections.flatMap(connectionEntry), ...templates.map(templateEntry)];
  }

  async templates(choice: ConnectionChoice): Promise<readonly TemplateStatus[]> {
    this.#checkChoice(choice);
    return (await this.#supervisor.askServing("templates", choice)) ?? [];
  }

  async flushTemplates(): Promise<number> {
    const count = (await this.#supervisor.askServing("flushTemplates", null)) ?? 0;
    this.#logger.info({ count }, "persistence templates flushed");
    return count;
  }

  async liveConnections(choice: ConnectionChoice): Promise<readonly LiveConnection[]> {
    this.#checkChoice(choice);
    return (await this.#supervisor.askAll("connections", choice)).flat();
  }

  async killConnections(choice: ConnectionChoice): Promise<number> {
    this.#checkChoice(choice);
    const counts = await this.#supervisor.askAll("killConnections", choice);
    const count = counts.reduce((sum, killed) => sum + killed, 0);
    this.#logger.info({ ...choice, count }, "connections killed");
    return count;
  }

  applyAtomically(changes: readonly Change[]): Promise<readonly Refusal[]> {
    return this.#change(() => applyAll(changes, this.#book, this.#listening, this.#editor));
  }

  drain(id: ServiceId, server: Endpoint, deadlineMs?: number): Promise<void> {
    const resetRest = (): void => this.#resetAll(id, server);
    return this.#change(() => this.#editor.drain(id, server, deadlineMs, resetRest));
  }

  undrain(id: ServiceId, server: Endpoint): Promise<void> {
    return this.#change(() => this.#editor.undrain(id, server));
  }

  async sysctls(): Promise<SysctlValues> {
    return this.#editor.sysctls;
  }

  setSysctl(name: string, value: number): Promise<void> {
    return this.#serially(() => this.#editor.setSysctl(name, value));
  }

  async runningConfig(): Promise<Config> {
    return { ...this.#config, ...this.#running() };
  }

  async haStatus(): Promise<HaStatus> {
    const status = await this.#ha.status();
    const sync = this.#sync.status();
    return sync === undefined ? status : { ...status, isConfigured: true, sync };
  }

  haStandby(choice: HaChoice): Promise<void> {
    return this.#ha.command("standby", choice);
  }

  haTakeover(choice: HaChoice): Promise<void> {
    return this.#ha.command("takeover", choice);
  }

  haClear(choice: HaChoice): Promise<void> {
    return this.#ha.command("clear", choice);
  }

  async syncDaemons(): Promise<readonly SyncDaemon[]> {
    return this.#daemons.list();
  }

  async startSyncDaemon(daemon: SyncDaemon): Promise<void> {
    this.#daemons.start(daemon);
    this.#logger.warn({ ...daemon }, "sync daemon is noted and listed; nothing is synchronised");
  }

  async stopSyncDaemon(role: SyncDaemonRole): Promise<boolean> {
    return this.#daemons.stop(role);
  }

  async reload(): Promise<ReloadReport> {
    const before = this.#config.ha;
    const { changes, next } = await this.#change(async () => {
      const { configFile, config: started } = this.#options;
      if (configFile === undefined) {
        throw new UvsError("UNSUPPORTED", "the director was started without a configuration file (-c)");
      }
      const read = loadConfig(configFile, { schedulers: SCHEDULER_NAMES, tryCheck: makeChecker });
      // The control socket may have been named on the command line, which goes before the file.
      const next = { ...read, control: { ...read.control, socket: started.control.socket } };
      const changes = diffConfigs(this.#config, next);
      for (const change of changes) {
        await applyConfigChange(change, this.#book, this.#editor, this.#logger);
      }
      await this.#listening.renew(this.#book.services());
      this.#config = next;
      return { changes, next };
    });
    let ha: readonly string[] = [];
    try {
      // Outside of the queue: resources that take long to stop hold up no edit, and nothing that health checks say.
      if (changes.some(({ op }) => op === "setHa")) ha = await this.#becomeHa(next.ha);
    } catch (error) {
      this.#config = { ...this.#config, ha: before };
      throw error;
    }
    const report = { changes: [...changes.map(describeChange), ...ha.map((line) => `ha: ${line}`)] };
    this.#logger.info(report, "configuration reloaded");
    return report;
  }

  async #status(id?: ServiceId): Promise<DirectorStatus> {
    const report = await this.#supervisor.report(id);
    const services = report?.services ?? this.#book.services().map(withoutCounts);
    return {
      version: this.#options.version,
      pid: process.pid,
      startedAt: this.#startedAt,
      configFile: this.#options.configFile,
      timeouts: this.#editor.timeouts,
      forwarders: report?.forwarders ?? [],
      forwarderRestarts: this.#supervisor.restarts,
      services: this.#health.describe(services, withoutTraffic).map((service) => this.#withDrains(service)),
    };
  }

  #checkChoice({ service, realserver, client }: ConnectionChoice): void {
    if (realserver !== undefined && service === undefined) {
      throw new UvsError("INVALID", "a realserver is meant within a service: name the service too");
    }
    if (service !== undefined) this.#book.service(service);
    if (service !== undefined && realserver !== undefined) this.#book.realserver(service, realserver);
    if (client !== undefined && parseIp(client) === undefined) {
      throw new UvsError("INVALID", `client: found "${client}", accepted is an IP address`);
    }
  }

  #withDrains(service: ServiceStatus): ServiceStatus {
    const realservers = service.realservers.map((server) => {
      const drain = this.#editor.drainOf(service.id, server);
      return drain === undefined ? server : { ...server, drain };
    });
    return { ...service, realservers };
  }

  #resetAll(service: ServiceId, realserver: Endpoint): void {
    this.killConnections({ service, realserver }).catch((error: unknown) => {
      this.#logger.warn(
        { reason: UvsError.from(error).message },
        "connections of a realserver could not be reset",
      );
    });
  }

  /** A change of the record, which health checking follows; also of one that fails half-way. */
  #change<Result>(change: () => Promise<Result>): Promise<Result> {
    return this.#serially(async () => {
      try {
        return await change();
      } finally {
        await this.#health.follow();
        this.#ha.followServices();
        this.#sync.recordChanged();
      }
    });
  }

  /** @returns what was changed, one line each */
  #becomeHa(ha: HaSettings | undefined): Promise<readonly string[]> {
    const result = this.#lastHa.then(async () => {
      const sync = await this.#sync.configure(ha?.sync);
      return [...sync, ...(await this.#ha.configure(addressesOf(ha)))];
    });
    this.#lastHa = result.catch(() => {});
    return result;
  }

  /** A service that nobody checks is up while a realserver may get connections. */
  #serviceState(key: string): "up" | "down" {
    const service = this.#book.services().find(({ id }) => serviceKey(id) === key);
    if (service === undefined) return "down";
    return (this.#health.isUp(key) ?? service.realservers.some(({ weight }) => weight > 0)) ? "up" : "down";
  }

  #serially<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#lastChange.then(change);
    this.#lastChange = result.catch(() => {}).then(() => this.#kept?.changed());
    return result;
  }

  /** What live edits have made of the configuration. */
  #running(): EditableState {
    const { timeouts, sysctls } = this.#editor;
    return { services: this.#book.services(), timeouts, sysctls };
  }

  /** What the record refuses beyond what the kernel does. */
  #rules(): BookRules {
    return {
      strictForwarding: this.#options.config.forwarding === "strict",
      canBeTransparent: this.#dataplane === "native",
    };
  }

  /** Tries a state on a record of its own. @throws UvsError what the record refuses */
  #check({ services }: EditableState): void {
    const { config } = this.#options;
    const trial = new ServiceBook(config.limits, this.#rules());
    for (const service of services) trial.add(service);
  }
}

/** What the thread for high availability has to do. */
function addressesOf(ha: HaSettings | undefined): HaSettings | undefined {
  return ha !== undefined && movesAddresses(ha) ? ha : undefined;
}

/** The way to open sockets with IP_FREEBIND and SO_REUSEPORT, or undefined with a logged reason. */
function listenersBySystemCalls(
  asked: Config["dataplane"],
  logger: Logger,
  mark: number,
): OpenListeners | undefined {
  try {
    const libc = loadLibc();
    return (endpoint, count, isTransparent, transport) => {
      const fds = openListeners(libc, endpoint, count, isTransparent ? mark : undefined, transport);
      return { fds, port: boundPort(libc, fds[0]) };
    };
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
    realservers: [...realservers].reverse().map(withoutTraffic),
    leaving: [],
  };
}

function withoutTraffic(server: Realserver): RealserverStatus {
  return {
    ...server,
    active: 0,
    inactive: 0,
    persistent: 0,
    overloaded: false,
    totals: zeroTotals(),
    rates: zeroTotals(),
    connectTime: NO_DURATIONS,
    sessionTime: NO_DURATIONS,
  };
}
