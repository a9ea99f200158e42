/**
 * Names of services (`http`), as in /etc/services. Containers often lack that file: the names that services behind a
 * director usually have are known without it.
 */
import { readFileSync } from "node:fs";
import type { Protocol } from "../core/model.js";

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

/** The usual names (IANA Service Name and Transport Protocol Port Number Registry). */
export const COMMON_SERVICES = new ServiceNames(`
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
submissions 465/tcp
syslog 514/udp
submission 587/tcp
ldaps 636/tcp
imaps 993/tcp
pop3s 995/tcp
mqtt 1883/tcp
mysql 3306/tcp
ms-wbt-server 3389/tcp
sip 5060/tcp
sip 5060/udp
postgresql 5432/tcp postgres
amqp 5672/tcp
redis 6379/tcp
http-alt 8080/tcp webcache
`);

/** The names of a file in the format of services(5), or undefined where it cannot be read. */
export function readServiceNames(file = "/etc/services"): ServiceNames | undefined {
  try {
    return new ServiceNames(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
