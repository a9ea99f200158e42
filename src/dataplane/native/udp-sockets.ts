/** What makes a bound UDP socket one that clients of a service send to. */
import type { Libc } from "./libc.js";
import {
  IP_PKTINFO,
  IP_RECVORIGDSTADDR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVORIGDSTADDR,
  IPV6_RECVPKTINFO,
  MSG_TRUNC,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOL_SOCKET,
} from "./linux.js";

/** Bytes of datagrams that may wait in a socket: a burst of some thousands, and what comes while a forwarder is replaced. */
const BUFFER_BYTES = 4 << 20;

/** Datagrams that can have come between binding the first socket of a group and the last. */
const EARLY_DATAGRAMS = 100_000;

/**
 * Options that are to be 1: those by which each datagram says what the client spoke to, where the socket's own address
 * does not. @returns name, level and number of each
 */
export function datagramOptions(
  family: 4 | 6,
  isAny: boolean,
  isTransparent: boolean,
): (readonly [name: string, level: number, option: number])[] {
  if (isTransparent) {
    return family === 6
      ? [["IPV6_RECVORIGDSTADDR", IPPROTO_IPV6, IPV6_RECVORIGDSTADDR]]
      : [["IP_RECVORIGDSTADDR", IPPROTO_IP, IP_RECVORIGDSTADDR]];
  }
  if (!isAny) return [];
  return family === 6
    ? [["IPV6_RECVPKTINFO", IPPROTO_IPV6, IPV6_RECVPKTINFO]]
    : [["IP_PKTINFO", IPPROTO_IP, IP_PKTINFO]];
}

/** Makes room for bursts: beyond net.core.rmem_max and wmem_max where the process may do that, else up to them. */
export function widenBuffers(libc: Libc, fd: number): void {
  for (const [forced, usual] of [
    [SO_RCVBUFFORCE, SO_RCVBUF],
    [SO_SNDBUFFORCE, SO_SNDBUF],
  ]) {
    if (libc.setIntOption(fd, SOL_SOCKET, forced, BUFFER_BYTES) < 0) {
      libc.setIntOption(fd, SOL_SOCKET, usual, BUFFER_BYTES);
    }
  }
}

/**
 * Drops what came while a group of sockets was being bound: each new socket changes which of them the kernel gives a client
 * to, and a client must not be known to two threads.
 */
export function forgetDatagrams(libc: Libc, fd: number): void {
  for (let i = 0; i < EARLY_DATAGRAMS && libc.recv(fd, 0, 0, MSG_TRUNC) >= 0; i++);
}
