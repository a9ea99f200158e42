/** Network interfaces of this host and the addresses that they have, as high availability wants and the kernel shows them. */

/** An address on an interface. */
export interface InterfaceAddress {
  readonly address: string;
  /** Length of the network's prefix. */
  readonly prefix: number;
  /** Name of the interface. */
  readonly interface: string;
}

/** An address as it is to be on an interface. */
export interface WantedAddress extends InterfaceAddress {
  /** Broadcast address, IPv4 only; absent: none. */
  readonly broadcast?: string;
  /** @default "global" */
  readonly scope?: "global" | "site" | "link" | "host";
  /** Alias, such as `eth0:1`. IPv4 only. */
  readonly label?: string;
  /** It is not to be chosen as a source address. IPv6 only. */
  readonly isDeprecated?: boolean;
}

/** An interface as it is now. */
export interface FoundInterface {
  readonly name: string;
  /** Administratively up, and with a carrier. */
  readonly isUp: boolean;
  /** Canonical text. */
  readonly addresses: readonly string[];
}
