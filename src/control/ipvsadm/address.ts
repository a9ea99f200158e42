/** Addresses on the command line: `host[:port]`, `[IPv6]:port`, bare IPv6, with ipvsadm's corner cases. */
import { type Family, formatIp, parseIp } from "../../core/address.js";
import type { Protocol } from "../../core/model.js";
import type { NameResolver } from "./names.js";
import { inetAton, wholeNumber } from "./values.js";

/** An address as given; the port is undefined where none was. */
export interface GivenAddress {
  readonly family: Family;
  readonly address: string;
  readonly port?: number;
}

/**
 * Reads an address with an optional port, which may be a service name of the protocol.
 *
 * As in ipvsadm: a word of digits only and `[addr]` without a port are no addresses, a bare IPv6 address is taken whole,
 * `10.77.0` is 10.77.0.0 (inet_aton), and `[10.0.0.1]:80` loses its port.
 * @param protocol undefined where no service came before; then no service name is known
 * @returns undefined where it is none
 */
export async function parseAddress(
  text: string,
  protocol: Protocol | undefined,
  resolver: NameResolver,
): Promise<GivenAddress | undefined> {
  if (/^\d*$/.test(text)) return undefined;
  const bracketed = text.startsWith("[");
  const match = bracketed ? /^\[([^\]]*)\]:(.*)$/s.exec(text) : undefined;
  if (match === null) return undefined;
  const [, inner, innerPort] = match ?? [text, text];

  const ip = parseIp(inner);
  if (ip?.family === 6) return withPort(6, formatIp(6, ...ip.words), innerPort, protocol, resolver);

  const colon = inner.lastIndexOf(":");
  const host = colon < 0 ? inner : inner.slice(0, colon);
  const address = await parseHost(host, resolver);
  if (address === undefined) return undefined;
  return withPort(4, address, colon < 0 ? undefined : inner.slice(colon + 1), protocol, resolver);
}

/** An IPv4 address as inet_aton reads it, or a host name's. */
export async function parseHost(text: string, resolver: NameResolver): Promise<string | undefined> {
  return inetAton(text) ?? (await resolver.addressOf(text));
}

function withPort(
  family: Family,
  address: string,
  text: string | undefined,
  protocol: Protocol | undefined,
  resolver: NameResolver,
): GivenAddress | undefined {
  if (text === undefined) return { family, address };
  const port = wholeNumber(text, 0, 65535) ?? (protocol && resolver.portOf(text, protocol));
  return port === undefined ? undefined : { family, address, port };
}
