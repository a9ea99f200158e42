/**
 * One forwarder generation from the inside: the balancer's columns and table, the data plane's host, and the timers of
 * the main thread. It does what the primary's requests say; the worker's entry joins it to the IPC channel.
 */
import { type BalancerColumns, createColumns } from "../balancer/columns.js";
import { ESTIMATION_PERIOD_MS } from "../balancer/estimator.js";
import { Janitor } from "../balancer/janitor.js";
import { ServiceTable } from "../balancer/service-table.js";
import { parseIp } from "../core/address.js";
import { systemClock } from "../core/clock.js";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import type {
  ConnectionTimeouts,
  Realserver,
  ServiceId,
  ServiceSettings,
  VirtualService,
} from "../core/model.js";
import { serviceKey, serviceLabel } from "../core/model.js";
import type { ListenerSpec, PlaneCommand, PlaneEvent } from "../dataplane/dataplane.js";
import { createPlaneMemory, Gauge, type PlaneMemory, Setting } from "../dataplane/memory.js";
import { createRecordRing, type RecordRing } from "../dataplane/records.js";
import type { AccessLog } from "../metrics/access-log.js";
import { Durations } from "../metrics/durations.js";
import { connectionCapacity } from "./capacity.js";
import type { ForwarderConfig, ForwarderReport, ListenRequest, TotalsReport } from "./messages.js";
import { NativeHost } from "./native-host.js";
import { NetHost } from "./net-host.js";
import type { PlaneHost, SocketHandle } from "./plane-host.js";
import { RecordSink } from "./record-sink.js";
import { Statistics } from "./statistics.js";
import { StatusReader } from "./status.js";

/** Destination addresses that lblc and lblcr remember in all: the kernel's bound for one service. */
const CACHE_ENTRIES = 16384;

/** Records a thread may be ahead of the main thread: 0.1 s at 80,000 connections a second. */
const RING_RECORDS = 8192;

/** How often the main thread looks after the columns and the record rings. */
const HOUSEKEEPING_MS = 100;

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
  readonly #durations = new Durations();
  readonly #sink: RecordSink;
  readonly #status: StatusReader;
  readonly #host: PlaneHost;
  readonly #listeners = new Map<number, Listener>();
  readonly #startedAt = new Date().toISOString();
  #timers: NodeJS.Timeout[] = [];
  #lastListener = 0;
  #planesToDrain = 0;
  #state: "starting" | "serving" | "draining" = "starting";
  #onDrained: (() => void) | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    const { config, logger, accessLog } = options;
    const connections = connectionCapacity(config.maxConnections, logger);
    this.#columns = createColumns({
      services: config.maxServices,
      servers: config.maxRealservers,
      cacheEntries: CACHE_ENTRIES,
      sources: 2 ** Math.ceil(Math.log2(connections * 2)),
    });
    this.#memory = createPlaneMemory(config.threads, config.maxRealservers);
    this.#memory.settings[Setting.MAX_CONNECTIONS] = connections;
    this.#rings = Array.from({ length: config.threads }, () => createRecordRing(RING_RECORDS));
    this.#statistics = new Statistics(this.#columns, this.#memory);
    this.#table = new ServiceTable(this.#columns, this.#statistics);
    this.#statistics.observe(this.#table);
    this.#janitor = new Janitor(this.#columns, this.#table, systemClock);
    this.#sink = new RecordSink({
      rings: this.#rings,
      names: this.#slotNames(),
      durations: this.#durations,
      accessLog,
      logger,
      clock: systemClock,
    });
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
    for (const service of config.services) this.addService(service);
    await this.#host.start();
    this.#timers = [
      setInterval(() => this.#keepHouse(), HOUSEKEEPING_MS),
      setInterval(() => this.#statistics.estimate(), ESTIMATION_PERIOD_MS),
    ];
    this.#state = "serving";
  }

  /** A service that was deleted meanwhile gets no listener. */
  listen(request: ListenRequest, handle: SocketHandle): void {
    const address = parseIp(request.endpoint.address);
    if (address === undefined) throw new UvsError("INVALID", `${request.endpoint.address} is no address`);
    const id = ++this.#lastListener;
    const listener: ListenerSpec = {
      id,
      service: this.#table.service(request.serviceId).slot,
      family: address.family,
      address: address.words,
      port: request.endpoint.port,
      fd: handle.fd,
    };
    this.#listeners.set(id, { request, thread: request.thread });
    this.#host.command(request.thread, { op: "listen", listener }, handle);
  }

  addService(service: VirtualService): void {
    this.#table.addService(service);
  }

  editService(id: ServiceId, settings: ServiceSettings): void {
    this.#table.editService(id, settings);
  }

  /** Its sockets are closed at once, its connections go on. */
  deleteService(id: ServiceId): void {
    const { key } = this.#table.deleteService(id);
    for (const [listener, { request, thread }] of this.#listeners) {
      if (serviceKey(request.serviceId) !== key) continue;
      this.#listeners.delete(listener);
      this.#host.command(thread, { op: "unlisten", listener });
    }
  }

  addRealserver(id: ServiceId, server: Realserver): void {
    this.#table.addServer(id, server);
  }

  editRealserver(id: ServiceId, server: Realserver): void {
    this.#table.editServer(id, server);
  }

  deleteRealserver(id: ServiceId, server: Realserver): void {
    this.#table.deleteServer(id, server);
  }

  setTimeouts(timeouts: ConnectionTimeouts): void {
    const { settings } = this.#memory;
    Atomics.store(settings, Setting.TCP_IDLE_MS, timeouts.tcpSec * 1000);
    Atomics.store(settings, Setting.TCP_FIN_MS, timeouts.tcpFinSec * 1000);
    Atomics.store(settings, Setting.UDP_IDLE_MS, timeouts.udpSec * 1000);
  }

  zero(id: ServiceId | null): void {
    const services = id === null ? this.#table.services() : [this.#table.service(id)];
    for (const service of services) this.#statistics.zero(service);
  }

  report(): ForwarderReport {
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
        events: this.#status.events(),
      },
      services: this.#status.services(),
    };
  }

  totals(): TotalsReport {
    return this.#status.totals();
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
    for (const timer of this.#timers) clearInterval(timer);
    this.#sink.drain();
    return left;
  }

  #commandAll(command: PlaneCommand): void {
    for (let thread = 0; thread < this.#rings.length; thread++) this.#host.command(thread, command);
  }

  #keepHouse(): void {
    this.#janitor.run();
    this.#sink.drain();
  }

  #onPlaneEvent(event: PlaneEvent): void {
    switch (event.event) {
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

  #slotNames() {
    return {
      serviceText: (slot: number): string => {
        const service = this.#table.serviceAt(slot);
        return service === undefined ? `service ${slot}` : serviceLabel(service.id);
      },
      serverText: (slot: number): string => this.#table.serverAt(slot)?.key ?? `realserver ${slot}`,
      scheduler: (slot: number): string => this.#table.serviceAt(slot)?.settings.scheduler ?? "none",
    };
  }
}
