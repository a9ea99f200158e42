/**
 * UDP sockets as handles that can travel over IPC. Node makes one with every `dgram.Socket`, and hands it out to nobody: it
 * is taken from the socket's state. Nothing is read from a socket whose handle was opened like this.
 */
import dgram from "node:dgram";
import { isIPv6 } from "node:net";
import type { Endpoint, Family } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import type { SocketHandle } from "./plane-host.js";

/** The part of libuv's UDP handle that is used; numbers are 0 or a negated errno. */
interface DatagramHandle extends SocketHandle {
  open(fd: number): number;
  bind(address: string, port: number, flags: number): number;
  bind6(address: string, port: number, flags: number): number;
}

/** UV_UDP_IPV6ONLY. */
const IPV6_ONLY = 1;

/** Wraps a descriptor, which is the handle's from now on. @throws UvsError SYSCALL */
export function openDatagramHandle(family: Family, fd: number): SocketHandle {
  const handle = makeHandle(family);
  const result = handle.open(fd);
  if (result === 0) return handle;
  throw new UvsError("SYSCALL", `UDP socket ${fd} could not be handed to libuv: error ${result}`, {
    side: "system",
  });
}

/** Binds without system calls of our own. @returns a handle, or a negated errno */
export function bindDatagramHandle({ address, port }: Endpoint): SocketHandle | number {
  const family = isIPv6(address) ? 6 : 4;
  const handle = makeHandle(family);
  const result = family === 6 ? handle.bind6(address, port, IPV6_ONLY) : handle.bind(address, port, 0);
  if (result === 0) return handle;
  handle.close();
  return result;
}

function makeHandle(family: Family): DatagramHandle {
  const socket = dgram.createSocket(family === 6 ? "udp6" : "udp4") as unknown as Record<symbol, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const state = socket[symbol] as { handle?: DatagramHandle } | undefined;
    if (typeof state?.handle?.open === "function") return state.handle;
  }
  throw new UvsError("UNSUPPORTED", `Node ${process.version} keeps UDP handles elsewhere`, {
    side: "system",
  });
}
