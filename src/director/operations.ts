/**
 * What can be asked of a director and done to it, by its control socket and by signals. Questions are answered from its
 * parts; changes go through the queue, one at a time.
 */
import type { ServiceBook } from "../balancer/service-book.js";
import type { Config } from "../config/config.js";
import { describeChange, diffConfigs, type EditableState } from "../config/diff.js";
import { loadConfig } from "../config/load.js";
import { LAYOUTS } from "../control/ipvsadm/layouts.js";
import type { Change, ListingChoice, Operations, Refusal, ReloadReport } from "../control/operations.js";
import { type Endpoint, parseIp } from "../core/address.js";
import type { DoctorReport } from "../core/doctor.js";
import { UvsError } from "../core/errors.js";
import { type HaSettings, movesAddresses } from "../core/ha-settings.js";
import type { HaChoice, HaStatus } from "../core/ha-status.js";
import type { HealthStatus } from "../core/health-status.js";
import type { Logger } from "../core/logger.js";
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
} from "../core/model.js";
import type {
  ConnectionStatus,
  DirectorStatus,
  LiveConnection,
  ServiceStatus,
  TemplateStatus,
} from "../core/status.js";
import type { SysctlValues } from "../core/sysctls.js";
import type { ListeningSockets } from "../forwarder/listening-sockets.js";
import type { Supervisor } from "../forwarder/supervisor.js";
import { SCHEDULER_NAMES } from "../schedulers/registry.js";
import { applyAll } from "./batch.js";
import type { Changes } from "./changes.js";
import { connectionEntry, templateEntry } from "./connection-entries.js";
import type { Diversion } from "./diversion/diversion.js";
import { runProgram } from "./diversion/programs.js";
import { examine, type Patient } from "./doctor/doctor.js";
import { realHost } from "./doctor/host.js";
import { systemCalls } from "./doctor/system-calls.js";
import type { Editor } from "./editor.js";
import type { DirectorHa } from "./ha/director-ha.js";
import { measureLoopDelay } from "./ha/loop-delay.js";
import { type DirectorHealth, makeChecker, refuseChecks } from "./health.js";
import type { Listening } from "./listening.js";
import { Listing } from "./listing.js";
import { applyConfigChange } from "./reload.js";
import type { DirectorSync } from "./sync/director-sync.js";
import { tryTls } from "./sync/try-tls.js";
import { SyncDaemons } from "./sync-daemons.js";
import { withoutCounts, withoutTraffic } from "./unserved.js";

/** What a director was started with. */
export interface DirectorOptions {
  readonly version: string;
  readonly config: Config;
  /** Where the configuration came from; undefined: it started empty, and there is nothing to reload. */
  readonly configFile?: string;
  readonly logger: Logger;
}

/** What operations are made of. */
export interface OperationsParts {
  readonly options: DirectorOptions;
  readonly dataplane: "native" | "net";
  readonly threads: number;
  /** The configuration as last read. */
  readonly current: { config: Config };
  /** What live edits have made of it. */
  readonly running: () => EditableState;
  readonly changes: Changes;
  readonly book: ServiceBook;
  readonly sockets: ListeningSockets;
  readonly supervisor: Supervisor;
  readonly diversion: Diversion;
  readonly listening: Listening;
  readonly editor: Editor;
  readonly health: DirectorHealth;
  readonly ha: DirectorHa;
  readonly sync: DirectorSync;
  readonly logger: Logger;
}

/** See the file's head. */
export class DirectorOperations implements Operations {
  readonly #parts: OperationsParts;
  readonly #daemons = new SyncDaemons();
  readonly #loopDelay = measureLoopDelay();
  readonly #listing = new Listing();
  readonly #startedAt = new Date().toISOString();
  /** The end of the queue of changes of high availability. */
  #lastHa: Promise<unknown> = Promise.resolve();

  constructor(parts: OperationsParts) {
    this.#parts = parts;
  }

  status(): Promise<DirectorStatus> {
    return this.#status();
  }

  async services(id?: ServiceId): Promise<readonly ServiceStatus[]> {
    if (id !== undefined) this.#parts.book.service(id);
    const { services } = await this.#status(id);
    return id === undefined ? services : services.filter(({ key }) => key === serviceKey(id));
  }

  async listing(choice: ListingChoice): Promise<string> {
    const { counts } = LAYOUTS[choice.format];
    const figures = counts === undefined ? undefined : await this.#parts.supervisor.figures(counts);
    return this.#listing.text(this.#parts.editor.standingServices(), figures, choice);
  }

  async health(): Promise<HealthStatus> {
    return this.#parts.health.status();
  }

  async doctor(): Promise<DoctorReport> {
    const { config } = this.#parts.options;
    const { probe, missing } = systemCalls(this.#parts.diversion.socketMark);
    const report = await this.#parts.supervisor.report();
    const patient: Patient = {
      services: this.#parts.book.services(),
      plane: {
        asked: config.dataplane,
        used: this.#parts.dataplane,
        threads: this.#parts.threads,
        callsMissing: missing,
        connectionLimit: report?.forwarders[0]?.connectionLimit,
      },
      isListening: (key) => this.#parts.sockets.get(key) !== undefined,
      diversion: this.#parts.diversion,
      refusal: this.#parts.listening.refusal,
      probe,
    };
    return examine(patient, realHost(runProgram));
  }

  async timeouts(): Promise<ConnectionTimeouts> {
    return this.#parts.editor.timeouts;
  }

  addService(service: VirtualService): Promise<void> {
    return this.#parts.changes.change(async () => {
      refuseChecks(serviceKey(service.id), service.settings);
      await this.#parts.editor.addService(service);
    });
  }

  editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    return this.#parts.changes.change(async () => {
      refuseChecks(serviceKey(id), settings);
      await this.#parts.editor.editService(id, settings);
    });
  }

  deleteService(id: ServiceId): Promise<void> {
    return this.#parts.changes.change(() => this.#parts.editor.deleteService(id));
  }

  clear(): Promise<void> {
    return this.#parts.changes.change(() => this.#parts.editor.clear());
  }

  addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    return this.#parts.changes.change(() => this.#parts.editor.addRealserver(id, server));
  }

  editRealserver(id: ServiceId, server: Realserver): Promise<void> {
    return this.#parts.changes.change(() => this.#parts.editor.editRealserver(id, server));
  }

  deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    return this.#parts.changes.change(() => this.#parts.editor.deleteRealserver(id, server));
  }

  async zero(id?: ServiceId): Promise<void> {
    if (id !== undefined) this.#parts.book.service(id);
    await this.#parts.supervisor.zero(id);
  }

  setTimeouts(timeouts: ConnectionTimeouts): Promise<ConnectionTimeouts> {
    return this.#parts.changes.serially(() => this.#parts.editor.setTimeouts(timeouts));
  }

  async connections(): Promise<readonly ConnectionStatus[]> {
    const [connections, templates] = await Promise.all([this.liveConnections({}), this.templates({})]);
    return [...connections.flatMap(connectionEntry), ...templates.map(templateEntry)];
  }

  async templates(choice: ConnectionChoice): Promise<readonly TemplateStatus[]> {
    this.#checkChoice(choice);
    return (await this.#parts.supervisor.askServing("templates", choice)) ?? [];
  }

  async flushTemplates(): Promise<number> {
    const count = (await this.#parts.supervisor.askServing("flushTemplates", null)) ?? 0;
    this.#parts.logger.info({ count }, "persistence templates flushed");
    return count;
  }

  async liveConnections(choice: ConnectionChoice): Promise<readonly LiveConnection[]> {
    this.#checkChoice(choice);
    return (await this.#parts.supervisor.askAll("connections", choice)).flat();
  }

  async killConnections(choice: ConnectionChoice): Promise<number> {
    this.#checkChoice(choice);
    const counts = await this.#parts.supervisor.askAll("killConnections", choice);
    const count = counts.reduce((sum, killed) => sum + killed, 0);
    this.#parts.logger.info({ ...choice, count }, "connections killed");
    return count;
  }

  applyAtomically(changes: readonly Change[]): Promise<readonly Refusal[]> {
    return this.#parts.changes.change(() =>
      applyAll(changes, this.#parts.book, this.#parts.listening, this.#parts.editor),
    );
  }

  drain(id: ServiceId, server: Endpoint, deadlineMs?: number): Promise<void> {
    const resetRest = (): void => this.resetAll(id, server);
    return this.#parts.changes.change(() => this.#parts.editor.drain(id, server, deadlineMs, resetRest));
  }

  undrain(id: ServiceId, server: Endpoint): Promise<void> {
    return this.#parts.changes.change(() => this.#parts.editor.undrain(id, server));
  }

  async sysctls(): Promise<SysctlValues> {
    return this.#parts.editor.sysctls;
  }

  setSysctl(name: string, value: number): Promise<void> {
    return this.#parts.changes.serially(() => this.#parts.editor.setSysctl(name, value));
  }

  async runningConfig(): Promise<Config> {
    return { ...this.#parts.current.config, ...this.#parts.running() };
  }

  async haStatus(): Promise<HaStatus> {
    const status = await this.#parts.ha.status();
    const sync = this.#parts.sync.status();
    if (!status.isConfigured && sync === undefined) return status;
    const primary = { loopDelay: this.#loopDelay() };
    return { ...status, isConfigured: true, primary, ...(sync && { sync }) };
  }

  haStandby(choice: HaChoice): Promise<void> {
    return this.#parts.ha.command("standby", choice);
  }

  haTakeover(choice: HaChoice): Promise<void> {
    return this.#parts.ha.command("takeover", choice);
  }

  haClear(choice: HaChoice): Promise<void> {
    return this.#parts.ha.command("clear", choice);
  }

  async syncDaemons(): Promise<readonly SyncDaemon[]> {
    return this.#daemons.list();
  }

  async startSyncDaemon(daemon: SyncDaemon): Promise<void> {
    this.#daemons.start(daemon);
    this.#parts.logger.warn({ ...daemon }, "sync daemon is noted and listed; nothing is synchronised");
  }

  async stopSyncDaemon(role: SyncDaemonRole): Promise<boolean> {
    return this.#daemons.stop(role);
  }

  async reload(): Promise<ReloadReport> {
    const before = this.#parts.current.config.ha;
    const { changes, next } = await this.#parts.changes.change(async () => {
      const { configFile, config: started } = this.#parts.options;
      if (configFile === undefined) {
        throw new UvsError("UNSUPPORTED", "the director was started without a configuration file (-c)");
      }
      const read = loadConfig(configFile, { schedulers: SCHEDULER_NAMES, tryCheck: makeChecker, tryTls });
      // The control socket may have been named on the command line, which goes before the file.
      const next = { ...read, control: { ...read.control, socket: started.control.socket } };
      const changes = diffConfigs(this.#parts.current.config, next);
      for (const change of changes) {
        await applyConfigChange(change, this.#parts.book, this.#parts.editor, this.#parts.logger);
      }
      await this.#parts.listening.renew(this.#parts.book.services());
      this.#parts.current.config = next;
      return { changes, next };
    });
    let ha: readonly string[] = [];
    try {
      // Outside of the queue: resources that take long to stop hold up no edit, and nothing that health checks say.
      if (changes.some(({ op }) => op === "setHa")) ha = await this.#becomeHa(next.ha);
      else ha = this.#parts.sync.renewCertificates();
    } catch (error) {
      this.#parts.current.config = { ...this.#parts.current.config, ha: before };
      throw error;
    }
    const report = { changes: [...changes.map(describeChange), ...ha.map((line) => `ha: ${line}`)] };
    this.#parts.logger.info(report, "configuration reloaded");
    return report;
  }

  async #status(id?: ServiceId): Promise<DirectorStatus> {
    const report = await this.#parts.supervisor.report(id);
    const services = report?.services ?? this.#parts.book.services().map(withoutCounts);
    return {
      version: this.#parts.options.version,
      pid: process.pid,
      startedAt: this.#startedAt,
      configFile: this.#parts.options.configFile,
      timeouts: this.#parts.editor.timeouts,
      forwarders: report?.forwarders ?? [],
      forwarderRestarts: this.#parts.supervisor.restarts,
      services: this.#parts.health
        .describe(services, withoutTraffic)
        .map((service) => this.#withDrains(service)),
    };
  }

  #checkChoice({ service, realserver, client }: ConnectionChoice): void {
    if (realserver !== undefined && service === undefined) {
      throw new UvsError("INVALID", "a realserver is meant within a service: name the service too");
    }
    if (service !== undefined) this.#parts.book.service(service);
    if (service !== undefined && realserver !== undefined) this.#parts.book.realserver(service, realserver);
    if (client !== undefined && parseIp(client) === undefined) {
      throw new UvsError("INVALID", `client: found "${client}", accepted is an IP address`);
    }
  }

  #withDrains(service: ServiceStatus): ServiceStatus {
    if (!this.#parts.editor.hasDrains) return service;
    const realservers = service.realservers.map((server) => {
      const drain = this.#parts.editor.drainOf(service.id, server);
      return drain === undefined ? server : { ...server, drain };
    });
    return { ...service, realservers };
  }

  /** Resets every connection to a realserver. */
  resetAll(service: ServiceId, realserver: Endpoint): void {
    this.killConnections({ service, realserver }).catch((error: unknown) => {
      this.#parts.logger.warn(
        { reason: UvsError.from(error).message },
        "connections of a realserver could not be reset",
      );
    });
  }

  /** @returns what was changed, one line each */
  #becomeHa(ha: HaSettings | undefined): Promise<readonly string[]> {
    const result = this.#lastHa.then(async () => {
      const sync = await this.#parts.sync.configure(ha?.sync);
      return [...sync, ...(await this.#parts.ha.configure(addressesOf(ha)))];
    });
    this.#lastHa = result.catch(() => {});
    return result;
  }
}

/** What the thread for high availability has to do. */
export function addressesOf(ha: HaSettings | undefined): HaSettings | undefined {
  return ha !== undefined && movesAddresses(ha) ? ha : undefined;
}
