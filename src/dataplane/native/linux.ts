/**
 * Numbers of the Linux system call interface, as x86-64 and arm64 share them (include/uapi/asm-generic/, linux/).
 */
import { constants } from "node:os";

export const { EAGAIN, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, EINPROGRESS } = constants.errno;
export const { EHOSTUNREACH, ENETUNREACH } = constants.errno;
export const { ECONNREFUSED, ETIMEDOUT, EADDRNOTAVAIL, EADDRINUSE, EACCES, EPERM } = constants.errno;
export const { EAFNOSUPPORT, EALREADY, EISCONN, ENODEV, EPROTO } = constants.errno;

export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_OOBINLINE = 10;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_MARK = 36;
export const SOL_NETLINK = 270;
export const NETLINK_ROUTE = 0;
export const NETLINK_GET_STRICT_CHK = 12;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_PKTINFO = 8;
export const IP_FREEBIND = 15;
export const IP_TRANSPARENT = 19;
export const IP_BIND_ADDRESS_NO_PORT = 24;
/** Also the type of the ancillary data that it brings (IP_ORIGDSTADDR). */
export const IP_RECVORIGDSTADDR = 20;
export const IP_MULTICAST_IF = 32;
export const IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34;
export const IP_ADD_MEMBERSHIP = 35;
export const IP_MULTICAST_ALL = 49;
export const IPPROTO_IPV6 = 41;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_MULTICAST_IF = 17;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MULTICAST_LOOP = 19;
export const IPV6_ADD_MEMBERSHIP = 20;
export const IPV6_V6ONLY = 26;
export const IPV6_MULTICAST_ALL = 29;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_TCLASS = 67;
/** Also the type of the ancillary data that it brings (IPV6_ORIGDSTADDR). */
export const IPV6_RECVORIGDSTADDR = 74;
export const IPV6_FREEBIND = 78;
export const IPV6_TRANSPARENT = 75;

export const IPPROTO_TCP = 6;
export const IPPROTO_ICMPV6 = 58;
export const TCP_NODELAY = 1;
export const TCP_QUICKACK = 12;
export const TCP_INFO = 11;

export const MSG_PEEK = 0x2;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;

export const SHUT_WR = 1;

export const SYS_EPOLL_PWAIT2 = 441;
export const SYS_SCHED_SETATTR = process.arch === "x64" ? 314 : 274;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x1;
export const EPOLLPRI = 0x2;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLONESHOT = 0x40000000;
export const EPOLLET = 0x80000000 | 0;

export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const F_SETPIPE_SZ = 1031;
export const F_DUPFD_CLOEXEC = 1030;
export const SPLICE_F_MOVE = 1;
export const SPLICE_F_NONBLOCK = 2;
export const RLIMIT_NOFILE = 7;
/** Bytes of an interface's name with the zero that ends it. */
export const IFNAMSIZ = 16;

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** The name of an error number: `ECONNREFUSED`; `errno 999` where it has none. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** sched_setscheduler(2). */
export const SCHED_OTHER = 0;
export const SCHED_FLAG_RESET_ON_FORK = 1n;

/** clock_gettime(2). */
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
