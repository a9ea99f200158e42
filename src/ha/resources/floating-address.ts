/** A floating address as it is configured, and what the kernel is asked for. */
import { canonicalIp, familyOf, formatIp, parseIp } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import type { WantedAddress } from "../../core/network-interface.js";
import type { HeldAddress } from "./held-note.js";

/** One floating address. */
export interface FloatingAddress extends HeldAddress {
  /** Canonical text. */
  readonly address: string;
  /** Length of the network's prefix. */
  readonly prefix: number;
  readonly interface: string;
  /** Broadcast address; `+` computes it from the prefix. IPv4 only. @default "+" below /31 */
  readonly broadcast?: string;
  /** @default "global" */
  readonly scope?: "global" | "site" | "link" | "host";
  /** Alias, such as `eth0:1`. */
  readonly label?: string;
}

const INTERFACE_NAME = /^[^\s/]{1,15}$/;

/**
 * Checks a floating address.
 * @throws UvsError INVALID, naming key, value and what is accepted
 */
export function checkFloating(floating: FloatingAddress): void {
  const { address, prefix, interface: name, broadcast, label } = floating;
  const refuse = (key: string, found: unknown, accepted: string): never => {
    throw new UvsError("INVALID", `floating ${address}: ${key}: found ${found}, accepted is ${accepted}`, {
      side: "config",
      details: { address, key, found: String(found) },
    });
  };
  if (canonicalIp(address) !== address) refuse("address", address, "an address in canonical form");
  const longest = familyOf(address) === 4 ? 32 : 128;
  if (!Number.isInteger(prefix) || prefix < 1 || prefix > longest)
    refuse("prefix", prefix, `1 to ${longest}`);
  if (!INTERFACE_NAME.test(name)) refuse("interface", name, "a name of 1 to 15 characters");
  if (
    broadcast !== undefined &&
    broadcast !== "+" &&
    (longest === 128 || canonicalIp(broadcast) !== broadcast)
  ) {
    refuse("broadcast", broadcast, "an IPv4 address or +, for IPv4 only");
  }
  if (label !== undefined && !(INTERFACE_NAME.test(label) && label.startsWith(name))) {
    refuse("label", label, `at most 15 characters that begin with ${name}`);
  }
}

/** What is asked of the kernel for it. */
export function wantedAddress(floating: FloatingAddress): WantedAddress {
  const { address, prefix, interface: name, broadcast, scope, label } = floating;
  const shared = { address, prefix, interface: name, ...(scope !== undefined && { scope }) };
  // A /128 is not to be a source address.
  if (familyOf(address) === 6) return { ...shared, ...(prefix === 128 && { isDeprecated: true }) };
  const computed = prefix < 31 ? lastOfNetwork(address, prefix) : undefined;
  const chosen = broadcast === undefined || broadcast === "+" ? computed : broadcast;
  return {
    ...shared,
    ...(chosen !== undefined && { broadcast: chosen }),
    ...(label !== undefined && { label }),
  };
}

function lastOfNetwork(address: string, prefix: number): string {
  const [word] = parseIp(address)?.words ?? [0];
  return formatIp(4, (word | (0xffffffff >>> prefix)) >>> 0);
}
