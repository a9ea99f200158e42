/**
 * Finds out whether a realserver's answers to far-away clients come back to this host: connects to it from an address that
 * is reserved for documentation (RFC 5737, RFC 3849), so that the realserver can only answer by its default route.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Endpoint, familyOf, parseIp } from "../../core/address.js";
import type { Libc } from "./libc.js";
import {
  AF_INET,
  AF_INET6,
  EAGAIN,
  EALREADY,
  ECONNREFUSED,
  EINPROGRESS,
  EISCONN,
  errnoName,
  IP_TRANSPARENT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TRANSPARENT,
  SO_MARK,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./linux.js";
import { SocketAddress } from "./sockaddr.js";

/** The addresses that the probe comes from. */
export const PROBE_SOURCE = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;

/** "answered": connected or refused, the answer came back; "silent": none in time; else the call that failed and its errno. */
export type ProbeResult = "answered" | "silent" | string;

const LOOK_MS = 10;

/** @param mark SO_MARK, by which answers are brought back */
export async function probeReturn(
  libc: Libc,
  to: Endpoint,
  mark: number,
  timeoutMs: number,
): Promise<ProbeResult> {
  const family = familyOf(to.address);
  const fd = libc.socket(family === 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("socket", fd);
  try {
    return await connectFrom(libc, fd, to, mark, timeoutMs);
  } finally {
    libc.resetOnClose(fd);
    libc.close(fd);
  }
}

async function connectFrom(
  libc: Libc,
  fd: number,
  to: Endpoint,
  mark: number,
  timeoutMs: number,
): Promise<ProbeResult> {
  const family = familyOf(to.address);
  const address = new SocketAddress(libc);
  const transparent =
    family === 6
      ? libc.setIntOption(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
      : libc.setIntOption(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
  if (transparent < 0) return failed("setsockopt(IP_TRANSPARENT)", transparent);
  const marked = libc.setIntOption(fd, SOL_SOCKET, SO_MARK, mark);
  if (marked < 0) return failed("setsockopt(SO_MARK)", marked);
  const own = address.encode(family, parseIp(PROBE_SOURCE[family])!.words, 0);
  const bound = libc.bind(fd, address.address, own);
  if (bound < 0) return failed("bind", bound);
  const length = address.encode(family, parseIp(to.address)!.words, to.port);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const result = libc.connect(fd, address.address, length);
    if (result === 0 || result === -EISCONN || result === -ECONNREFUSED) return "answered";
    if (result !== -EINPROGRESS && result !== -EALREADY && result !== -EAGAIN)
      return failed("connect", result);
    if (performance.now() >= deadline) return "silent";
    await delay(LOOK_MS);
  }
}

function failed(call: string, result: number): string {
  return `${call} failed with ${errnoName(-result)}`;
}
