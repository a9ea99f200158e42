import { networkInterfaces } from "node:os";
import { canonicalIp, type Family } from "../../core/address.js";

/**
 * The address of an interface that VRRP speaks from: its first IPv4 address, or its first link-local IPv6 address.
 * @param isFloating whether an address moves between directors; such a one is passed over
 * @param wanted the configured one, which must be there
 * @returns undefined where the interface is down, unknown, or has no such address
 */
export function primaryAddress(
  interfaceName: string,
  family: Family,
  isFloating: (address: string) => boolean,
  wanted?: string,
): string | undefined {
  const addresses = (networkInterfaces()[interfaceName] ?? [])
    .filter((entry) => entry.family === `IPv${family}`)
    .map(({ address }) => canonicalIp(address) ?? address);
  if (wanted !== undefined) return addresses.find((address) => address === wanted);
  return addresses.find((address) => !isFloating(address) && (family === 4 || address.startsWith("fe80:")));
}
