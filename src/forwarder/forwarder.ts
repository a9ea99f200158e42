/**
 * One forwarder generation from the inside: the balancer's columns and table, the data plane's host, and the timers of
 * the main thread. It does what the primary's requests say; the worker's entry joins it to the IPC channel.
 */
import { type BalancerColumns, BalancerSetting, createColumns } from "../balancer/columns.js";
import { ESTIMATION_PERIOD_MS } from "../balancer/estimator.js";
import { Janitor } from "../balancer/janitor.js";
import { ServiceTable } from "../balancer/service-table.js";
import type { ControlledTemplates } from "../balancer/template-feed.js";
import type { TemplateBatch, TemplatePosition } from "../balancer/template-stream.js";
import { type Endpoint, parseIp } from "../core/address.js";
import { systemClock } from "../core/clock.js";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";

import {
  type ConnectionChoice,
  type ConnectionTimeouts,
  MAX_INT32,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  serviceLabel,
  type VirtualService,
} from "../core/model.js";
import type { LiveConnection, TemplateStatus } from "../core/status.js";
import { initialSysctls, type SysctlValues } from "../core/sysctls.js";
import type { ConnectionFilter, ListenerSpec, PlaneCommand, PlaneEvent } from "../dataplane/dataplane.js";
import { createPlaneMemory, Gauge, type PlaneMemory, Setting } from "../dataplane/memory.js";
import { createRecordRing, type RecordRing } from "../dataplane/records.js";
import type { AccessLog } from "../metrics/access-log.js";
import { Durations } from "../metrics/durations.js";
import { CacheSetting } from "../schedulers/columns.js";
import { connectionCapacity, connectionRoom, descriptorLimit, flowCapacity } from "./capacity.js";
import type { FiguresReport, FiguresRequest } from "./figures.js";
import { FiguresReader } from "./figures-reader.js";
import { type FlowBatch, type FlowPage, keepFlows, nameFlows } from "./flow-exchange.js";
import { readConnections } from "./live-connections.js";
import type {
  ForwarderConfig,
  ForwarderReport,
  ListenRequest,
  MergeRequest,
  PassiveReport,
  WithinService,
} from "./messages.js";
import { NativeHost } from "./native-host.js";
import { NetHost } from "./net-host.js";
import { PassiveCounts } from "./passive-counts.js";
import type { PlaneHost, SocketHandle } from "./plane-host.js";
import { RecordSink } from "./record-sink.js";
import { Statistics } from "./statistics.js";
import { StatusReader } from "./status.js";
import { TemplateExchange } from "./template-exchange.js";
import { readTemplates } from "./template-rows.js";

/** Destination addresses that lblc and lblcr remember in all: the kernel's bound for one service. */
const CACHE_ENTRIES = 16384;

/** Records a thread may be ahead of the main thread: 0.1 s at 80,000 connections a second. */
const RING_RECORDS = 8192;

/** How often the main thread looks after the columns and the record rings. */
const HOUSEKEEPING_MS = 100;

/** How long the deletion of a service waits for its sockets to be closed. */
const UNLISTEN_PATIENCE_MS = 1000;

/** A listening socket that the plane has, by the number it was given. */
interface Listener {
  readonly request: ListenRequest;
  readonly thread: number;
}

/** What a forwarder is constructed with. */
export interface ForwarderOptions {
  readonly config: ForwarderConfig;
  readonly logger: Logger;
  readonly accessLog: AccessLog | undefined;
  /** The net plane wants another copy of a socket. */
  readonly onWantListener: (listen: ListenRequest) => void;
  /** The generation cannot go on. */
  readonly onFailure: (error: Error) => void;
}

/** A running generation. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #columns: BalancerColumns;
  readonly #memory: PlaneMemory;
  readonly #rings: RecordRing[];
  readonly #table: ServiceTable;
  readonly #statistics: Statistics;
  readonly #janitor: Janitor;
  readonly #templates: TemplateExchange;
  readonly #durations = new Durations();
  readonly #sink: RecordSink;
  readonly #passive: PassiveCounts;
  readonly #status: StatusReader;
  readonly #figures: FiguresReader;
  readonly #host: PlaneHost;
  readonly #listeners = new Map<number, Listener>();
  /** Of connections, while there are no UDP flows beside them. */
  readonly #connectionLimit: number;
  readonly #startedAt = new Date().toISOString();
  #timers: NodeJS.Timeout[] = [];
  #lastListener = 0;
  #planesToDrain = 0;
  #state: "starting" | "serving" | "draining" = "starting";
  #onDrained: (() => void) | undefined;
  /** What is being handed on. */
  #flowPages: readonly FlowBatch[] = [];
  #sysctls: SysctlValues = initialSysctls();
  #lastTicket = 0;
  /** By listener: what waits for the plane to have closed it. */
  readonly #closing = new Map<number, () => void>();
  readonly #questions = new Map<number, { answers: PlaneEvent[]; resolve(answers: PlaneEvent[]): void }>();
  /** The planes are there to answer: not after a drain. */
  #hasPlanes = true;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    const { config, logger, accessLog } = options;
    const connections = connectionCapacity(config.maxConnections, logger);
    this.#connectionLimit = connections;
    this.#columns = createColumns({
      services: config.maxServices,
      servers: config.maxRealservers,
      cacheEntries: CACHE_ENTRIES,
      sources: 2 ** Math.ceil(Math.log2(connections * 2)),
      templates: config.maxTemplates,
    });
    this.#memory = createPlaneMemory(config.threads, config.maxRealservers);
    this.#memory.settings[Setting.MAX_CONNECTIONS] = connections;
    this.#memory.settings[Setting.TRANSPARENT_MARK] = config.transparentMark;
    this.#memory.settings[Setting.MAX_FLOWS] = flowCapacity(config.maxFlows, logger);
    this.#rings = Array.from({ length: config.threads }, () => createRecordRing(RING_RECORDS));
    this.#statistics = new Statistics(this.#columns, this.#memory);
    this.#table = new ServiceTable(this.#columns, {
      serviceBegins: (service) => this.#statistics.serviceBegins(service),
      serverBegins: (server) => {
        this.#durations.forget(server.slot);
        this.#statistics.serverBegins(server);
      },
      serverEnds: (server) => this.#statistics.serverEnds(server),
    });
    this.#statistics.observe(this.#table);
    this.#templates = new TemplateExchange(this.#columns, this.#table);
    this.#janitor = new Janitor(this.#columns, this.#table, systemClock);
    this.#passive = new PassiveCounts(this.#columns, this.#table);
    this.#sink = new RecordSink({
      rings: this.#rings,
      names: this.#slotNames(),
      durations: this.#durations,
      passive: this.#passive,
      accessLog,
      logger,
      clock: systemClock,
    });
    this.#figures = new FiguresReader(this.#columns, this.#table, this.#statistics);
    this.#status = new StatusReader(
      this.#columns,
      this.#memory,
      this.#table,
      this.#statistics,
      this.#durations,
    );
    const hostOptions = {
      columns: this.#columns,
      memory: this.#memory,
      rings: this.#rings,
      onEvent: (event: PlaneEvent) => this.#onPlaneEvent(event),
      onFailure: options.onFailure,
    };
    this.#host = config.dataplane === "native" ? new NativeHost(hostOptions) : new NetHost(hostOptions);
  }

  /** Takes the whole state and starts the planes; listening sockets follow. */
  async start(): Promise<void> {
    const { config } = this.#options;
    this.setTimeouts(config.timeouts);
    this.setSysctls(config.sysctls);
    for (const service of config.services) this.addService(service);
    await this.#host.start();
    this.#timers = [
      setInterval(() => this.#keepHouse(), HOUSEKEEPING_MS),
      setInterval(() => this.#estimate(), ESTIMATION_PERIOD_MS),
    ];
    this.#state = "serving";
  }

  /**
   * A service that was deleted meanwhile gets no listener. A socket that another service had changes hands: resolves when
   * that one takes no connection any longer.
   */
  async listen(request: ListenRequest, handle: SocketHandle): Promise<void> {
    const { key, thread } = request;
    await this.#unlistenAll((former) => former.key === key && former.thread === thread);
    const address = parseIp(request.endpoint.address);
    if (address === undefined) throw new UvsError("INVALID", `${request.endpoint.address} is no address`);
    const id = ++this.#lastListener;
    const listener: ListenerSpec = {
      id,
      service: this.#table.service(request.serviceId).slot,
      transport: request.transport,
      family: address.family,
      address: address.words,
      port: request.endpoint.port,
      fd: handle.fd,
    };
    this.#listeners.set(id, { request, thread });
    this.#host.command(thread, { op: "listen", listener }, handle);
  }

  addService(service: VirtualService): void {
    this.#table.addService(service);
    if (mayHaveFlows(service.id)) this.#shareDescriptors();
  }

  editService(id: ServiceId, settings: ServiceSettings): void {
    this.#table.editService(id, settings);
  }

  /** Its connections go on. Resolves when the planes have closed its sockets. */
  async deleteService(id: ServiceId): Promise<void> {
    const { key } = this.#table.deleteService(id);
    if (mayHaveFlows(id)) this.#shareDescriptors();
    await this.#unlistenAll(({ serviceId }) => serviceKey(serviceId) === key);
  }

  /** Resolves when the planes have closed the socket. */
  unlisten(key: string): Promise<void> {
    return this.#unlistenAll((request) => request.key === key);
  }

  addRealserver(id: ServiceId, server: Realserver): void {
    this.#table.addServer(id, server);
  }

  editRealserver(id: ServiceId, server: Realserver): void {
    this.#table.editServer(id, server);
  }

  /** Its connections and templates go on, or end where `expire_nodest_conn` says so. */
  deleteRealserver(id: ServiceId, server: Endpoint): void {
    const { slot } = this.#table.deleteServer(id, server);
    if (this.#sysctls.expire_nodest_conn === 1) this.#forgetServer(slot);
  }

  /** Changes within services, in order; those of one service that follow one another happen at one instant. */
  together(changes: readonly WithinService[]): void {
    for (let next = 0; next < changes.length; ) {
      const { id } = changes[next].argument;
      const isSame = (change: WithinService): boolean => serviceKey(change.argument.id) === serviceKey(id);
      this.#table.together(id, () => {
        while (next < changes.length && isSame(changes[next])) this.#changeWithin(changes[next++]);
      });
    }
  }

  setTimeouts(timeouts: ConnectionTimeouts): void {
    const { settings } = this.#memory;
    const store = (setting: number, seconds: number): void => {
      Atomics.store(settings, setting, Math.min(seconds * 1000, MAX_INT32));
    };
    store(Setting.TCP_IDLE_MS, timeouts.tcpSec);
    store(Setting.TCP_FIN_MS, timeouts.tcpFinSec);
    store(Setting.UDP_IDLE_MS, timeouts.udpSec);
  }

  setSysctls(values: SysctlValues): void {
    const { settings } = this.#columns.cache;
    Atomics.store(settings, CacheSetting.LBLC_EXPIRATION_SEC, values.lblc_expiration);
    Atomics.store(settings, CacheSetting.LBLCR_EXPIRATION_SEC, values.lblcr_expiration);
    const own = this.#columns.settings;
    Atomics.store(own, BalancerSetting.EXPIRE_NODEST_CONN, values.expire_nodest_conn);
    Atomics.store(own, BalancerSetting.EXPIRE_QUIESCENT_TEMPLATE, values.expire_quiescent_template);
    const mayForget = values.expire_nodest_conn === 1 && this.#sysctls.expire_nodest_conn === 0;
    this.#sysctls = values;
    if (mayForget) for (const { slot } of this.#table.deletedServers()) this.#forgetServer(slot);
  }

  /** Connections that are being carried. @throws UvsError NO_SERVICE, NO_SERVER */
  async connections(choice: ConnectionChoice): Promise<LiveConnection[]> {
    const answers = await this.#askPlanes({ op: "list", ticket: 0, ...this.#filterOf(choice) });
    const { generation } = this.#options.config;
    return answers.flatMap((event) =>
      event.event === "listed" ? readConnections(event.rows, this.#table, generation) : [],
    );
  }

  /** Resets connections. @returns how many @throws UvsError NO_SERVICE, NO_SERVER */
  async killConnections(choice: ConnectionChoice): Promise<number> {
    const answers = await this.#askPlanes({ op: "kill", ticket: 0, ...this.#filterOf(choice) });
    return answers.reduce((sum, event) => sum + (event.event === "killed" ? event.count : 0), 0);
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER */
  templates(choice: ConnectionChoice): TemplateStatus[] {
    return readTemplates(this.#columns, this.#table, this.#filterOf(choice));
  }

  /** What has changed among the templates since a position. */
  templateChanges(position: TemplatePosition): TemplateBatch {
    return this.#templates.read(position);
  }

  /** Templates that this generation's connections control, from a row on; 1 is the first. */
  controlledTemplates(first: number): ControlledTemplates {
    return this.#templates.controlled(first);
  }

  /** Connections of an older generation control these templates. */
  holdTemplates(batch: TemplateBatch): void {
    this.#templates.hold(batch);
  }

  /** Takes templates that another generation knew. */
  seedTemplates(batch: TemplateBatch): void {
    this.#templates.seed(batch);
  }

  /** Takes templates that a peer tells of. */
  mergeTemplates({ batch, winsTies }: MergeRequest): void {
    this.#templates.merge(batch, winsTies);
  }

  /** Removes all templates. @returns how many there were */
  flushTemplates(): number {
    return this.#table.templates.removeEverything();
  }

  /** A page of the UDP flows that were being carried when the first page, 0, was asked for. */
  async flows(page: number): Promise<FlowPage> {
    if (page === 0) {
      const answers = await this.#askPlanes({ op: "list", ticket: 0, isOfFlows: true });
      const rows = answers.flatMap((event) => (event.event === "listed" ? [event.rows] : []));
      this.#flowPages = nameFlows(rows, this.#table);
    }
    const { [page]: batch = {}, length } = this.#flowPages;
    const next = page + 1 < length ? page + 1 : 0;
    if (next === 0) this.#flowPages = [];
    return { batch, next };
  }

  /** Takes UDP flows of an older generation, to resume them for as long as they may rest. */
  resumeFlows(batch: FlowBatch): void {
    const idleSec = Math.ceil(this.#memory.settings[Setting.UDP_IDLE_MS] / 1000);
    keepFlows(batch, this.#columns, this.#table, idleSec);
  }

  zero(id: ServiceId | null): void {
    const services = id === null ? this.#table.services() : [this.#table.service(id)];
    for (const service of services) {
      this.#statistics.zero(service);
      for (const server of service.servers.values()) this.#durations.forget(server.slot);
    }
  }

  /** @param id of the one service that is asked about; undefined: all */
  report(id?: ServiceId): ForwarderReport {
    const { config } = this.#options;
    return {
      forwarder: {
        generation: config.generation,
        pid: process.pid,
        dataplane: config.dataplane,
        threads: config.threads,
        state: this.#state,
        startedAt: this.#startedAt,
        connectionsPerThread: [...this.#memory.threadConnections],
        connectionLimit: this.#memory.settings[Setting.MAX_CONNECTIONS],
        flowsPerThread: [...this.#memory.threadFlows],
        flowLimit: this.#memory.settings[Setting.MAX_FLOWS],
        events: { ...this.#status.events(), ...this.#templateEvents() },
      },
      services: this.#status.services(id),
    };
  }

  /** What connections said of realservers since the last call. */
  passive(): PassiveReport {
    return this.#passive.take();
  }

  figures(request: FiguresRequest): FiguresReport {
    return this.#figures.read(request);
  }

  /**
   * Stops accepting and waits until no connection is left, for up to `graceMs`; then resets the rest and stops.
   * @returns how many connections were reset
   */
  async drain(graceMs: number): Promise<number> {
    this.#state = "draining";
    this.#planesToDrain = this.#rings.length;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#commandAll({ op: "drain" });
    });
    const left = Atomics.load(this.#memory.gauges, Gauge.CONNECTIONS);
    await this.#host.stop();
    this.#hasPlanes = false;
    for (const { answers, resolve } of this.#questions.values()) resolve(answers);
    this.#questions.clear();
    for (const timer of this.#timers) clearInterval(timer);
    this.#sink.finish();
    return left;
  }

  #changeWithin({ request, argument }: WithinService): void {
    switch (request) {
      case "editService":
        this.editService(argument.id, argument.settings);
        break;
      case "addRealserver":
        this.addRealserver(argument.id, argument.server);
        break;
      case "editRealserver":
        this.editRealserver(argument.id, argument.server);
        break;
      case "deleteRealserver":
        this.deleteRealserver(argument.id, argument.server);
        break;
    }
  }

  /** UDP flows take descriptors: as long as there may be some, so many less are left for connections. */
  #shareDescriptors(): void {
    const { settings } = this.#memory;
    const hasFlows = [...this.#table.services()].some(({ id }) => mayHaveFlows(id));
    const room = connectionRoom(descriptorLimit(), hasFlows ? settings[Setting.MAX_FLOWS] : 0);
    Atomics.store(settings, Setting.MAX_CONNECTIONS, Math.min(this.#connectionLimit, room));
  }

  #commandAll(command: PlaneCommand): void {
    for (let thread = 0; thread < this.#rings.length; thread++) this.#host.command(thread, command);
  }

  async #unlistenAll(isMeant: (request: ListenRequest) => boolean): Promise<void> {
    const closed: Promise<void>[] = [];
    for (const [listener, { request, thread }] of this.#listeners) {
      if (!isMeant(request)) continue;
      closed.push(this.#isClosed(listener));
      this.#host.command(thread, { op: "unlisten", listener });
    }
    await Promise.all(closed);
  }

  #forgetServer(server: number): void {
    this.#table.templates.removeServer(server);
    this.#commandAll({ op: "kill", server });
  }

  #keepHouse(): void {
    this.#janitor.run();
    this.#sink.drain();
  }

  #estimate(): void {
    if (this.#sysctls.run_estimation === 1) this.#statistics.estimate();
  }

  #filterOf({ service, realserver, client }: ConnectionChoice): ConnectionFilter {
    const entry = service && this.#table.service(service);
    const server = entry && realserver && entry.servers.get(realserverKey(realserver));
    if (realserver !== undefined && server === undefined) {
      throw new UvsError(
        "NO_SERVER",
        `no realserver ${realserverKey(realserver)} in ${entry?.key ?? "no service"}`,
      );
    }
    return {
      service: entry?.slot,
      server: server?.slot,
      client: client === undefined ? undefined : parseIp(client),
    };
  }

  /** Puts the same question to all planes. @returns their answers; a plane that has stopped carries nothing, and gives none */
  async #askPlanes(command: Extract<PlaneCommand, { op: "list" | "kill" }>): Promise<PlaneEvent[]> {
    if (!this.#hasPlanes) return [];
    const ticket = ++this.#lastTicket;
    return new Promise((resolve) => {
      this.#questions.set(ticket, { answers: [], resolve });
      this.#commandAll({ ...command, ticket });
    });
  }

  #onAnswer(event: PlaneEvent & { ticket: number }): void {
    const question = this.#questions.get(event.ticket);
    question?.answers.push(event);
    if (question?.answers.length !== this.#rings.length) return;
    this.#questions.delete(event.ticket);
    question.resolve(question.answers);
  }

  /** Resolves when the plane says so; a plane that is at its connection limit closes later, that is not waited for. */
  #isClosed(listener: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, UNLISTEN_PATIENCE_MS);
      this.#closing.set(listener, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #onPlaneEvent(event: PlaneEvent): void {
    switch (event.event) {
      case "unlistened":
        this.#listeners.delete(event.listener);
        this.#closing.get(event.listener)?.();
        this.#closing.delete(event.listener);
        break;
      case "listed":
      case "killed":
        this.#onAnswer(event);
        break;
      case "drained":
        if (--this.#planesToDrain === 0) this.#onDrained?.();
        break;
      case "wantListener": {
        const listener = this.#listeners.get(event.listener);
        this.#listeners.delete(event.listener);
        if (listener !== undefined) this.#options.onWantListener(listener.request);
        break;
      }
      case "trouble":
        this.#options.logger.warn({ thread: event.thread, code: event.code }, event.message);
        break;
      case "ready":
      case "stopped":
        break;
    }
  }

  /** Named as the planes' events are. */
  #templateEvents(): Record<string, number> {
    const { evicted, unstored } = this.#table.templates.counts();
    return { templatesEvicted: evicted, templatesUnstored: unstored };
  }

  #slotNames() {
    return {
      serviceKey: (slot: number): string => this.#table.serviceAt(slot)?.key ?? `service ${slot}`,
      serviceText: (slot: number): string => {
        const service = this.#table.serviceAt(slot);
        return service === undefined ? `service ${slot}` : serviceLabel(service.id);
      },
      serverText: (slot: number): string => this.#table.serverAt(slot)?.key ?? `realserver ${slot}`,
      scheduler: (slot: number): string => this.#table.serviceAt(slot)?.settings.scheduler ?? "none",
    };
  }
}

function mayHaveFlows(id: ServiceId): boolean {
  return "fwmark" in id || id.protocol === "udp";
}
