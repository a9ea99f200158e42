/** Sends and receives ICMP messages of one family. Needs CAP_NET_RAW. It hears every ICMP message that the host receives. */
import { formatIp, parseIp } from "../../core/address.js";
import type { FdWatcher } from "./fd-watcher.js";
import type { Libc } from "./libc.js";
import {
  AF_INET,
  AF_INET6,
  EAGAIN,
  EINTR,
  errnoName,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  MSG_DONTWAIT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "./linux.js";
import { MessageHeader } from "./message-header.js";
import { rawSocketError } from "./raw-socket-error.js";
import { SocketAddress } from "./sockaddr.js";
import { fromIpv4 } from "./vrrp-socket.js";

const PACKET_BYTES = 2048;
/** Packets read in one go, so that a flood cannot keep the thread here. */
const MAX_DRAINED = 256;

/** See ha/raw-sockets.ts. */
export type OnIcmp = (source: string, message: Uint8Array) => void;

/** See the file's head. */
export class EchoSocket {
  readonly #libc: Libc;
  readonly #watcher: FdWatcher;
  readonly #family: 4 | 6;
  readonly #onIcmp: OnIcmp;
  readonly #peer: SocketAddress;
  readonly #buffer: Uint8Array;
  readonly #bufferAddress: number;
  readonly #header: MessageHeader;
  readonly #words = new Uint32Array(4);
  readonly #fd: number;
  #isClosed = false;

  /** @throws UvsError PERMISSION or SYSCALL; nothing is left open then */
  constructor(libc: Libc, watcher: FdWatcher, family: 4 | 6, onIcmp: OnIcmp) {
    const memory = libc.allocate(PACKET_BYTES);
    this.#libc = libc;
    this.#watcher = watcher;
    this.#family = family;
    this.#onIcmp = onIcmp;
    this.#peer = new SocketAddress(libc);
    this.#buffer = new Uint8Array(memory.buffer);
    this.#bufferAddress = memory.address;
    this.#header = new MessageHeader(libc, [memory.address, PACKET_BYTES], [this.#peer.address, 28]);
    const [domain, protocol] = family === 6 ? [AF_INET6, IPPROTO_ICMPV6] : [AF_INET, IPPROTO_ICMP];
    this.#fd = libc.socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (this.#fd < 0) throw rawSocketError("socket(SOCK_RAW, ICMP)", this.#fd, "all interfaces");
    try {
      watcher.watch(this.#fd, () => this.#drain());
    } catch (error) {
      libc.close(this.#fd);
      throw error;
    }
  }

  /** @returns undefined, or the name of the errno why it was not sent */
  send(destination: string, message: Uint8Array): string | undefined {
    if (this.#isClosed) return "EBADF";
    if (message.length > PACKET_BYTES) return "EMSGSIZE";
    this.#buffer.set(message);
    const words = parseIp(destination)?.words ?? [0, 0, 0, 0];
    const length = this.#peer.encode(this.#family, words, 0, 0);
    const sent = this.#libc.sendTo(
      this.#fd,
      this.#bufferAddress,
      message.length,
      MSG_DONTWAIT,
      this.#peer.address,
      length,
    );
    return sent < 0 ? errnoName(-sent) : undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watcher.unwatch(this.#fd);
    this.#libc.close(this.#fd);
  }

  #drain(): void {
    for (let i = 0; i < MAX_DRAINED && !this.#isClosed; i++) {
      this.#header.expect();
      const bytes = this.#libc.recvMessage(this.#fd, this.#header.address, MSG_DONTWAIT);
      if (bytes === -EAGAIN) return;
      if (bytes === -EINTR) continue;
      if (bytes >= 0) this.#deliver(this.#buffer.slice(0, bytes));
    }
  }

  /** IPv4 comes with its header, IPv6 without. */
  #deliver(received: Uint8Array): void {
    if (this.#family === 4) {
      const packet = fromIpv4(received);
      if (packet !== undefined) this.#onIcmp(packet.source, packet.payload);
      return;
    }
    this.#peer.decode(this.#words, 0);
    const [w0, w1, w2, w3] = this.#words;
    this.#onIcmp(formatIp(6, w0, w1, w2, w3), received);
  }
}
