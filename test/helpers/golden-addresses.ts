/** The addresses of the recordings (recordings/README.md), and how they are written there. */
import { type Endpoint, formatEndpoint } from "../../src/core/address.js";

function numbered(prefix: string, first: number, last: number, base: 10 | 16 = 10): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => `${prefix}${(first + i).toString(base)}`);
}

const VIPS = [...numbered("10.77.0.", 100, 115), ...numbered("fd77::", 0x100, 0x103, 16)];
const REALSERVERS = [...numbered("10.77.2.", 1, 6), ...numbered("fd77:2::", 1, 6)];
const CLIENTS = [1, 3, 4]
  .map((net) => numbered(`10.77.${net}.`, 1, 40))
  .concat([1, 3].map((net) => numbered(`fd77:${net}::`, 1, 32, 16)))
  .flat();
/** The director's own, on its interface eth0. */
export const DIRECTOR_ADDRESS = "10.77.0.254";

const TCP_PORTS = [80, 81, 443, 8080, 8081, 9000];
const UDP_PORTS = [53, 69, 5060, 5353, 8080];

/** Every address but the director's. */
export const ADDRESSES: readonly string[] = [...VIPS, ...REALSERVERS, ...CLIENTS];

/** Where realservers listen. */
export const REALSERVER_ENDPOINTS = { tcp: endpoints(TCP_PORTS), udp: endpoints(UDP_PORTS) };

function endpoints(ports: readonly number[]): readonly string[] {
  return REALSERVERS.flatMap((address) => ports.map((port) => formatEndpoint({ address, port })));
}

/** Reads `10.77.2.1:80`, `[fd77:2::1]:80`. */
export function parseEndpoint(text: string): Endpoint {
  const colon = text.lastIndexOf(":");
  return { address: text.slice(0, colon).replace(/[[\]]/g, ""), port: Number(text.slice(colon + 1)) };
}
