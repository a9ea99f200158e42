/** The names that the director of the recordings knew (its /etc/hosts), and Debian's services that they use. */
import { ServiceNames } from "../../src/config/service-names.js";
import type { NameResolver } from "../../src/control/ipvsadm/names.js";
import type { Protocol } from "../../src/core/model.js";

const HOSTS: readonly (readonly [address: string, name: string])[] = [
  ["10.77.0.100", "www.golden.test"],
  ["10.77.0.101", "a-rather-long-service-host-name.golden.test"],
  ["10.77.2.1", "rs1.golden.test"],
  ["10.77.2.2", "rs2.golden.test"],
  ["127.0.0.1", "localhost"],
  ["::1", "localhost"],
];

const SERVICES = `
domain 53/tcp
domain 53/udp
http 80/tcp www
kerberos 88/tcp kerberos5 krb5 kerberos-sec
https 443/tcp
sip 5060/tcp
sip 5060/udp
mdns 5353/udp
http-alt 8080/tcp webcache
`;

class GoldenNames implements NameResolver {
  readonly #services = new ServiceNames(SERVICES);

  async addressOf(name: string): Promise<string | undefined> {
    return HOSTS.find(([address, host]) => host === name && !address.includes(":"))?.[0];
  }

  async nameOf(address: string): Promise<string | undefined> {
    return HOSTS.find(([host]) => host === address)?.[1];
  }

  portOf(service: string, protocol: Protocol): number | undefined {
    return this.#services.portOf(service, protocol);
  }

  serviceOf(port: number, protocol: Protocol): string | undefined {
    return this.#services.serviceOf(port, protocol);
  }
}

/** For `runIpvsadm` where recordings are replayed. */
export const GOLDEN_NAMES: NameResolver = new GoldenNames();
