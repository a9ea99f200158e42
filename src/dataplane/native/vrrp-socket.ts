/**
 * Sends and receives protocol 112 on one interface, with a pair of sockets: one receives, bound to the group or to our
 * address; the other sends, bound to the source so that the kernel chooses no other one, and hears nothing.
 */
import { formatIp, parseIp } from "../../core/address.js";
import type { FdWatcher } from "./fd-watcher.js";
import type { Libc } from "./libc.js";
import {
  AF_INET,
  AF_INET6,
  EAGAIN,
  EINTR,
  errnoName,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  MSG_DONTWAIT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "./linux.js";
import { MessageHeader } from "./message-header.js";
import { rawSocketError } from "./raw-socket-error.js";
import { SocketAddress } from "./sockaddr.js";
import { VrrpSocketOptions } from "./vrrp-socket-options.js";

const VRRP_PROTOCOL = 112;
/** The largest message is 8 + 255 * 16 bytes and a trailer. */
const PACKET_BYTES = 8192;
/** Packets read in one go, so that a flood cannot keep the thread here. */
const MAX_DRAINED = 1024;
const IPV4_HEADER_BYTES = 20;

/** See ha/raw-sockets.ts. */
export interface VrrpSocketRequest {
  readonly family: 4 | 6;
  readonly interface: string;
  readonly source: string;
  readonly group?: string;
  readonly ttl: number;
}

/** See ha/raw-sockets.ts. */
export interface RawPacket {
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  readonly payload: Uint8Array;
}

/** See the file's head. */
export class VrrpSocket {
  readonly #libc: Libc;
  readonly #watcher: Pick<FdWatcher, "watch" | "unwatch">;
  readonly #request: VrrpSocketRequest;
  readonly #onPacket: (packet: RawPacket) => void;
  readonly #index: number;
  readonly #options: VrrpSocketOptions;
  readonly #peer: SocketAddress;
  readonly #buffer: Uint8Array;
  readonly #bufferAddress: number;
  readonly #header: MessageHeader;
  readonly #words = new Uint32Array(4);
  readonly #receiveFd: number;
  readonly #sendFd: number;
  #isClosed = false;

  /** @throws UvsError PERMISSION or SYSCALL; nothing is left open then */
  constructor(
    libc: Libc,
    watcher: Pick<FdWatcher, "watch" | "unwatch">,
    request: VrrpSocketRequest,
    onPacket: (packet: RawPacket) => void,
  ) {
    const { family, source, group, ttl } = request;
    const memory = libc.allocate(PACKET_BYTES);
    this.#libc = libc;
    this.#watcher = watcher;
    this.#request = request;
    this.#onPacket = onPacket;
    this.#index = libc.interfaceIndex(request.interface);
    if (this.#index < 0) throw rawSocketError("if_nametoindex", this.#index, request.interface);
    this.#options = new VrrpSocketOptions(libc, request.interface, this.#index, family);
    this.#peer = new SocketAddress(libc);
    this.#buffer = new Uint8Array(memory.buffer);
    this.#bufferAddress = memory.address;
    this.#header = new MessageHeader(libc, [memory.address, PACKET_BYTES], [this.#peer.address, 28]);
    const opened: number[] = [];
    try {
      this.#receiveFd = this.#open(opened);
      this.#options.deliverHopLimit(this.#receiveFd);
      if (group !== undefined) this.#options.join(this.#receiveFd, group);
      this.#bind(this.#receiveFd, group ?? source);
      this.#sendFd = this.#open(opened);
      this.#options.prepareToSend(this.#sendFd, ttl);
      this.#options.deafen(this.#sendFd);
      this.#bind(this.#sendFd, source);
      watcher.watch(this.#receiveFd, () => this.drain());
    } catch (error) {
      for (const fd of opened) libc.close(fd);
      throw error;
    }
  }

  /** @returns undefined, or the name of the errno why it was not sent */
  send(destination: string, message: Uint8Array): string | undefined {
    if (this.#isClosed) return "EBADF";
    if (message.length > PACKET_BYTES) return "EMSGSIZE";
    this.#buffer.set(message);
    const length = this.#encode(destination);
    const { address } = this.#peer;
    const sent = this.#libc.sendTo(
      this.#sendFd,
      this.#bufferAddress,
      message.length,
      MSG_DONTWAIT,
      address,
      length,
    );
    return sent < 0 ? errnoName(-sent) : undefined;
  }

  /** Hands over what has arrived, before it returns. */
  drain(): void {
    for (let i = 0; i < MAX_DRAINED && !this.#isClosed; i++) {
      this.#header.expect();
      const bytes = this.#libc.recvMessage(this.#receiveFd, this.#header.address, MSG_DONTWAIT);
      if (bytes === -EAGAIN) return;
      if (bytes === -EINTR) continue;
      // Any other errno is the interface's (ENETDOWN); it was taken off the socket by this very call.
      if (bytes >= 0) this.#deliver(bytes);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watcher.unwatch(this.#receiveFd);
    this.#libc.close(this.#receiveFd);
    this.#libc.close(this.#sendFd);
  }

  #deliver(bytes: number): void {
    // A copy: whoever is told may send, which uses the same buffer.
    const received = this.#buffer.slice(0, bytes);
    const packet = this.#request.family === 4 ? fromIpv4(received) : this.#fromIpv6(received);
    if (packet !== undefined) this.#onPacket(packet);
  }

  /** The kernel keeps the IPv6 header, and tells hop limit and destination beside the message. */
  #fromIpv6(payload: Uint8Array): RawPacket | undefined {
    const hopLimit = this.#header.control(IPPROTO_IPV6, IPV6_HOPLIMIT, 4);
    const info = this.#header.control(IPPROTO_IPV6, IPV6_PKTINFO, 20);
    if (hopLimit === undefined || info === undefined) return undefined;
    this.#peer.decode(this.#words, 0);
    const [w0, w1, w2, w3] = this.#words;
    return {
      source: formatIp(6, w0, w1, w2, w3),
      destination: formatIp(6, info.getUint32(0), info.getUint32(4), info.getUint32(8), info.getUint32(12)),
      hopLimit: hopLimit.getInt32(0, true),
      payload,
    };
  }

  #open(opened: number[]): number {
    const { family, interface: name } = this.#request;
    const domain = family === 6 ? AF_INET6 : AF_INET;
    const fd = this.#libc.socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, VRRP_PROTOCOL);
    if (fd < 0) throw rawSocketError("socket(SOCK_RAW)", fd, name);
    opened.push(fd);
    const bound = this.#libc.bindToDevice(fd, name);
    if (bound < 0) throw rawSocketError("setsockopt(SO_BINDTODEVICE)", bound, name);
    return fd;
  }

  #bind(fd: number, address: string): void {
    this.#options.allowForeignAddress(fd);
    const length = this.#encode(address);
    const result = this.#libc.bind(fd, this.#peer.address, length);
    if (result < 0) throw rawSocketError(`bind to ${address}`, result, this.#request.interface);
  }

  #encode(address: string): number {
    const words = parseIp(address)?.words ?? [0, 0, 0, 0];
    return this.#peer.encode(this.#request.family, words, 0, this.#index);
  }
}

/** Raw IPv4 sockets deliver the IP header, which the kernel has checked. @returns undefined where it is none even so */
export function fromIpv4(packet: Uint8Array): RawPacket | undefined {
  if (packet.length < IPV4_HEADER_BYTES) return undefined;
  const headerBytes = (packet[0] & 0xf) * 4;
  if (headerBytes < IPV4_HEADER_BYTES || headerBytes > packet.length) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  return {
    source: formatIp(4, view.getUint32(12)),
    destination: formatIp(4, view.getUint32(16)),
    hopLimit: packet[8],
    payload: packet.subarray(headerBytes),
  };
}
