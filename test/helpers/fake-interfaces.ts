import type { FoundInterface, WantedAddress } from "../../src/core/network-interface.js";
import type { Interfaces } from "../../src/ha/links/interfaces.js";
import type { HeldAddress } from "../../src/ha/resources/held-note.js";

/** Interfaces in memory: `eth0` is up and has nothing. */
export class FakeInterfaces implements Interfaces {
  /** Addresses by interface. */
  readonly addresses = new Map<string, Set<string>>([["eth0", new Set()]]);
  /** Everything that was asked for, in order. */
  readonly asked: (readonly ["add", WantedAddress] | readonly ["remove", HeldAddress])[] = [];
  /** The errno that it answers to every request for an address, instead of doing it. */
  refusal: string | undefined;

  add(wanted: WantedAddress): string | undefined {
    this.asked.push(["add", wanted]);
    const addresses = this.addresses.get(wanted.interface);
    if (addresses === undefined) return "ENODEV";
    if (this.refusal !== undefined) return this.refusal;
    if (addresses.has(wanted.address)) return "EEXIST";
    addresses.add(wanted.address);
    return undefined;
  }

  remove(held: HeldAddress): string | undefined {
    this.asked.push(["remove", held]);
    const addresses = this.addresses.get(held.interface);
    if (addresses === undefined) return "ENODEV";
    return addresses.delete(held.address) ? undefined : "EADDRNOTAVAIL";
  }

  look(names: readonly string[]): FoundInterface[] {
    return names.flatMap((name) => {
      const addresses = this.addresses.get(name);
      return addresses === undefined ? [] : [{ name, isUp: true, addresses: [...addresses] }];
    });
  }

  has(interfaceName: string, address: string): boolean {
    return this.addresses.get(interfaceName)?.has(address) === true;
  }
}
