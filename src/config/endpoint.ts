/** `ADDRESS:PORT` and its parts. Addresses are literal: uvs never asks a name server. */
import { canonicalIp, type Endpoint } from "../core/address.js";
import type { Protocol } from "../core/model.js";
import type { PortLookup } from "./port-names.js";
import { refuse, show } from "./refuse.js";

/** A text that is being read, with what messages say about it. */
export interface Source {
  /** The whole value, as it stands in the file. */
  readonly text: string;
  /** What is accepted there. */
  readonly accepted: string;
}

/** The two parts as written; no port where there is none. */
export interface HostPort {
  readonly host: string;
  readonly port?: string;
}

/**
 * Splits at the colon in front of the port: `10.0.0.1:80`, `[fd77::1]:http`, `10.0.0.1`, `fd77::1`. Text with several
 * colons and no brackets is an IPv6 address without port.
 */
export function splitHostPort(text: string): HostPort {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1], port: bracketed[2] };
  const colon = text.indexOf(":");
  if (colon < 0 || colon !== text.lastIndexOf(":")) return { host: text };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

/** The canonical text of an address. @throws UvsError INVALID saying why it is none */
export function parseAddress(host: string, source: Source): string {
  return canonicalIp(host) ?? refuse(source.text, source.accepted, whyNoAddress(host));
}

/**
 * The number of a port, or of a service name.
 * @param min 0 where that stands for any port
 * @throws UvsError INVALID
 */
export function parsePort(
  port: string | undefined,
  protocol: Protocol,
  portOf: PortLookup,
  source: Source,
  min: 0 | 1 = 1,
): number {
  const refusePort = (reason: string): never => refuse(source.text, source.accepted, reason);
  if (!port) return refusePort("the port is missing");
  if (!/^\d+$/.test(port)) {
    return portOf(port, protocol) ?? refusePort(`no ${protocol} service is called ${show(port)}`);
  }
  const number = Number(port);
  return number >= min && number <= 65535 ? number : refusePort(`port ${port} is outside of ${min} to 65535`);
}

/** Text, or the refusal of what is none: YAML reads an unquoted `[fd77::1]` as a list. */
export function requireText(input: unknown, accepted: string): string {
  if (typeof input === "string") return input;
  return refuse(
    input,
    accepted,
    Array.isArray(input) ? "an address in brackets must stand in quotes" : undefined,
  );
}

/** One address with its port, as for `sorry`. @throws UvsError INVALID */
export function parseEndpoint(input: unknown, portOf: PortLookup): Endpoint {
  const accepted = 'ADDRESS:PORT such as 127.0.0.1:8080 or "[fd77::1]:http"';
  const source = { text: requireText(input, accepted), accepted };
  const { host, port } = splitHostPort(source.text);
  const address = parseAddress(host, source);
  return { address, port: parsePort(port, "tcp", portOf, source) };
}

function whyNoAddress(host: string): string {
  if (host === "") return "the address is missing";
  if (host.includes("%")) return "addresses with a zone are not supported";
  // The last label of a host name has a letter, that of a mistyped address has none (RFC 1123, 2.1).
  if (/^([a-z0-9_-]+\.)*[0-9_-]*[a-z][a-z0-9_-]*\.?$/i.test(host)) {
    return `${show(host)} is a host name; names are not looked up, so that no name server decides where clients go`;
  }
  return `${show(host)} is not an IP address`;
}
