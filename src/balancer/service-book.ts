/**
 * The primary's record of what the director was told: virtual services and realservers with their settings, without any
 * of the forwarder's state. It refuses what the kernel refuses, before anything is changed, and is what every new
 * forwarder generation begins with.
 */
import { canonicalIp, type Endpoint, familyOf, formatEndpoint, isUnicast } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import {
  checkInteger,
  checkRealserver,
  type ListenEndpoint,
  MAX_LISTEN_ON,
  PERSISTENCE_ENGINES,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import { SCHEDULER_NAMES } from "../schedulers/registry.js";
import { checkAddressing, checkServerFamily } from "./addressing-rules.js";
import { checkProxySettings, checkSentHeader } from "./proxy-checks.js";

interface Page {
  readonly id: ServiceId;
  settings: ServiceSettings;
  readonly realservers: Map<string, Realserver>;
}

/** How many services and realservers the director is made for. */
export interface BookLimits {
  readonly services: number;
  readonly realservers: number;
}

/** What the record refuses beyond what the kernel does. */
export interface BookRules {
  /** Refuses forwarding methods that the proxy would only carry in its own way. @default false */
  readonly strictForwarding?: boolean;
  /** The data plane can bind a client's address. @default true */
  readonly canBeTransparent?: boolean;
}

/** All services in the order in which they were added. Every method that changes something throws before it does. */
export class ServiceBook {
  readonly #limits: BookLimits;
  readonly #rules: BookRules;
  readonly #pages = new Map<string, Page>();
  #realserverCount = 0;
  #revision = 0;

  constructor(limits: BookLimits, rules: BookRules = {}) {
    this.#limits = limits;
    this.#rules = rules;
  }

  /** A greater number whenever anything has changed. */
  get revision(): number {
    return this.#revision;
  }

  /** Copies of all services. */
  services(): VirtualService[] {
    return [...this.#pages.values()].map(({ id, settings, realservers }) => ({
      id,
      settings,
      realservers: [...realservers.values()],
    }));
  }

  /** A copy to try changes on. */
  copy(): ServiceBook {
    const copy = new ServiceBook(this.#limits, this.#rules);
    copy.#realserverCount = this.#realserverCount;
    for (const [key, page] of this.#pages) {
      copy.#pages.set(key, { ...page, realservers: new Map(page.realservers) });
    }
    return copy;
  }

  /** The realserver, or undefined where it or its service is not there. */
  find(id: ServiceId, server: Endpoint): Realserver | undefined {
    return this.#pages.get(serviceKey(id))?.realservers.get(realserverKey(server));
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER */
  realserver(id: ServiceId, server: Endpoint): Realserver {
    return this.#pageWith(id, server).realservers.get(realserverKey(server))!;
  }

  /** Whether any service is persistent. */
  get hasPersistence(): boolean {
    for (const { settings } of this.#pages.values()) if (settings.persistence !== undefined) return true;
    return false;
  }

  has(id: ServiceId): boolean {
    return this.#pages.has(serviceKey(id));
  }

  /** @throws UvsError NO_SERVICE */
  service(id: ServiceId): VirtualService {
    const page = this.#page(id);
    return { id: page.id, settings: page.settings, realservers: [...page.realservers.values()] };
  }

  /** @throws UvsError EXISTS, NO_SCHEDULER, INVALID, RANGE, TOO_MANY, UNSUPPORTED */
  add(service: VirtualService): void {
    const key = serviceKey(service.id);
    if (this.#pages.has(key)) throw new UvsError("EXISTS", `virtual service ${key} exists already`);
    checkId(service.id);
    checkSettings(service.id, service.settings, this.#rules);
    this.#checkListens(service.id, service.settings);
    const realservers = new Map<string, Realserver>();
    for (const server of service.realservers) {
      checkServer(service.id, server, this.#rules);
      checkServerFamily(service.id, service.settings, server);
      if (realservers.has(realserverKey(server))) {
        throw new UvsError("EXISTS", `realserver ${realserverKey(server)} stands twice in ${key}`);
      }
      realservers.set(realserverKey(server), server);
    }
    if (this.#pages.size >= this.#limits.services) throw tooMany("services", this.#limits.services);
    this.#reserve(realservers.size);
    this.#pages.set(key, { id: service.id, settings: service.settings, realservers });
    this.#revision++;
  }

  /** @throws UvsError NO_SERVICE, NO_SCHEDULER, INVALID */
  edit(id: ServiceId, settings: ServiceSettings): void {
    const page = this.#page(id);
    checkSettings(page.id, settings, this.#rules);
    for (const server of page.realservers.values()) checkServerFamily(page.id, settings, server);
    this.#checkListens(page.id, settings);
    page.settings = settings;
    this.#revision++;
  }

  /** @throws UvsError NO_SERVICE */
  delete(id: ServiceId): void {
    this.#realserverCount -= this.#page(id).realservers.size;
    this.#pages.delete(serviceKey(id));
    this.#revision++;
  }

  /** @throws UvsError NO_SERVICE, EXISTS, INVALID, RANGE, TOO_MANY, UNSUPPORTED */
  addRealserver(id: ServiceId, server: Realserver): void {
    const page = this.#page(id);
    checkServer(page.id, server, this.#rules);
    checkServerFamily(id, page.settings, server);
    const key = realserverKey(server);
    if (page.realservers.has(key)) {
      throw new UvsError("EXISTS", `realserver ${key} exists already in ${serviceKey(id)}`);
    }
    this.#reserve(1);
    page.realservers.set(key, server);
    this.#revision++;
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER, INVALID, RANGE, UNSUPPORTED */
  editRealserver(id: ServiceId, server: Realserver): void {
    const page = this.#pageWith(id, server);
    checkServer(page.id, server, this.#rules);
    page.realservers.set(realserverKey(server), server);
    this.#revision++;
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER */
  deleteRealserver(id: ServiceId, server: Endpoint): void {
    this.#pageWith(id, server).realservers.delete(realserverKey(server));
    this.#realserverCount--;
    this.#revision++;
  }

  #page(id: ServiceId): Page {
    const page = this.#pages.get(serviceKey(id));
    if (page === undefined) throw new UvsError("NO_SERVICE", `no virtual service ${serviceKey(id)}`);
    return page;
  }

  #pageWith(id: ServiceId, server: Endpoint): Page {
    const page = this.#page(id);
    if (!page.realservers.has(realserverKey(server))) {
      throw new UvsError("NO_SERVER", `no realserver ${realserverKey(server)} in ${serviceKey(id)}`);
    }
    return page;
  }

  /** No two marks, and no two services of all ports, may list the same address and port. */
  #checkListens(id: ServiceId, { listenOn = [] }: ServiceSettings): void {
    if (listenOn.length === 0) return;
    const mine = new Set(listenOn.map(listenName));
    if (mine.size < listenOn.length) throw new UvsError("INVALID", "listenOn: found an endpoint twice");
    for (const [key, { id: other, settings }] of this.#pages) {
      if (key === serviceKey(id) || "fwmark" in other !== "fwmark" in id) continue;
      const both = settings.listenOn?.find((endpoint) => mine.has(listenName(endpoint)));
      if (both === undefined) continue;
      throw new UvsError("INVALID", `listenOn: found ${listenName(both)}, which ${key} lists already`);
    }
  }

  #reserve(count: number): void {
    if (this.#realserverCount + count > this.#limits.realservers) {
      throw tooMany("realservers", this.#limits.realservers);
    }
    this.#realserverCount += count;
  }
}

function checkId(id: ServiceId): void {
  if ("fwmark" in id) {
    checkInteger("fwmark", id.fwmark, 1, 0xffffffff);
    return;
  }
  checkAddress("service address", id.address);
  checkInteger("service port", id.port, 0, 65535);
}

function checkSettings(
  id: ServiceId,
  settings: ServiceSettings,
  { canBeTransparent = true }: BookRules,
): void {
  if (!SCHEDULER_NAMES.includes(settings.scheduler)) {
    throw new UvsError(
      "NO_SCHEDULER",
      `scheduler: found "${settings.scheduler}", accepted is one of ${SCHEDULER_NAMES.join(", ")}`,
    );
  }
  const engine = settings.persistenceEngine;
  if (engine !== undefined && !PERSISTENCE_ENGINES.includes(engine)) {
    throw new UvsError(
      "NO_SCHEDULER",
      `persistenceEngine: found "${engine}", accepted is one of ${PERSISTENCE_ENGINES.join(", ")}`,
    );
  }
  if (settings.listenOn !== undefined) checkListenOn(id, settings.listenOn);
  checkAddressing(id, settings, canBeTransparent);
  if (settings.sorry !== undefined) {
    checkAddress("sorry server", settings.sorry.address);
    checkInteger("sorry server's port", settings.sorry.port, 1, 65535);
  }
  checkProxySettings(id, settings);
}

/** What a service may list as its own to listen on. */
function checkListenOn(id: ServiceId, listenOn: readonly ListenEndpoint[]): void {
  if (!("fwmark" in id) && (id.protocol === "sctp" || id.port !== 0)) {
    throw new UvsError(
      "INVALID",
      `listenOn: found it for ${serviceKey(id)}, which says itself where to listen`,
    );
  }
  if (listenOn.length > MAX_LISTEN_ON) {
    throw new UvsError(
      "INVALID",
      `listenOn: found ${listenOn.length} entries, accepted are ${MAX_LISTEN_ON}`,
    );
  }
  for (const endpoint of listenOn) {
    checkAddress("listenOn", endpoint.address);
    checkInteger("listenOn port", endpoint.port, 1, 65535);
    const isMine =
      "fwmark" in id ? id.family === familyOf(endpoint.address) : id.address === endpoint.address;
    if (endpoint.transport !== undefined && !("fwmark" in id)) {
      throw new UvsError("INVALID", "listenOn: found a transport, accepted is one for members of a mark");
    }
    if (isMine) continue;
    const accepted = "fwmark" in id ? `an IPv${id.family} address` : `an endpoint of ${id.address}`;
    throw new UvsError("INVALID", `listenOn: found ${formatEndpoint(endpoint)}, accepted is ${accepted}`);
  }
}

function checkServer(id: ServiceId, server: Realserver, { strictForwarding }: BookRules): void {
  checkAddress("realserver address", server.address);
  if (!isUnicast(server.address)) {
    throw new UvsError(
      "INVALID",
      `realserver address: found "${server.address}", accepted is a unicast address`,
    );
  }
  checkRealserver(server);
  checkSentHeader(id, "proxyProtocol", server.proxyProtocol);
  if (strictForwarding && server.forwarding !== "masq") {
    throw new UvsError(
      "UNSUPPORTED",
      `forwarding: found ${server.forwarding}, accepted is masq: the configuration has forwarding: strict, and only the proxy carries connections`,
      { details: { realserver: realserverKey(server), forwarding: server.forwarding } },
    );
  }
}

/** Identity is by text, so only canonical text is let in. */
function checkAddress(field: string, text: string): void {
  const canonical = canonicalIp(text);
  if (canonical === text) return;
  const accepted = canonical === undefined ? "an IPv4 or IPv6 address" : `its canonical form ${canonical}`;
  throw new UvsError("INVALID", `${field}: found "${text}", accepted is ${accepted}`);
}

function tooMany(what: string, limit: number): UvsError {
  return new UvsError("TOO_MANY", `no more than ${limit} ${what}: raise limits.${what} and restart`, {
    side: "director",
  });
}

/** `192.0.2.1:80`, of UDP `udp://192.0.2.1:53`. */
function listenName(endpoint: ListenEndpoint): string {
  return endpoint.transport === undefined ? formatEndpoint(endpoint) : `udp://${formatEndpoint(endpoint)}`;
}
