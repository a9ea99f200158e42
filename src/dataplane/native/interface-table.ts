/**
 * Interfaces and their addresses by rtnetlink(7), as `ha/links/interfaces.ts` wants them. Changing addresses needs
 * CAP_NET_ADMIN, looking at them nothing.
 *
 * | byte | struct ifaddrmsg (8) | struct ifinfomsg (16) |
 * |---|---|---|
 * | 0 | family | family |
 * | 1 | length of the prefix | |
 * | 2 | flags | type, 2 bytes |
 * | 3 | scope | |
 * | 4 | interface index, 4 bytes | interface index, 4 bytes |
 * | 8 | | flags, 4 bytes |
 */
import { formatIp, parseIp } from "../../core/address.js";
import type { FoundInterface, InterfaceAddress, WantedAddress } from "../../core/network-interface.js";
import type { Libc } from "./libc.js";
import { AF_INET, AF_INET6, ENODEV, errnoName } from "./linux.js";
import {
  Netlink,
  type NetlinkAttribute,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  netlinkAttribute,
} from "./netlink.js";
import { syscallError } from "./syscall-error.js";

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const ADDRESS_BYTES = 8;
const LINK_BYTES = 16;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_F_NODAD = 0x02;
const SCOPES = { global: 0, site: 200, link: 253, host: 254 } as const;
const IFF_UP = 0x1;
const IFF_LOWER_UP = 0x10000;
/** struct ifa_cacheinfo: preferred and valid life time in seconds, two times of the kernel's own. */
const CACHEINFO_BYTES = 16;
const FOR_EVER = 0xffffffff;

/** See the file's head. */
export class InterfaceTable {
  readonly #libc: Libc;
  readonly #netlink: Netlink;

  /** @throws UvsError SYSCALL */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#netlink = new Netlink(libc);
  }

  /** @returns undefined, or the name of an errno */
  add(wanted: WantedAddress): string | undefined {
    const { address, broadcast, label, isDeprecated } = wanted;
    const attributes = ownAddress(address);
    if (broadcast !== undefined) attributes.push({ type: IFA_BROADCAST, value: bytesOf(broadcast) });
    if (label !== undefined) attributes.push({ type: IFA_LABEL, value: Buffer.from(`${label}\0`) });
    if (isDeprecated) attributes.push({ type: IFA_CACHEINFO, value: deprecated() });
    return this.#change(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, wanted, attributes);
  }

  /** @returns undefined, or the name of an errno */
  remove(held: InterfaceAddress): string | undefined {
    return this.#change(RTM_DELADDR, NLM_F_ACK, held, ownAddress(held.address));
  }

  /** How interfaces are now; those that do not exist are left out. @throws UvsError SYSCALL */
  look(names: readonly string[]): FoundInterface[] {
    return names.flatMap((name) => this.#lookAt(name) ?? []);
  }

  close(): void {
    this.#netlink.close();
  }

  #change(
    type: number,
    flags: number,
    { address, prefix, interface: name, scope }: WantedAddress,
    attributes: readonly NetlinkAttribute[],
  ): string | undefined {
    const index = this.#libc.interfaceIndex(name);
    if (index < 0) return errnoName(-index);
    const isV6 = parseIp(address)?.family === 6;
    const fixed = addressMessage(isV6 ? AF_INET6 : AF_INET, index);
    fixed[1] = prefix;
    // Nobody has to ask whether the address is free: the election has settled it.
    fixed[2] = isV6 ? IFA_F_NODAD : 0;
    fixed[3] = SCOPES[scope ?? "global"];
    const result = this.#netlink.ask(type, flags, fixed, attributes);
    return result < 0 ? errnoName(-result) : undefined;
  }

  #lookAt(name: string): FoundInterface | undefined {
    const index = this.#libc.interfaceIndex(name);
    if (index < 0) return undefined;
    let flags = 0;
    const link = new Uint8Array(LINK_BYTES);
    new DataView(link.buffer).setInt32(4, index, true);
    const found = this.#netlink.ask(RTM_GETLINK, 0, link, [], ({ type, view, at }) => {
      if (type === RTM_NEWLINK) flags = view.getUint32(at + 8, true);
    });
    // It has gone since its name was looked up.
    if (found === -ENODEV) return undefined;
    const addresses: string[] = [];
    const dumped = this.#netlink.ask(RTM_GETADDR, NLM_F_DUMP, addressMessage(0, index), [], (message) => {
      const address = addressOf(message, index);
      if (address !== undefined) addresses.push(address);
    });
    const failure = found < 0 ? found : dumped;
    if (failure < 0 && failure !== -ENODEV) {
      throw syscallError(`netlink on ${name}`, failure, "the kernel does not tell of its interfaces");
    }
    return { name, isUp: (flags & IFF_UP) !== 0 && (flags & IFF_LOWER_UP) !== 0, addresses };
  }
}

function addressMessage(family: number, index: number): Uint8Array {
  const fixed = new Uint8Array(ADDRESS_BYTES);
  fixed[0] = family;
  new DataView(fixed.buffer).setUint32(4, index, true);
  return fixed;
}

/** IPv4 knows the address by the one, IPv6 by the other; they differ only on a point-to-point link. */
function ownAddress(address: string): NetlinkAttribute[] {
  const value = bytesOf(address);
  return [
    { type: IFA_LOCAL, value },
    { type: IFA_ADDRESS, value },
  ];
}

function addressOf(message: NetlinkMessage, index: number): string | undefined {
  const { type, view, at } = message;
  if (type !== RTM_NEWADDR || view.getUint32(at + 4, true) !== index) return undefined;
  const value =
    netlinkAttribute(message, ADDRESS_BYTES, IFA_LOCAL) ??
    netlinkAttribute(message, ADDRESS_BYTES, IFA_ADDRESS);
  if (value?.byteLength === 4) return formatIp(4, value.getUint32(0));
  if (value?.byteLength !== 16) return undefined;
  return formatIp(6, value.getUint32(0), value.getUint32(4), value.getUint32(8), value.getUint32(12));
}

function deprecated(): Uint8Array {
  const info = new DataView(new ArrayBuffer(CACHEINFO_BYTES));
  info.setUint32(4, FOR_EVER, true);
  return new Uint8Array(info.buffer);
}

function bytesOf(address: string): Uint8Array {
  const { family = 4, words = [0] } = parseIp(address) ?? {};
  const view = new DataView(new ArrayBuffer(family === 4 ? 4 : 16));
  for (let i = 0; i * 4 < view.byteLength; i++) view.setUint32(i * 4, words[i]);
  return new Uint8Array(view.buffer);
}
