/**
 * Sockets that answers to diverted datagrams leave by. The client spoke to an address and port that no socket of the
 * service is bound to, and the answer must come from there; so one is bound to them (IP_TRANSPARENT), for as long as a
 * flow needs it. The kernel goes on giving what clients send to the diverting socket: TPROXY looks for connected sockets
 * before it, and these are not connected. Not for the hot path, but for `release`.
 */
import type { Libc } from "./libc.js";
import {
  AF_INET,
  AF_INET6,
  EMFILE,
  IP_TRANSPARENT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TRANSPARENT,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./linux.js";
import { SocketAddress } from "./sockaddr.js";

/** Addresses and ports that a thread answers from at once. */
const MAX_SOCKETS = 256;

interface ReplySocket {
  readonly name: string;
  readonly fd: number;
  users: number;
}

/** See the file's head. */
export class ReplySockets {
  readonly #libc: Libc;
  readonly #address: SocketAddress;
  readonly #byName = new Map<string, ReplySocket>();
  /** By descriptor. */
  readonly #byFd = new Map<number, ReplySocket>();

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#address = new SocketAddress(libc);
  }

  /** A socket that sends from this address, counted as used once more. @returns its descriptor, or a negated errno */
  acquire(family: number, words: Uint32Array, port: number): number {
    const name = `${family} ${words.join(" ")} ${port}`;
    const known = this.#byName.get(name);
    if (known !== undefined) {
      known.users++;
      return known.fd;
    }
    const fd = this.#byName.size < MAX_SOCKETS ? this.#open(family, words, port) : -EMFILE;
    if (fd < 0) return fd;
    const socket = { name, fd, users: 1 };
    this.#byName.set(name, socket);
    this.#byFd.set(fd, socket);
    return fd;
  }

  /** A flow does not send by this descriptor any longer; one that is not of these is none of its business. */
  release(fd: number): void {
    if (this.#byFd.size === 0) return;
    const socket = this.#byFd.get(fd);
    if (socket === undefined || --socket.users > 0) return;
    this.#byFd.delete(fd);
    this.#byName.delete(socket.name);
    this.#libc.close(fd);
  }

  #open(family: number, words: Uint32Array, port: number): number {
    const libc = this.#libc;
    const isV6 = family === 6;
    const fd = libc.socket(isV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fd;
    libc.setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (isV6) libc.setIntOption(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
    else libc.setIntOption(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
    const result = libc.bind(fd, this.#address.address, this.#address.encode(family, words, port));
    if (result === 0) return fd;
    libc.close(fd);
    return result;
  }
}
