/**
 * Ports by their service names (`http`), as in /etc/services. Containers often lack that file: the names that services
 * behind a director usually have are known without it.
 */
import { readFileSync } from "node:fs";
import type { Protocol } from "../core/model.js";

/** The port of a service name, or undefined where the name is unknown. */
export type PortLookup = (name: string, protocol: Protocol) => number | undefined;

/** The usual names (IANA Service Name and Transport Protocol Port Number Registry). */
const COMMON: ReadonlyMap<string, number> = new Map([
  ["ftp", 21],
  ["ssh", 22],
  ["smtp", 25],
  ["domain", 53],
  ["http", 80],
  ["pop3", 110],
  ["imap", 143],
  ["ldap", 389],
  ["https", 443],
  ["submissions", 465],
  ["submission", 587],
  ["ldaps", 636],
  ["imaps", 993],
  ["pop3s", 995],
  ["mqtt", 1883],
  ["mysql", 3306],
  ["ms-wbt-server", 3389],
  ["sip", 5060],
  ["postgresql", 5432],
  ["amqp", 5672],
  ["redis", 6379],
  ["http-alt", 8080],
]);

/** A lookup that reads the file when it is first asked, and keeps what it read. */
export function createPortLookup(file = "/etc/services"): PortLookup {
  let listed: ReadonlyMap<string, number> | undefined;
  return (name, protocol) => {
    listed ??= readServices(file);
    return listed.get(`${name}/${protocol}`) ?? COMMON.get(name);
  };
}

/** `name/protocol` to port, aliases included (services(5)); empty where the file cannot be read. */
function readServices(file: string): Map<string, number> {
  const ports = new Map<string, number>();
  for (const line of readIfPossible(file).split("\n")) {
    const [name, portAndProtocol, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const match = /^(\d{1,5})\/(\w+)$/.exec(portAndProtocol ?? "");
    if (match === null) continue;
    for (const key of [name, ...aliases].map((alias) => `${alias}/${match[2]}`)) {
      if (!ports.has(key)) ports.set(key, Number(match[1]));
    }
  }
  return ports;
}

function readIfPossible(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Without the file the common names remain, and an unknown name is refused where it stands.
    return "";
  }
}
