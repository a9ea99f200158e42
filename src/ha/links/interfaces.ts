/**
 * The interfaces of this host and the addresses that they have. Every call asks the kernel and has its answer when it
 * returns: an address is there a few dozen microseconds after it was wanted, and nothing else can come between. The
 * composition root fills this from the native data plane's netlink.
 */
import type { FoundInterface, InterfaceAddress, WantedAddress } from "../../core/network-interface.js";

/** See the file's head. */
export interface Interfaces {
  /**
   * Adds an address; IPv6 without asking the link whether it is free.
   * @returns undefined, or the name of the errno why it was not added: EEXIST, EPERM, ENODEV
   */
  add(address: WantedAddress): string | undefined;
  /** @returns undefined, or the name of the errno why it was not removed: EADDRNOTAVAIL, EPERM, ENODEV */
  remove(address: InterfaceAddress): string | undefined;
  /** How interfaces are now; those that do not exist are left out. @throws UvsError SYSCALL */
  look(names: readonly string[]): FoundInterface[];
}

/** Key of an address on an interface. */
export function addressKey(interfaceName: string, address: string): string {
  return `${interfaceName} ${address}`;
}

/** The addresses of interfaces, by `addressKey`. */
export function addressKeys(found: readonly FoundInterface[]): Set<string> {
  return new Set(
    found.flatMap(({ name, addresses }) => addresses.map((address) => addressKey(name, address))),
  );
}
