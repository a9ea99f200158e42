/** What the settings of a persistent service mean for its columns. */
import { parseIp } from "../core/address.js";
import type { Persistence, ServiceId } from "../core/model.js";

/**
 * A netmask as four words to `and` an address with: dotted IPv4, or an IPv6 prefix length. As in the kernel a dotted mask
 * may have holes.
 */
export function netmaskWords({ netmask }: Persistence): number[] {
  if (typeof netmask === "string") return [parseIp(netmask)!.words[0] | 0, 0, 0, 0];
  return [0, 32, 64, 96].map((before) => {
    const bits = Math.min(32, Math.max(0, netmask - before));
    return bits === 0 ? 0 : -1 << (32 - bits);
  });
}

/**
 * Whether the persistent service's connections keep the port that the client addressed, whatever port the realserver has:
 * services of all ports, and of marks (`ip_vs_sched_persist`: the destination's port is for the service's own port only).
 */
export function keepsClientPort(id: ServiceId): boolean {
  return "fwmark" in id || id.port === 0;
}
