/**
 * Opens the sockets that clients of a service speak to: one for each data plane thread, sharing the address by
 * SO_REUSEPORT. What an accepted socket shall have is set here once and inherited. IP_FREEBIND lets a backup director listen on a VIP that it
 * does not own yet.
 */
import { type Endpoint, formatEndpoint, parseIp } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import type { Libc } from "./libc.js";
import {
  AF_INET,
  AF_INET6,
  EACCES,
  EADDRINUSE,
  EPERM,
  errnoName,
  IP_FREEBIND,
  IP_TRANSPARENT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_FREEBIND,
  IPV6_TRANSPARENT,
  IPV6_V6ONLY,
  SO_MARK,
  SO_OOBINLINE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from "./linux.js";
import { SocketAddress } from "./sockaddr.js";
import { syscallError } from "./syscall-error.js";
import { datagramOptions, forgetDatagrams, widenBuffers } from "./udp-sockets.js";

/** What a socket carries. */
export type Transport = "tcp" | "udp";

/** Clients that may wait to be accepted; the kernel lowers it to net.core.somaxconn. */
const BACKLOG = 65535;

/** First port that needs no right of its own where net.ipv4.ip_unprivileged_port_start was not changed. */
const FIRST_FREE_PORT = 1024;

/**
 * Binds and listens.
 * @param endpoint address in canonical text; port 0 lets the kernel choose one, the same for all sockets
 * @param count sockets that share the address, at least 1
 * @param transparentMark takes connections to any address that the kernel diverts to it (IP_TRANSPARENT); the sockets and
 * those accepted from them have this SO_MARK
 * @param transport of UDP the sockets are bound, and prepared for datagrams (udp-sockets.ts)
 * @returns descriptors, non-blocking and close-on-exec, which are the caller's
 * @throws UvsError INVALID, ADDRESS_IN_USE, PERMISSION or SYSCALL; nothing is left open then
 */
export function openListeners(
  libc: Libc,
  endpoint: Endpoint,
  count: number,
  transparentMark?: number,
  transport: Transport = "tcp",
): number[] {
  const opener = new Opener(libc, endpoint, transparentMark, transport);
  const fds: number[] = [];
  try {
    if (count > 1 && endpoint.port !== 0) opener.probe();
    for (let i = 0; i < count; i++) fds.push(opener.open(count > 1));
    if (transport === "udp" && count > 1) for (const fd of fds) forgetDatagrams(libc, fd);
    return fds;
  } catch (error) {
    for (const fd of fds) libc.close(fd);
    throw error;
  }
}

/** The port that a socket is bound to. @throws UvsError SYSCALL */
export function boundPort(libc: Libc, fd: number): number {
  const address = new SocketAddress(libc);
  address.expect();
  const result = libc.getsockname(fd, address.address, address.lengthAddress);
  if (result < 0) throw syscallError("getsockname", result, "the descriptor is no socket");
  return address.port;
}

class Opener {
  readonly #libc: Libc;
  readonly #where: string;
  readonly #family: 4 | 6;
  readonly #words: readonly number[];
  readonly #sockaddr: SocketAddress;
  readonly #transparentMark: number | undefined;
  readonly #isUdp: boolean;
  #port: number;

  constructor(libc: Libc, endpoint: Endpoint, transparentMark: number | undefined, transport: Transport) {
    const address = parseIp(endpoint.address);
    if (!address) {
      throw new UvsError(
        "INVALID",
        `listen: found ${endpoint.address}, accepted is an IPv4 or IPv6 address`,
        {
          details: { field: "address", found: endpoint.address },
        },
      );
    }
    this.#libc = libc;
    this.#where = formatEndpoint(endpoint);
    this.#family = address.family;
    this.#words = address.words;
    this.#port = endpoint.port;
    this.#transparentMark = transparentMark;
    this.#isUdp = transport === "udp";
    this.#sockaddr = new SocketAddress(libc);
  }

  /**
   * Finds another program of the same user on the address, which SO_REUSEPORT would let share it: a socket without that
   * option cannot be bound then.
   */
  probe(): void {
    this.#libc.close(this.#bind(false));
  }

  open(reusePort: boolean): number {
    const fd = this.#bind(reusePort);
    const result = this.#isUdp ? 0 : this.#libc.listen(fd, BACKLOG);
    if (result < 0) throw this.#refused(fd, "listen", -result);
    if (this.#port === 0) this.#port = boundPort(this.#libc, fd);
    return fd;
  }

  #bind(reusePort: boolean): number {
    const libc = this.#libc;
    const domain = this.#family === 6 ? AF_INET6 : AF_INET;
    const type = this.#isUdp ? SOCK_DGRAM : SOCK_STREAM;
    const fd = libc.socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw this.#refused(-1, "socket", -fd);
    // Of UDP it would let others share the address.
    if (!this.#isUdp) this.#set(fd, "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR);
    if (reusePort) this.#set(fd, "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT);
    if (this.#family === 6) {
      this.#set(fd, "IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY);
      this.#set(fd, "IPV6_FREEBIND", IPPROTO_IPV6, IPV6_FREEBIND);
    } else {
      this.#set(fd, "IP_FREEBIND", IPPROTO_IP, IP_FREEBIND);
    }
    if (this.#transparentMark !== undefined) this.#makeTransparent(fd, this.#transparentMark);
    if (this.#isUdp) {
      this.#prepareForDatagrams(fd);
    } else {
      this.#set(fd, "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY);
      this.#set(fd, "SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE);
    }
    const length = this.#sockaddr.encode(this.#family, this.#words, this.#port);
    const result = libc.bind(fd, this.#sockaddr.address, length);
    if (result < 0) throw this.#refused(fd, "bind", -result);
    return fd;
  }

  #prepareForDatagrams(fd: number): void {
    const isAny = this.#words.every((word) => word === 0);
    const isTransparent = this.#transparentMark !== undefined;
    for (const [name, level, option] of datagramOptions(this.#family, isAny, isTransparent)) {
      this.#set(fd, name, level, option);
    }
    widenBuffers(this.#libc, fd);
  }

  #makeTransparent(fd: number, mark: number): void {
    if (this.#family === 6) this.#set(fd, "IPV6_TRANSPARENT", IPPROTO_IPV6, IPV6_TRANSPARENT);
    else this.#set(fd, "IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT);
    this.#set(fd, "SO_MARK", SOL_SOCKET, SO_MARK, mark);
  }

  #set(fd: number, name: string, level: number, option: number, value = 1): void {
    const result = this.#libc.setIntOption(fd, level, option, value);
    if (result < 0) throw this.#refused(fd, `setsockopt(${name})`, -result);
  }

  /** Closes the socket. @returns what is wrong with it, and what to do */
  #refused(fd: number, call: string, errno: number): UvsError {
    if (fd >= 0) this.#libc.close(fd);
    const details = { call, errno: errnoName(errno), address: this.#where };
    const failed = `${call} for ${this.#where} failed with ${errnoName(errno)}`;
    if (errno === EADDRINUSE) {
      return new UvsError(
        "ADDRESS_IN_USE",
        `${failed}: another socket has that address. Stop that program (ss -l${this.#isUdp ? "u" : "t"}np shows it) or choose another port`,
        { side: "system", details },
      );
    }
    if (errno === EACCES || errno === EPERM) {
      const right =
        this.#port > 0 && this.#port < FIRST_FREE_PORT
          ? `ports below ${FIRST_FREE_PORT} need the right CAP_NET_BIND_SERVICE: run as root, give it with ` +
            "'setcap cap_net_bind_service=+ep', or lower net.ipv4.ip_unprivileged_port_start"
          : this.#transparentMark !== undefined
            ? "a transparent socket needs the right CAP_NET_ADMIN: run as root, or give it with AmbientCapabilities=CAP_NET_ADMIN"
            : "the process lacks the right to do that";
      return new UvsError("PERMISSION", `${failed}: ${right}`, { side: "system", details });
    }
    return new UvsError("SYSCALL", `${failed}: check address, port and the limit of open descriptors`, {
      side: "system",
      details,
    });
  }
}
