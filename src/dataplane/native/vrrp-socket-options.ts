/** Makes raw sockets ready for VRRP (ip(7), ipv6(7), packet filter: socket(7)). */
import { parseIp } from "../../core/address.js";
import type { Libc, NativeMemory } from "./libc.js";
import {
  IP_ADD_MEMBERSHIP,
  IP_FREEBIND,
  IP_MULTICAST_ALL,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_FREEBIND,
  IPV6_MULTICAST_ALL,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  SO_ATTACH_FILTER,
  SOL_SOCKET,
} from "./linux.js";
import { rawSocketError } from "./raw-socket-error.js";

/** CS6, network control: what keepalived sends with. */
const TRAFFIC_CLASS = 0xc0;
const SCRATCH_BYTES = 32;

/** Sets options on the sockets of one interface and family. Every method: @throws UvsError PERMISSION or SYSCALL */
export class VrrpSocketOptions {
  readonly #libc: Libc;
  readonly #interface: string;
  readonly #index: number;
  readonly #isV4: boolean;
  readonly #scratch: NativeMemory;
  readonly #view: DataView;

  constructor(libc: Libc, interfaceName: string, index: number, family: 4 | 6) {
    this.#libc = libc;
    this.#interface = interfaceName;
    this.#index = index;
    this.#isV4 = family === 4;
    this.#scratch = libc.allocate(SCRATCH_BYTES);
    this.#view = new DataView(this.#scratch.buffer);
  }

  /** An IPv6 packet comes with hop limit and destination beside it; an IPv4 packet has them in its header. */
  deliverHopLimit(fd: number): void {
    if (this.#isV4) return;
    this.#setInt(fd, "IPV6_RECVHOPLIMIT", IPV6_RECVHOPLIMIT, 1);
    this.#setInt(fd, "IPV6_RECVPKTINFO", IPV6_RECVPKTINFO, 1);
  }

  /** Listens to a group on this interface, and to no group that another socket has joined. */
  join(fd: number, group: string): void {
    if (this.#isV4) {
      this.#setInt(fd, "IP_MULTICAST_ALL", IP_MULTICAST_ALL, 0);
      this.#setMreqn(fd, "IP_ADD_MEMBERSHIP", IP_ADD_MEMBERSHIP, group);
      return;
    }
    this.#setInt(fd, "IPV6_MULTICAST_ALL", IPV6_MULTICAST_ALL, 0);
    // struct ipv6_mreq: group, index.
    parseIp(group)?.words.forEach((word, i) => {
      this.#view.setUint32(4 * i, word);
    });
    this.#view.setInt32(16, this.#index, true);
    this.#set(fd, "IPV6_ADD_MEMBERSHIP", IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, 20);
  }

  /** What is sent has this TTL or hop limit, goes out on this interface and is not looped back. */
  prepareToSend(fd: number, ttl: number): void {
    if (this.#isV4) {
      this.#setInt(fd, "IP_TTL", IP_TTL, ttl);
      this.#setInt(fd, "IP_MULTICAST_TTL", IP_MULTICAST_TTL, ttl);
      this.#setInt(fd, "IP_MULTICAST_LOOP", IP_MULTICAST_LOOP, 0);
      this.#setInt(fd, "IP_TOS", IP_TOS, TRAFFIC_CLASS);
      this.#setMreqn(fd, "IP_MULTICAST_IF", IP_MULTICAST_IF, "0.0.0.0");
    } else {
      this.#setInt(fd, "IPV6_UNICAST_HOPS", IPV6_UNICAST_HOPS, ttl);
      this.#setInt(fd, "IPV6_MULTICAST_HOPS", IPV6_MULTICAST_HOPS, ttl);
      this.#setInt(fd, "IPV6_MULTICAST_LOOP", IPV6_MULTICAST_LOOP, 0);
      this.#setInt(fd, "IPV6_TCLASS", IPV6_TCLASS, TRAFFIC_CLASS);
      this.#setInt(fd, "IPV6_MULTICAST_IF", IPV6_MULTICAST_IF, this.#index);
    }
  }

  /** Receives nothing: a packet filter of one instruction that accepts no byte. */
  deafen(fd: number): void {
    const instructionAt = 16;
    // struct sock_filter: BPF_RET | BPF_K, no jumps, 0.
    this.#view.setBigUint64(instructionAt, 0x06n, true);
    // struct sock_fprog: number of instructions, their address.
    this.#view.setBigUint64(0, 1n, true);
    this.#view.setBigUint64(8, BigInt(this.#scratch.address + instructionAt), true);
    this.#set(fd, "SO_ATTACH_FILTER", SOL_SOCKET, SO_ATTACH_FILTER, 16);
  }

  /** Lets `bind` take an address that the host does not have yet. */
  allowForeignAddress(fd: number): void {
    if (this.#isV4) this.#setInt(fd, "IP_FREEBIND", IP_FREEBIND, 1);
    else this.#setInt(fd, "IPV6_FREEBIND", IPV6_FREEBIND, 1);
  }

  /** struct ip_mreqn: group, local address, index. */
  #setMreqn(fd: number, name: string, option: number, group: string): void {
    this.#view.setUint32(0, parseIp(group)?.words[0] ?? 0);
    this.#view.setUint32(4, 0);
    this.#view.setInt32(8, this.#index, true);
    this.#set(fd, name, IPPROTO_IP, option, 12);
  }

  #setInt(fd: number, name: string, option: number, value: number): void {
    this.#view.setInt32(0, value, true);
    this.#set(fd, name, this.#isV4 ? IPPROTO_IP : IPPROTO_IPV6, option, 4);
  }

  #set(fd: number, name: string, level: number, option: number, bytes: number): void {
    const result = this.#libc.setOption(fd, level, option, this.#scratch.address, bytes);
    if (result < 0) throw rawSocketError(`setsockopt(${name})`, result, this.#interface);
  }
}
