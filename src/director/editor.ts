/**
 * Makes the changes: in the record, in the listening sockets, in the forwarder that serves. Each change is checked against
 * the record first; what the record refuses has changed nothing, and what fails later is taken back.
 *
 * It owns what can be changed at run time: the record, time-outs, sysctls and drains. Callers make one change at a time
 * (director.ts has the queue).
 */
import { isDeepStrictEqual } from "node:util";
import { Drains } from "../balancer/drains.js";
import type { ServiceBook } from "../balancer/service-book.js";
import type { Endpoint } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import {
  type ConnectionTimeouts,
  checkInteger,
  MAX_INT32,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import type { DrainStatus } from "../core/status.js";
import { checkSysctl, type SysctlValues } from "../core/sysctls.js";
import type { Supervisor } from "../forwarder/supervisor.js";
import type { Listening } from "./listening.js";
import { type Standing, Standings } from "./standings.js";

/** Longest value of `--set`, in seconds: 31 days (ipvsadm.c). */
const LONGEST_TIMEOUT_SEC = 2_678_400;

/** What an editor is constructed with. */
export interface EditorOptions {
  readonly book: ServiceBook;
  readonly listening: Listening;
  readonly supervisor: Supervisor;
  readonly timeouts: ConnectionTimeouts;
  readonly sysctls: SysctlValues;
  readonly logger: Logger;
  /** How health lets a realserver stand that the forwarder is about to get; undefined: as it is set. */
  readonly firstStanding: (service: VirtualService, server: Realserver) => Standing | undefined;
}

/** Maker of changes. */
export class Editor {
  readonly #book: ServiceBook;
  readonly #listening: Listening;
  readonly #supervisor: Supervisor;
  readonly #logger: Logger;
  readonly #firstStanding: EditorOptions["firstStanding"];
  readonly #drains = new Drains();
  /** Of realservers that health watches, by realserverId. */
  readonly #standings = new Standings();
  #inEffect: { readonly revision: number; readonly services: readonly VirtualService[] } | undefined;
  #timeouts: ConnectionTimeouts;
  #sysctls: SysctlValues;

  constructor({ book, listening, supervisor, timeouts, sysctls, logger, firstStanding }: EditorOptions) {
    this.#book = book;
    this.#listening = listening;
    this.#supervisor = supervisor;
    this.#timeouts = timeouts;
    this.#sysctls = sysctls;
    this.#logger = logger;
    this.#firstStanding = firstStanding;
  }

  get timeouts(): ConnectionTimeouts {
    return this.#timeouts;
  }

  get sysctls(): SysctlValues {
    return this.#sysctls;
  }

  /** Takes time-outs and sysctls of the last run over, before there is a forwarder. */
  begin(timeouts: ConnectionTimeouts, sysctls: SysctlValues): void {
    this.#timeouts = timeouts;
    this.#sysctls = sysctls;
  }

  /** All services as the forwarder should have them: with the weights that health allows. */
  effectiveServices(): VirtualService[] {
    return this.#book.services().map((service) => this.#effective(service));
  }

  /**
   * All services with the weights that are in effect: 0 where health has taken a realserver out. The same array, and in it
   * the same objects, as long as nothing has changed.
   */
  standingServices(): readonly VirtualService[] {
    // Both only grow, so that their sum is another one whenever one of them is.
    const revision = this.#book.revision + this.#standings.revision;
    if (this.#inEffect?.revision !== revision) this.#inEffect = { revision, services: this.#standing() };
    return this.#inEffect.services;
  }

  #standing(): VirtualService[] {
    const services = this.#book.services();
    if (this.#standings.size === 0) return services;
    return services.map((service) => ({
      ...service,
      realservers: service.realservers.map((server) =>
        this.#isPresent(service.id, server) ? this.#standingOf(service.id, server) : { ...server, weight: 0 },
      ),
    }));
  }

  /**
   * Lets a realserver stand as health says, in the forwarder; the record keeps what it is set to. Undefined: health does
   * not watch it any longer. A realserver that is gone is passed over.
   */
  async setStanding(id: ServiceId, endpoint: Endpoint, standing: Standing | undefined): Promise<void> {
    const key = realserverId(id, endpoint);
    const before = this.#standings.get(key);
    if (isDeepStrictEqual(before, standing)) return;
    this.#standings.set(key, standing);
    const server = this.#book.find(id, endpoint);
    if (server === undefined) return;
    const wasPresent = before?.present ?? true;
    const isPresent = standing?.present ?? true;
    const effective = this.#standingOf(id, server);
    if (wasPresent && !isPresent) await this.#supervisor.apply("deleteRealserver", { id, server });
    else if (!wasPresent && isPresent)
      await this.#supervisor.apply("addRealserver", { id, server: effective });
    else if (isPresent) await this.#supervisor.apply("editRealserver", { id, server: effective });
  }

  /** @throws UvsError EXISTS, NO_SCHEDULER, INVALID, RANGE, TOO_MANY, ADDRESS_IN_USE, PERMISSION, SYSCALL */
  async addService(service: VirtualService): Promise<void> {
    this.#book.add(service);
    for (const server of service.realservers) this.#begin(service, server);
    try {
      this.#listening.open(this.#book.services());
      await this.#supervisor.apply("addService", this.#effective(service));
      await this.#listening.follow(this.#book.services());
    } catch (error) {
      this.#book.delete(service.id);
      this.#forgetStandings(service.id);
      await this.#listening.retire(this.#book.services());
      await this.#supervisor.apply("deleteService", service.id).catch(() => {});
      throw error;
    }
    this.#listening.explain(service);
    this.explainForwarding(service.id, service.realservers);
    this.#logger.info({ service: serviceKey(service.id) }, "virtual service added");
  }

  /** @throws UvsError NO_SERVICE, NO_SCHEDULER, INVALID, ADDRESS_IN_USE, PERMISSION, SYSCALL */
  async editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    const before = this.#book.service(id).settings;
    this.#book.edit(id, settings);
    try {
      this.#listening.open(this.#book.services());
    } catch (error) {
      this.#book.edit(id, before);
      throw error;
    }
    await this.#supervisor.apply("editService", { id, settings });
    await this.#listening.retire(this.#book.services());
    await this.#listening.follow(this.#book.services());
    this.#logger.info({ service: serviceKey(id), settings }, "virtual service edited");
  }

  /** @throws UvsError NO_SERVICE */
  async deleteService(id: ServiceId): Promise<void> {
    this.#book.delete(id);
    await this.#listening.retire(this.#book.services());
    this.#drains.endAll(realserverId(id));
    this.#forgetStandings(id);
    await this.#supervisor.apply("deleteService", id);
    await this.#listening.follow(this.#book.services());
    this.#supervisor.forget(serviceKey(id));
    this.#logger.info({ service: serviceKey(id) }, "virtual service deleted");
  }

  async clear(): Promise<void> {
    for (const { id } of this.#book.services()) await this.deleteService(id);
  }

  /** @throws UvsError NO_SERVICE, EXISTS, INVALID, RANGE, TOO_MANY */
  async addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    this.#book.addRealserver(id, server);
    this.#begin(this.#book.service(id), server);
    await this.#listening.followRealservers(id, this.#book.services());
    try {
      if (this.#isPresent(id, server)) {
        await this.#supervisor.apply("addRealserver", { id, server: this.#standingOf(id, server) });
      }
    } catch (error) {
      this.#book.deleteRealserver(id, server);
      this.#standings.set(realserverId(id, server), undefined);
      await this.#listening.followRealservers(id, this.#book.services());
      throw error;
    }
    this.explainForwarding(id, [server]);
    this.#logger.info({ service: serviceKey(id), realserver: realserverKey(server) }, "realserver added");
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER, INVALID, RANGE */
  async editRealserver(id: ServiceId, server: Realserver): Promise<void> {
    this.#book.editRealserver(id, server);
    this.#drains.end(realserverId(id, server));
    if (this.#isPresent(id, server)) {
      await this.#supervisor.apply("editRealserver", { id, server: this.#standingOf(id, server) });
    }
    this.#logger.info(
      { service: serviceKey(id), realserver: realserverKey(server), weight: server.weight },
      "realserver edited",
    );
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER */
  async deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    this.#book.deleteRealserver(id, server);
    this.#drains.end(realserverId(id, server));
    if (this.#isPresent(id, server)) await this.#supervisor.apply("deleteRealserver", { id, server });
    await this.#listening.followRealservers(id, this.#book.services());
    this.#standings.set(realserverId(id, server), undefined);
    this.#supervisor.forget(serviceKey(id), realserverKey(server));
    this.#logger.info({ service: serviceKey(id), realserver: realserverKey(server) }, "realserver deleted");
  }

  /** Makes changes of which the forwarder hears in one go: it makes each service's at one instant. */
  together(make: () => Promise<void>): Promise<void> {
    return this.#supervisor.together(make);
  }

  /** A value of 0 leaves that time-out as it is. @throws UvsError INVALID */
  async setTimeouts(asked: ConnectionTimeouts): Promise<ConnectionTimeouts> {
    checkTimeouts(asked);
    this.#timeouts = {
      tcpSec: asked.tcpSec || this.#timeouts.tcpSec,
      tcpFinSec: asked.tcpFinSec || this.#timeouts.tcpFinSec,
      udpSec: asked.udpSec || this.#timeouts.udpSec,
    };
    await this.#supervisor.apply("setTimeouts", this.#timeouts);
    return this.#timeouts;
  }

  /** @throws UvsError INVALID */
  async setSysctl(name: string, value: number): Promise<void> {
    checkSysctl(name, value);
    this.#sysctls = { ...this.#sysctls, [name]: value };
    await this.#supervisor.apply("setSysctls", this.#sysctls);
    this.#logger.info({ name, value }, "sysctl set");
  }

  /**
   * Quiesces a realserver and remembers its weight; calls `onDeadline` after `deadlineMs`, if that is given.
   * @throws UvsError NO_SERVICE, NO_SERVER, INVALID
   */
  async drain(
    id: ServiceId,
    server: Endpoint,
    deadlineMs: number | undefined,
    onDeadline: () => void,
  ): Promise<void> {
    const settings = this.#book.realserver(id, server);
    if (deadlineMs !== undefined) checkInteger("deadlineMs", deadlineMs, 0, MAX_INT32);
    const weight = this.drainOf(id, server)?.weight ?? settings.weight;
    await this.editRealserver(id, { ...settings, weight: 0 });
    this.#drains.begin(realserverId(id, server), weight, deadlineMs, onDeadline);
  }

  /** @throws UvsError NO_SERVICE, NO_SERVER, INVALID */
  async undrain(id: ServiceId, server: Endpoint): Promise<void> {
    const settings = this.#book.realserver(id, server);
    const drain = this.drainOf(id, server);
    if (drain === undefined) {
      throw new UvsError("INVALID", `realserver ${realserverKey(server)} is not being drained`);
    }
    await this.editRealserver(id, { ...settings, weight: drain.weight });
  }

  get hasDrains(): boolean {
    return this.#drains.size > 0;
  }

  drainOf(id: ServiceId, server: Endpoint): DrainStatus | undefined {
    return this.#drains.get(realserverId(id, server));
  }

  /** Before the forwarder hears of a realserver: it must not get connections that health would not give it. */
  #begin(service: VirtualService, server: Realserver): void {
    const standing = this.#firstStanding(service, server);
    if (standing !== undefined) this.#standings.set(realserverId(service.id, server), standing);
  }

  #forgetStandings(id: ServiceId): void {
    this.#standings.forget(realserverId(id));
  }

  #isPresent(id: ServiceId, server: Endpoint): boolean {
    return this.#standings.get(realserverId(id, server))?.present ?? true;
  }

  /** The realserver with the weight that health allows. */
  #standingOf(id: ServiceId, server: Realserver): Realserver {
    const standing = this.#standings.get(realserverId(id, server));
    if (standing === undefined) return server;
    const { weight, connectionLimit: upperThreshold } = standing;
    if (weight === server.weight && upperThreshold === undefined) return server;
    if (upperThreshold === undefined) return { ...server, weight };
    return {
      ...server,
      weight,
      upperThreshold,
      lowerThreshold: Math.min(server.lowerThreshold, upperThreshold),
    };
  }

  #effective(service: VirtualService): VirtualService {
    const realservers = service.realservers
      .filter((server) => this.#isPresent(service.id, server))
      .map((server) => this.#standingOf(service.id, server));
    return { ...service, realservers };
  }

  /** Says once of each realserver that the method asked for is not the one in effect. */
  explainForwarding(id: ServiceId, servers: readonly Realserver[]): void {
    for (const server of servers) {
      if (server.forwarding === "masq") continue;
      this.#logger.info(
        { service: serviceKey(id), realserver: realserverKey(server), asked: server.forwarding },
        "forwarding method is kept as asked for; the proxy carries the connections",
      );
    }
  }
}

/** @throws UvsError INVALID */
export function checkTimeouts(timeouts: ConnectionTimeouts): void {
  for (const [name, value] of Object.entries(timeouts)) checkInteger(name, value, 0, LONGEST_TIMEOUT_SEC);
}

/** Identity of a realserver among all; without one, what the identities of all of the service's begin with. */
function realserverId(id: ServiceId, server?: Endpoint): string {
  return `${serviceKey(id)} ${server === undefined ? "" : realserverKey(server)}`;
}
