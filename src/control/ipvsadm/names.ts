/**
 * Names of hosts and services, as ipvsadm looks them up: hosts by the system's resolver (`/etc/hosts`, DNS), services in
 * `/etc/services`. Behind an interface, so that tests bring names of their own.
 */
import { lookup, lookupService } from "node:dns/promises";
import { COMMON_SERVICES, readServiceNames, type ServiceNames } from "../../config/service-names.js";
import type { Protocol } from "../../core/model.js";

/** What uvsadm asks about names. Nothing here throws; what is not known is undefined. */
export interface NameResolver {
  /** The first IPv4 address of a host name; names are never resolved to IPv6, as in ipvsadm. */
  addressOf(name: string): Promise<string | undefined>;
  /** The host name of an address. */
  nameOf(address: string): Promise<string | undefined>;
  /** The port of a service name or alias. */
  portOf(service: string, protocol: Protocol): number | undefined;
  /** The service name of a port. */
  serviceOf(port: number, protocol: Protocol): string | undefined;
}

/** The names of this host. */
export class SystemNames implements NameResolver {
  #services: ServiceNames | undefined;

  async addressOf(name: string): Promise<string | undefined> {
    // An empty name would be answered with an empty address.
    if (name === "") return undefined;
    return lookup(name, { family: 4 }).then(
      (found) => found.address,
      () => undefined,
    );
  }

  async nameOf(address: string): Promise<string | undefined> {
    const hostname = await lookupService(address, 0).then(
      (found) => found.hostname,
      () => undefined,
    );
    return hostname === address ? undefined : hostname;
  }

  portOf(service: string, protocol: Protocol): number | undefined {
    return this.#serviceNames().portOf(service, protocol);
  }

  serviceOf(port: number, protocol: Protocol): string | undefined {
    return this.#serviceNames().serviceOf(port, protocol);
  }

  #serviceNames(): ServiceNames {
    this.#services ??= readServiceNames() ?? COMMON_SERVICES;
    return this.#services;
  }
}
