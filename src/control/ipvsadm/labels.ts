/** Names and addresses as the listings print them. */
import { type Endpoint, formatEndpoint } from "../../core/address.js";
import type { Protocol, ServiceId } from "../../core/model.js";
import type { NameResolver } from "./names.js";

/** Longest address of an IPv4 server in a listing; IPv6 is never cut and shifts the columns. */
const ADDRESS_WIDTH = 28;
/** The protocol's column before it. */
const PROTOCOL_WIDTH = 5;

/** The text of an address and port; the protocol says in which list of service names the port is looked up. */
export type EndpointText = (endpoint: Endpoint, protocol?: Protocol) => string;

/** `10.0.0.1:80`, as with `-n`. */
export const numericText: EndpointText = (endpoint) => formatEndpoint(endpoint);

/** `www.example.net:http`: looks all the addresses up first, each once, so that the text itself can be made at once. */
export async function namedText(
  endpoints: readonly Endpoint[],
  resolver: NameResolver,
): Promise<EndpointText> {
  const addresses = [...new Set(endpoints.map((endpoint) => endpoint.address))];
  const names = await Promise.all(addresses.map((address) => resolver.nameOf(address)));
  const hosts = new Map(addresses.map((address, i) => [address, names[i] ?? address]));
  return ({ address, port }, protocol) => {
    const host = hosts.get(address) ?? address;
    const service = (protocol && resolver.serviceOf(port, protocol)) ?? port;
    return address.includes(":") ? `[${host}]:${service}` : `${host}:${service}`;
  };
}

/** `TCP  10.0.0.1:80`, `FWM  7`, `FWM  8 IPv6`; marks above 2147483647 are printed negative, as ipvsadm does. */
export function serviceColumn(id: ServiceId, text: EndpointText): string {
  if ("fwmark" in id) return `FWM  ${id.fwmark | 0}${id.family === 6 ? " IPv6" : ""}`;
  const label = id.protocol.toUpperCase().padEnd(PROTOCOL_WIDTH) + text(id, id.protocol);
  return id.address.includes(":") ? label : label.slice(0, PROTOCOL_WIDTH + ADDRESS_WIDTH);
}

/** `  -> 10.0.0.1:80   `, filled to its column. */
export function serverColumn(server: Endpoint, id: ServiceId, text: EndpointText): string {
  const label = text(server, protocolOf(id));
  const cut = server.address.includes(":") ? label : label.slice(0, ADDRESS_WIDTH);
  return `  -> ${cut.padEnd(ADDRESS_WIDTH)}`;
}

/** `-t 10.0.0.1:80`, `-f 7`, `-f 8 -6`: the service as an argument. */
export function serviceArgument(id: ServiceId, text: EndpointText): string {
  if ("fwmark" in id) return `-f ${id.fwmark | 0}${id.family === 6 ? " -6" : ""}`;
  const option = { tcp: "-t", udp: "-u", sctp: "--sctp-service" }[id.protocol];
  return `${option} ${text(id, id.protocol)}`;
}

/** undefined for a mark: its ports are never shown by name. */
export function protocolOf(id: ServiceId): Protocol | undefined {
  return "fwmark" in id ? undefined : id.protocol;
}
