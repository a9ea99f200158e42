/**
 * The order of a sorted listing. ipvsadm subtracts marks and address words as 32-bit integers and looks at the sign, so
 * values more than 2^31 apart stand the wrong way round (192.0.2.1 before 10.0.0.1). Source: libipvs, ipvs_cmp_*.
 */
import { type Endpoint, parseIp } from "../../core/address.js";
import type { ServiceId } from "../../core/model.js";

/** IANA protocol numbers. */
const PROTOCOL_NUMBER = { tcp: 6, udp: 17, sctp: 132 } as const;

/** By mark (addresses have mark 0), family, protocol, address, port. */
export function sortServices<Service extends { readonly id: ServiceId }>(
  services: readonly Service[],
): Service[] {
  return byKey(services, ({ id }) => serviceKeys(id));
}

/** By address and port; an IPv6 address and an IPv4 one are compared by their first 32 bits. */
export function sortServers<Server extends Endpoint>(servers: readonly Server[]): Server[] {
  return byKey(servers, endpointKeys);
}

function serviceKeys(id: ServiceId): number[] {
  if ("fwmark" in id) return [id.fwmark, id.family];
  const family = id.address.includes(":") ? 6 : 4;
  return [0, family, PROTOCOL_NUMBER[id.protocol], ...endpointKeys(id)];
}

function endpointKeys({ address, port }: Endpoint): number[] {
  const [w0, w1, w2, w3] = parseIp(address)?.words ?? [0, 0, 0, 0];
  return [w0, w1, w2, w3, port];
}

/** Keys are made once each; rows with as many keys as they have in common are equal. */
function byKey<Row>(rows: readonly Row[], keysOf: (row: Row) => number[]): Row[] {
  return rows
    .map((row) => ({ row, keys: keysOf(row) }))
    .sort((a, b) => compareKeys(a.keys, b.keys))
    .map(({ row }) => row);
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] - b[i]) | 0;
    if (difference !== 0) return difference;
  }
  return 0;
}
