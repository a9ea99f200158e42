/**
 * Keeps the listening sockets, and what the kernel diverts to the director, as the services want them
 * (listening-plan.ts). Whatever is opened, closed or handed to another service follows from the difference between the
 * plan and what there is.
 */
import type { Family } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import { type ServiceId, serviceKey, serviceLabel, type VirtualService } from "../core/model.js";
import { divertedKey, type ListeningSockets } from "../forwarder/listening-sockets.js";
import type { Supervisor } from "../forwarder/supervisor.js";
import type { Diversion } from "./diversion/diversion.js";
import type { DiversionRule } from "./diversion/ruleset.js";
import {
  familyOfTraffic,
  type ListeningPlan,
  type PlannedDiversion,
  planListening,
} from "./listening-plan.js";

/** What it is constructed with. */
export interface ListeningOptions {
  readonly sockets: ListeningSockets;
  readonly supervisor: Supervisor;
  readonly diversion: Diversion;
  readonly logger: Logger;
}

/** See the file's head. */
export class Listening {
  readonly #options: ListeningOptions;
  /** Open, and not handed to a forwarder yet. */
  readonly #fresh = new Set<string>();
  /** Diversions that the host has refused, as text: they are not asked for again until they change. */
  #refused = "";
  #refusal: UvsError | undefined;

  constructor(options: ListeningOptions) {
    this.#options = options;
  }

  /**
   * Opens what these services want and is not open.
   * @returns the keys of what was opened, for `close`
   * @throws UvsError ADDRESS_IN_USE, PERMISSION, SYSCALL; nothing was opened then
   */
  open(services: readonly VirtualService[]): string[] {
    const { sockets } = this.#options;
    const opened: string[] = [];
    try {
      for (const [key, { transport, serviceId, endpoint }] of planListening(services).listeners) {
        if (sockets.get(key) !== undefined) continue;
        sockets.open(key, transport, serviceId, endpoint);
        this.#fresh.add(key);
        opened.push(key);
      }
    } catch (error) {
      this.close(opened);
      throw error;
    }
    return opened;
  }

  /** Closes what `open` has opened. */
  close(keys: readonly string[]): void {
    for (const key of keys) {
      this.#options.sockets.close(key);
      this.#fresh.delete(key);
    }
  }

  /** The forwarder that was just started has been given all that is open. */
  handedOver(): void {
    this.#fresh.clear();
  }

  /** Closes what these services do not want any longer. Resolves when nothing arrives there any more. */
  async retire(services: readonly VirtualService[]): Promise<void> {
    const { sockets, supervisor } = this.#options;
    const plan = planListening(services);
    const wanted = new Set([
      ...plan.listeners.keys(),
      ...plan.diversions.map(({ serviceId, traffic }) => divertedKey(traffic.transport, serviceId)),
    ]);
    const unwanted = [...sockets.all()].map(({ key }) => key).filter((key) => !wanted.has(key));
    await this.#divert(plan, false);
    this.close(unwanted);
    await Promise.all(unwanted.map((key) => supervisor.apply("unlisten", key)));
  }

  /**
   * Opens what these services want, and hands each socket to the service that takes its connections now.
   * @throws UvsError ADDRESS_IN_USE, PERMISSION, SYSCALL; a diversion that is refused is logged
   */
  async follow(services: readonly VirtualService[]): Promise<void> {
    const { sockets, supervisor } = this.#options;
    const plan = planListening(services);
    this.open(services);
    for (const [key, { serviceId }] of plan.listeners) {
      const isHandedOn = serviceKey(sockets.get(key)!.serviceId) !== serviceKey(serviceId);
      if (!isHandedOn && !this.#fresh.has(key)) continue;
      await supervisor.listen(sockets.assign(key, serviceId));
      this.#fresh.delete(key);
    }
    await this.#divert(plan, true);
  }

  /** Says of a new service how it is served, if that is not as its identity says. */
  explain({ id }: VirtualService): void {
    if ("fwmark" in id || id.protocol !== "sctp") return;
    this.#options.logger.warn(
      { service: serviceKey(id) },
      "only TCP and UDP are forwarded; this service is kept and listed, and serves nobody",
    );
  }

  /** Lets what the kernel is told follow realservers that came or went; only an intercepting service knows them there. */
  async followRealservers(id: ServiceId, services: readonly VirtualService[]): Promise<void> {
    const service = services.find((other) => serviceKey(other.id) === serviceKey(id));
    if (service?.settings.intercept !== undefined) await this.#divert(planListening(services), true);
  }

  /** Why the host has refused what should be diverted; undefined: it has not. */
  get refusal(): UvsError | undefined {
    return this.#refused === "" ? undefined : this.#refusal;
  }

  /** Tells the kernel all of it again: somebody may have taken rules away, or given the right to make them. */
  async renew(services: readonly VirtualService[]): Promise<void> {
    this.#refused = "";
    await this.#options.diversion.renew().catch((error: unknown) => this.#warn(error, [], []));
    await this.#divert(planListening(services), true);
  }

  /** Takes away what the kernel was told. */
  async stop(): Promise<void> {
    await this.#options.diversion.stop().catch((error: unknown) => this.#warn(error, [], []));
  }

  /** @param mayOpen sockets for diversions that are new; without it only those are kept that there are already */
  async #divert(plan: ListeningPlan, mayOpen: boolean): Promise<void> {
    const { sockets, diversion } = this.#options;
    const wanted = plan.diversions.filter(
      ({ serviceId, traffic }) =>
        mayOpen || sockets.get(divertedKey(traffic.transport, serviceId)) !== undefined,
    );
    const { returns } = plan;
    const text = JSON.stringify({ wanted, returns });
    if (text === this.#refused) return;
    try {
      const diversions: DiversionRule[] = [];
      for (const planned of wanted) {
        diversions.push({ ...planned, port: await this.#divertedPort(planned) });
      }
      await diversion.set({ diversions, returns, spokenTo: plan.addresses });
      this.#refused = "";
    } catch (error) {
      this.#refused = text;
      this.#refusal = UvsError.from(error);
      this.#warn(
        error,
        wanted.map(({ serviceId }) => serviceId),
        returns,
      );
    }
  }

  async #divertedPort({ serviceId, traffic }: PlannedDiversion): Promise<number> {
    const { sockets, supervisor } = this.#options;
    const { transport } = traffic;
    const known = sockets.get(divertedKey(transport, serviceId));
    if (known !== undefined) return known.port;
    const opened = sockets.openDiverted(transport, serviceId, familyOfTraffic(traffic));
    await supervisor.listen(opened);
    return opened.port;
  }

  #warn(error: unknown, services: readonly ServiceId[], returns: readonly Family[]): void {
    const { code, message } = UvsError.from(error);
    const effects = [
      ...(services.length > 0 ? ["these services are kept and listed, and serve nobody"] : []),
      ...(returns.length > 0 ? ["answers to transparent connections do not come back"] : []),
    ];
    this.#options.logger.warn(
      { code, services: services.map(serviceLabel) },
      [`the kernel's rules cannot be changed: ${message}`, ...effects].join("; "),
    );
  }
}
