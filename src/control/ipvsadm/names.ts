/**
 * Names of hosts and services, as ipvsadm looks them up: hosts by the system's resolver (`/etc/hosts`, DNS), services in
 * `/etc/services`. Behind an interface, so that tests bring names of their own.
 */
import { lookup, lookupService } from "node:dns/promises";
import { readFileSync } from "node:fs";
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

/** Names of services both ways, read from text in the format of services(5). */
export class ServiceNames {
  readonly #ports = new Map<string, number>();
  readonly #names = new Map<string, string>();

  constructor(text: string) {
    for (const line of text.split("\n")) {
      const [name, portAndProtocol, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
      const match = /^(\d+)\/(\w+)$/.exec(portAndProtocol ?? "");
      if (match === null) continue;
      const [, port, protocol] = match;
      const byPort = `${Number(port)}/${protocol}`;
      if (!this.#names.has(byPort)) this.#names.set(byPort, name);
      for (const alias of [name, ...aliases]) {
        if (!this.#ports.has(`${alias}/${protocol}`)) this.#ports.set(`${alias}/${protocol}`, Number(port));
      }
    }
  }

  portOf(service: string, protocol: Protocol): number | undefined {
    return this.#ports.get(`${service}/${protocol}`);
  }

  serviceOf(port: number, protocol: Protocol): string | undefined {
    return this.#names.get(`${port}/${protocol}`);
  }
}

/** The services that balancers mostly carry, for hosts and containers without /etc/services. */
const WELL_KNOWN_SERVICES = `
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp mail
domain 53/tcp
domain 53/udp
http 80/tcp www
pop3 110/tcp pop-3
ntp 123/udp
imap2 143/tcp imap
ldap 389/tcp
https 443/tcp
syslog 514/udp
ldaps 636/tcp
imaps 993/tcp
pop3s 995/tcp
mysql 3306/tcp
postgresql 5432/tcp postgres
http-alt 8080/tcp webcache
`;

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
    this.#services ??= new ServiceNames(readServices());
    return this.#services;
  }
}

function readServices(): string {
  try {
    return readFileSync("/etc/services", "utf8");
  } catch {
    return WELL_KNOWN_SERVICES;
  }
}
