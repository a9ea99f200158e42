/**
 * The director: the composition root. It constructs the record of services, the listening sockets, the forwarder
 * generations, health checks, high availability and the control socket, and starts and stops them. What can be asked of
 * it and done to it is director/operations.ts.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type BookRules, ServiceBook } from "./balancer/service-book.js";
import type { Config } from "./config/config.js";
import type { EditableState } from "./config/diff.js";
import { MetricsServer } from "./control/metrics-server.js";
import { ControlServer } from "./control/server.js";
import { StateFile } from "./control/state-file.js";
import { systemClock } from "./core/clock.js";
import { UvsError } from "./core/errors.js";
import type { Logger } from "./core/logger.js";
import { serviceKey } from "./core/model.js";
import { loadLibc } from "./dataplane/native/libc.js";
import { boundPort, openListeners } from "./dataplane/native/listen-socket.js";
import { Changes } from "./director/changes.js";
import { Diversion } from "./director/diversion/diversion.js";
import { Editor } from "./director/editor.js";
import { DirectorHa } from "./director/ha/director-ha.js";
import { DirectorHealth } from "./director/health.js";
import { Listening } from "./director/listening.js";
import { addressesOf, DirectorOperations, type DirectorOptions } from "./director/operations.js";
import { DirectorSync } from "./director/sync/director-sync.js";
import { TemplateJournal } from "./director/template-journal.js";
import { ListeningSockets, type OpenListeners } from "./forwarder/listening-sockets.js";
import { Supervisor } from "./forwarder/supervisor.js";
import { TemplateReplica } from "./forwarder/template-replica.js";
import { TemplateReplicator } from "./forwarder/template-replicator.js";
import { renderMetrics } from "./metrics/exposition.js";
import { HA_METRICS } from "./metrics/ha-metrics.js";

/** A running director. */
export class Director {
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
  readonly #metrics: MetricsServer | undefined;
  readonly #threads: number;
  readonly #dataplane: "native" | "net";
  /** Where live edits are kept, if they are. */
  readonly #kept: StateFile | undefined;
  /** The configuration as last read. */
  readonly #current: { config: Config };
  readonly #changes: Changes;
  readonly #operations: DirectorOperations;

  constructor(options: DirectorOptions) {
    const { config, logger } = options;
    this.#options = options;
    this.#logger = logger;
    this.#current = { config };
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
        log: this.#current.config.log,
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
        read: () => ({ running: this.#running(), file: this.#current.config }),
      });
    }
    this.#changes = new Changes({
      recordChanged: async () => {
        await this.#health.follow();
        this.#ha.followServices();
        this.#sync.recordChanged();
      },
      changed: () => this.#kept?.changed(),
    });
    this.#health = new DirectorHealth({
      book: this.#book,
      editor: this.#editor,
      logger,
      serially: (change) => this.#changes.serially(change),
      reset: (service, realserver) => this.#operations.resetAll(service, realserver),
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
      change: (change) => this.#changes.change(change),
      takeOver: (word) => this.#ha.handedOver(word),
    });
    this.#operations = new DirectorOperations({
      options,
      dataplane: this.#dataplane,
      threads: this.#threads,
      current: this.#current,
      running: () => this.#running(),
      changes: this.#changes,
      book: this.#book,
      sockets: this.#sockets,
      supervisor: this.#supervisor,
      diversion: this.#diversion,
      listening: this.#listening,
      editor: this.#editor,
      health: this.#health,
      ha: this.#ha,
      sync: this.#sync,
      logger,
    });
    if (config.metrics !== undefined) {
      const read = async () => renderMetrics(HA_METRICS, await this.#operations.haStatus());
      this.#metrics = new MetricsServer({ endpoint: config.metrics.listen, read, logger });
    }
    this.#control = new ControlServer({
      path: config.control.socket,
      mode: config.control.mode,
      logger,
      onAnswering: (isAnswering) => this.#health.setYielding(isAnswering),
    });
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
      this.#control.serve(this.#operations);
      this.#metrics?.start();
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
    const { graceMs } = this.#current.config.shutdown;
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
    this.#metrics?.stop();
    await this.#control.stop();
    await Promise.all([this.#kept?.flush(), this.#journal?.stop()]);
    this.#logger.info({ reset }, "director stopped");
    return reset;
  }

  /** Takes away what would outlive the process in the kernel; for an exit that `stop` does not come before. */
  exits(): void {
    this.#diversion.stopNow();
  }

  /** Applies the difference between the configuration as last read and as it is now. */
  reload(): Promise<unknown> {
    return this.#operations.reload();
  }

  /** A new forwarder takes over; the old one finishes its connections. */
  upgrade(): Promise<void> {
    return this.#changes.serially(() => this.#supervisor.upgrade(this.#current.config.shutdown.graceMs));
  }

  reopenLogs(): Promise<void> {
    return this.#supervisor.reopenLogs();
  }

  /** A service that nobody checks is up while a realserver may get connections. */
  #serviceState(key: string): "up" | "down" {
    const service = this.#book.services().find(({ id }) => serviceKey(id) === key);
    if (service === undefined) return "down";
    return (this.#health.isUp(key) ?? service.realservers.some(({ weight }) => weight > 0)) ? "up" : "down";
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
