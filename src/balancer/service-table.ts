/**
 * The administrator's side of the columns: virtual services and realservers as they are added, edited and deleted, the
 * part that `ip_vs_ctl.c` is in the kernel. One object in the forwarder's main thread owns which slot belongs to what;
 * every change happens under the service's lock, so the next decision of any thread sees it whole.
 *
 * A deleted realserver keeps its slot while connections count on it and for a while after (the kernel's trash); adding
 * the same realserver again meanwhile revives the slot with its counts.
 */
import { type Endpoint, familyOf, parseIp } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import { lock, unlock } from "../core/lock.js";
import {
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import { headerFormat, versionFormat } from "../core/proxy-protocol/format.js";
import { NONE, ServerFlag } from "../schedulers/columns.js";
import { SCHEDULERS, schedulerNumber } from "../schedulers/registry.js";
import { judgeThresholds } from "./accounting.js";
import { type BalancerColumns, type BalancerServerColumns, ServiceState, TICKS_PER_SEC } from "./columns.js";
import { writeOutgoing } from "./outgoing.js";
import { keepsClientPort, netmaskWords } from "./persistence-settings.js";
import { linkFirst, serversOf, unlink } from "./server-list.js";
import { SlotPool } from "./slot-pool.js";
import { SourceCounts } from "./sources.js";
import { TemplateKeeper } from "./template-keeper.js";
import { writeTrustedProxies } from "./trusted-proxies.js";
import { VirtualNames } from "./virtual-names.js";

/** The kernel frees a deleted destination 120 s after its last reference (IP_VS_DEST_TRASH_PERIOD, ip_vs_ctl.c). */
const TRASH_TICKS = 120 * TICKS_PER_SEC;

/** What the table keeps of a realserver slot besides its columns. */
export interface ServerEntry {
  readonly slot: number;
  readonly key: string;
  /** The service that it belongs to, or belonged to before its deletion. */
  service: ServiceEntry;
  settings: Realserver;
  /** Tick since which a deleted realserver has been without connections, or NONE. */
  idleSinceTick: number;
  isDeleted: boolean;
}

/** What the table keeps of a service slot besides its columns. */
export interface ServiceEntry {
  readonly slot: number;
  readonly key: string;
  readonly id: ServiceId;
  settings: ServiceSettings;
  /** By realserverKey; without those in the trash. */
  readonly servers: Map<string, ServerEntry>;
}

/** Is told when a slot begins or ceases to mean something: counters start from zero or are handed on. */
export interface SlotObserver {
  serviceBegins(service: ServiceEntry): void;
  /** The slot was taken, or was revived under a service that was made anew. */
  serverBegins(server: ServerEntry): void;
  /** The slot is about to be given back. */
  serverEnds(server: ServerEntry): void;
}

/** Services and realservers in their slots. */
export class ServiceTable {
  readonly templates: TemplateKeeper;
  readonly virtuals: VirtualNames;
  readonly #columns: BalancerColumns;
  readonly #observer: SlotObserver;
  readonly #sources: SourceCounts;
  readonly #serviceSlots: SlotPool;
  readonly #serverSlots: SlotPool;
  readonly #services = new Map<string, ServiceEntry>();
  readonly #bySlot: (ServiceEntry | undefined)[] = [];
  readonly #serversBySlot: (ServerEntry | undefined)[] = [];
  /** Deleted services with connections left. */
  readonly #leaving = new Set<ServiceEntry>();
  /** Deleted realservers by `service key + realserver key`. */
  readonly #trash = new Map<string, ServerEntry>();
  /** The service whose lock `together` holds, or NONE. */
  #held: number = NONE;
  #layout = 1;

  constructor(columns: BalancerColumns, observer: SlotObserver) {
    this.#columns = columns;
    this.#observer = observer;
    this.#sources = new SourceCounts(columns.sources);
    this.#serviceSlots = new SlotPool("virtual services", columns.sizes.services);
    this.#serverSlots = new SlotPool("realservers", columns.sizes.servers);
    this.templates = new TemplateKeeper(columns.templates, columns.servers.persistent);
    this.virtuals = new VirtualNames(columns.templates.perVirtual.length);
  }

  /** Another number, from 1 on, whenever services or realservers come, go, or stand in another order. */
  get layout(): number {
    return this.#layout;
  }

  /** Services in the order in which they were added. */
  services(): Iterable<ServiceEntry> {
    return this.#services.values();
  }

  /** The service of a slot, also one that is leaving. */
  serviceAt(slot: number): ServiceEntry | undefined {
    return this.#bySlot[slot];
  }

  /** The realserver of a slot, also a deleted one. */
  serverAt(slot: number): ServerEntry | undefined {
    return this.#serversBySlot[slot];
  }

  /** The realservers of a service in the kernel's order, newest first. */
  *serversInOrder(service: ServiceEntry): Iterable<ServerEntry> {
    for (const slot of serversOf(this.#columns, service.slot)) yield this.#serversBySlot[slot]!;
  }

  /** The service of this key, if there is one now. */
  serviceNamed(key: string): ServiceEntry | undefined {
    return this.#services.get(key);
  }

  /** The service that templates of this number belong to, if there is one now. */
  serviceOfVirtual(virtual: number): ServiceEntry | undefined {
    const name = this.virtuals.nameOf(virtual);
    return name === undefined ? undefined : this.#services.get(name);
  }

  /** Deleted realservers of the service that have connections left. */
  *leavingServers(service: ServiceEntry): Iterable<ServerEntry> {
    const { active, inactive } = this.#columns.servers;
    for (const server of this.#trash.values()) {
      if (server.service === service && active[server.slot] + inactive[server.slot] > 0) yield server;
    }
  }

  /** Deleted realservers that may have connections left. */
  deletedServers(): Iterable<ServerEntry> {
    return this.#trash.values();
  }

  /** Realserver slots whose traffic belongs to the service, deleted ones included. */
  *serverSlotsOf(service: ServiceEntry): Iterable<number> {
    for (const server of service.servers.values()) yield server.slot;
    for (const server of this.#trash.values()) {
      if (server.service === service) yield server.slot;
    }
  }

  /** @throws UvsError NO_SERVICE */
  service(id: ServiceId): ServiceEntry {
    const entry = this.#services.get(serviceKey(id));
    if (entry === undefined) throw new UvsError("NO_SERVICE", `no virtual service ${serviceKey(id)}`);
    return entry;
  }

  /**
   * Adds a service with its realservers, oldest first.
   * @throws UvsError EXISTS, NO_SCHEDULER, TOO_MANY; nothing is added then
   */
  addService(service: VirtualService): ServiceEntry {
    const key = serviceKey(service.id);
    if (this.#services.has(key)) throw new UvsError("EXISTS", `virtual service ${key} exists already`);
    requireScheduler(service.settings.scheduler);
    if (service.realservers.length > this.#serverSlots.available) {
      throw this.#serverSlots.exhausted();
    }
    const entry: ServiceEntry = {
      slot: this.#serviceSlots.take(),
      key,
      id: service.id,
      settings: service.settings,
      servers: new Map(),
    };
    this.#services.set(key, entry);
    this.#layout++;
    this.#bySlot[entry.slot] = entry;
    this.#nameVirtual(entry);
    this.#observer.serviceBegins(entry);
    this.#withLock(entry.slot, () => {
      const { services } = this.#columns;
      services.head[entry.slot] = NONE;
      services.serverCount[entry.slot] = 0;
      services.scheduled[entry.slot] = 0;
      this.#writeSettings(entry);
      services.scheduler[entry.slot] = schedulerNumber(entry.settings.scheduler);
      this.#scheduler(entry).bind(this.#columns, entry.slot);
      services.serviceState[entry.slot] = ServiceState.SERVING;
    });
    for (const server of service.realservers) this.addServer(service.id, server);
    return entry;
  }

  /** Replaces the settings; another scheduler starts afresh over the present realservers. */
  editService(id: ServiceId, settings: ServiceSettings): void {
    const entry = this.service(id);
    requireScheduler(settings.scheduler);
    const hadSourceLimit = entry.settings.limits.perSource > 0;
    this.#withLock(entry.slot, () => {
      const before = this.#scheduler(entry);
      entry.settings = settings;
      this.#writeSettings(entry);
      const after = SCHEDULERS[schedulerNumber(settings.scheduler)];
      if (after !== before) {
        before.unbind?.(this.#columns, entry.slot);
        this.#columns.services.scheduler[entry.slot] = schedulerNumber(settings.scheduler);
        after.bind(this.#columns, entry.slot);
      }
    });
    if (hadSourceLimit && settings.limits.perSource === 0) this.#sources.forget(entry.slot);
  }

  /** Takes the service away; its connections go on, its slot is free when they have ended. */
  deleteService(id: ServiceId): ServiceEntry {
    const entry = this.service(id);
    for (const server of [...entry.servers.values()]) this.#dropServer(entry, server);
    this.#withLock(entry.slot, () => {
      this.#scheduler(entry).unbind?.(this.#columns, entry.slot);
      this.#columns.services.serviceState[entry.slot] = ServiceState.LEAVING;
    });
    this.#services.delete(entry.key);
    this.#layout++;
    this.#leaving.add(entry);
    return entry;
  }

  /**
   * Makes several changes of one service between two decisions.
   * @throws UvsError NO_SERVICE, and what a change is refused with; those before it are made
   */
  together(id: ServiceId, change: () => void): void {
    const { slot } = this.service(id);
    this.#withLock(slot, () => {
      this.#held = slot;
      try {
        change();
      } finally {
        this.#held = NONE;
      }
    });
  }

  /** @throws UvsError NO_SERVICE, EXISTS, TOO_MANY */
  addServer(id: ServiceId, settings: Realserver): ServerEntry {
    const service = this.service(id);
    const key = realserverKey(settings);
    if (service.servers.has(key)) {
      throw new UvsError("EXISTS", `realserver ${key} exists already in ${service.key}`);
    }
    const { server, formerService } = this.#takeServer(service, key, settings);
    const isRevived = formerService !== undefined;
    const { servers } = this.#columns;
    const place = (): void => {
      servers.service[server.slot] = service.slot;
      this.#writeServer(server, !isRevived);
      servers.flags[server.slot] = ServerFlag.AVAILABLE;
      judgeThresholds(servers, server.slot);
      linkFirst(this.#columns, service.slot, server.slot);
      this.#scheduler(service).serverAdded?.(this.#columns, service.slot, server.slot);
    };
    // A slot revived under a service made anew changes its guard: hold both locks, connections may be counting.
    if (isRevived && formerService.slot !== service.slot) {
      this.#withLock(formerService.slot, () => this.#withLock(service.slot, place));
    } else {
      this.#withLock(service.slot, place);
    }
    server.service = service;
    if (formerService !== service) this.#observer.serverBegins(server);
    service.servers.set(key, server);
    this.#layout++;
    return server;
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER */
  editServer(id: ServiceId, settings: Realserver): void {
    const service = this.service(id);
    const server = this.#server(service, settings);
    server.settings = settings;
    this.#withLock(service.slot, () => {
      this.#writeServer(server, false);
      judgeThresholds(this.#columns.servers, server.slot);
      this.#scheduler(service).serverEdited?.(this.#columns, service.slot, server.slot);
    });
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER */
  deleteServer(id: ServiceId, endpoint: Endpoint): ServerEntry {
    const service = this.service(id);
    const server = this.#server(service, endpoint);
    this.#dropServer(service, server);
    return server;
  }

  /** Gives back the slots of what was deleted and has no connections any longer. Call about once a second. */
  sweep(): void {
    const { services, servers, clock, trustedProxies } = this.#columns;
    const now = clock[0];
    for (const [key, server] of this.#trash) {
      if (isReferred(servers, server.slot)) server.idleSinceTick = NONE;
      else if (server.idleSinceTick === NONE) server.idleSinceTick = now;
      else if (now - server.idleSinceTick >= TRASH_TICKS) this.#freeServer(key, server);
    }
    for (const entry of this.#leaving) {
      if (Atomics.load(services.connections, entry.slot) > 0) continue;
      if (Atomics.load(trustedProxies.waiting, entry.slot) > 0) continue;
      this.#leaving.delete(entry);
      this.#sources.forget(entry.slot);
      services.serviceState[entry.slot] = ServiceState.FREE;
      this.#bySlot[entry.slot] = undefined;
      this.#serviceSlots.give(entry.slot);
    }
  }

  /** The slot for a realserver: its own from the trash, else a free one, emptying the trash if there is none. */
  #takeServer(
    service: ServiceEntry,
    key: string,
    settings: Realserver,
  ): { server: ServerEntry; formerService?: ServiceEntry } {
    const trashKey = `${service.key} ${key}`;
    const revived = this.#trash.get(trashKey);
    if (revived !== undefined) {
      this.#trash.delete(trashKey);
      revived.settings = settings;
      revived.isDeleted = false;
      return { server: revived, formerService: revived.service };
    }
    if (this.#serverSlots.available === 0) this.#emptyTrash();
    const slot = this.#serverSlots.take();
    const server: ServerEntry = {
      slot,
      key,
      service,
      settings,
      idleSinceTick: NONE,
      isDeleted: false,
    };
    this.#serversBySlot[slot] = server;
    return { server };
  }

  #server(service: ServiceEntry, endpoint: Endpoint): ServerEntry {
    const server = service.servers.get(realserverKey(endpoint));
    if (server === undefined) {
      throw new UvsError("NO_SERVER", `no realserver ${realserverKey(endpoint)} in ${service.key}`);
    }
    return server;
  }

  #dropServer(service: ServiceEntry, server: ServerEntry): void {
    const { servers } = this.#columns;
    this.#withLock(service.slot, () => {
      servers.flags[server.slot] &= ~ServerFlag.AVAILABLE;
      unlink(this.#columns, service.slot, server.slot);
      this.#scheduler(service).serverDeleted?.(this.#columns, service.slot, server.slot);
    });
    service.servers.delete(server.key);
    this.#layout++;
    server.isDeleted = true;
    server.idleSinceTick = NONE;
    this.#trash.set(`${service.key} ${server.key}`, server);
  }

  /** Gives up what no connection counts on; its templates led nowhere. */
  #emptyTrash(): void {
    const { active, inactive, persistent } = this.#columns.servers;
    for (const [key, server] of this.#trash) {
      if (active[server.slot] + inactive[server.slot] > 0) continue;
      if (persistent[server.slot] > 0) this.templates.removeServer(server.slot);
      this.#freeServer(key, server);
    }
  }

  /** Numbers of deleted services are taken back when there are no more: first those without templates, then any. */
  #nameVirtual(entry: ServiceEntry): void {
    const { virtuals, templates } = this;
    if (virtuals.isFull && virtuals.find(entry.key) === undefined) {
      const { perVirtual } = this.#columns.templates;
      virtuals.forgetUnless((number, name) => perVirtual[number] > 0 || this.#services.has(name));
      if (virtuals.isFull) {
        virtuals.forgetUnless((number, name) => {
          const isServed = this.#services.has(name);
          if (!isServed) templates.removeVirtual(number);
          return isServed;
        });
      }
    }
    this.#columns.services.virtual[entry.slot] = virtuals.numberOf(entry.key);
  }

  #freeServer(trashKey: string, server: ServerEntry): void {
    this.#trash.delete(trashKey);
    this.#observer.serverEnds(server);
    this.#columns.servers.generation[server.slot]++;
    this.#serversBySlot[server.slot] = undefined;
    this.#serverSlots.give(server.slot);
  }

  #scheduler(service: ServiceEntry) {
    return SCHEDULERS[this.#columns.services.scheduler[service.slot]];
  }

  #writeSettings({ slot, id, settings }: ServiceEntry): void {
    const { services } = this.#columns;
    const { persistence } = settings;
    services.persistTicks[slot] = persistence === undefined ? 0 : persistence.timeoutSec * TICKS_PER_SEC;
    services.persistMask.set(persistence === undefined ? [0, 0, 0, 0] : netmaskWords(persistence), slot * 4);
    services.keepsPort[slot] = persistence !== undefined && keepsClientPort(id) ? 1 : 0;
    services.onePacket[slot] = settings.onePacket ? 1 : 0;
    services.schedulerFlags[slot] = settings.schedulerFlags;
    services.maxConnections[slot] = settings.limits.connections;
    services.maxPerSource[slot] = settings.limits.perSource;
    services.redispatch[slot] = settings.redispatch;
    services.connectTimeoutMs[slot] = settings.timeouts.connectMs;
    services.transparent[slot] = settings.transparent ? 1 : 0;
    services.bypass[slot] = settings.intercept?.bypass ? 1 : 0;
    writeOutgoing(services, slot, settings);
    const sorry = settings.sorry && parseIp(settings.sorry.address);
    services.sorryFamily[slot] = sorry?.family ?? 0;
    services.sorryAddress.set(sorry?.words ?? [0, 0, 0, 0], slot * 4);
    services.sorryPort[slot] = settings.sorry?.port ?? 0;
    services.sorryHeader[slot] = versionFormat(settings.sorryProxyProtocol);
    services.family[slot] = "fwmark" in id ? id.family : familyOf(id.address);
    writeTrustedProxies(this.#columns.trustedProxies, slot, settings.acceptProxy);
  }

  #writeServer({ slot, settings }: ServerEntry, isNew: boolean): void {
    const { servers } = this.#columns;
    if (isNew) {
      const address = parseIp(settings.address);
      if (address === undefined) {
        throw new UvsError(
          "INVALID",
          `realserver address: found ${settings.address}, accepted is an IP address`,
        );
      }
      servers.family[slot] = address.family;
      servers.address.set(address.words, slot * 4);
      servers.port[slot] = settings.port;
      servers.lastWeight[slot] = 0;
      servers.scheduled[slot] = 0;
      servers.failures[slot] = 0;
    }
    servers.weight[slot] = settings.weight;
    if (settings.weight !== 0) servers.lastWeight[slot] = settings.weight;
    servers.upperThreshold[slot] = settings.upperThreshold;
    servers.lowerThreshold[slot] = settings.lowerThreshold;
    servers.header[slot] = headerFormat(settings.proxyProtocol);
  }

  #withLock(slot: number, change: () => void): void {
    if (slot === this.#held) {
      change();
      return;
    }
    const { lock: words } = this.#columns.services;
    lock(words, slot);
    try {
      change();
    } finally {
      unlock(words, slot);
    }
  }
}

/** Whether connections or templates refer to a realserver: it comes back with them if it is added again. */
function isReferred({ active, inactive, persistent }: BalancerServerColumns, server: number): boolean {
  return active[server] + inactive[server] + persistent[server] > 0;
}

/** @throws UvsError NO_SCHEDULER */
function requireScheduler(name: string): void {
  if (schedulerNumber(name) >= 0) return;
  const known = SCHEDULERS.map((scheduler) => scheduler.name).join(", ");
  throw new UvsError("NO_SCHEDULER", `scheduler: found "${name}", accepted is one of ${known}`);
}
