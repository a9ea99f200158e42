/**
 * The listening sockets of all services, owned by the primary for as long as the services exist: forwarders get copies
 * and come and go, the sockets stay open and queue what arrives meanwhile. The native plane gets one socket a thread
 * (SO_REUSEPORT), the net plane one.
 */
import net from "node:net";
import { type Endpoint, familyOf, formatEndpoint } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import { type ServiceId, serviceKey } from "../core/model.js";
import type { SocketHandle } from "./plane-host.js";

/** Opens one bound, listening, non-blocking socket with IP_FREEBIND; `count` of them share the address. */
export type OpenListeners = (endpoint: Endpoint, count: number) => number[];

/** One service's sockets. */
export interface ServiceSockets {
  readonly serviceId: ServiceId;
  readonly endpoint: Endpoint;
  /** One a thread. */
  readonly handles: readonly SocketHandle[];
}

/**
 * The part of Node that turns a descriptor, or an address, into a handle that can travel over IPC. Node's own cluster
 * module is built on it; it is not in the type definitions.
 */
interface NetInternals {
  _createServerHandle(
    address: string | null,
    port: number | null,
    family: 4 | 6 | null,
    fd?: number,
  ): SocketHandle | number;
}

/** All listening sockets of the director. */
export class ListeningSockets {
  readonly #sockets = new Map<string, ServiceSockets>();
  readonly #perService: number;
  readonly #open: OpenListeners | undefined;

  /**
   * @param perService sockets a service: the number of threads
   * @param open makes sockets by system calls; undefined where that is not possible: then libuv binds them, without
   * IP_FREEBIND
   */
  constructor(perService: number, open: OpenListeners | undefined) {
    this.#perService = perService;
    this.#open = open;
  }

  /** Every service's sockets. */
  all(): Iterable<ServiceSockets> {
    return this.#sockets.values();
  }

  get(id: ServiceId): ServiceSockets | undefined {
    return this.#sockets.get(serviceKey(id));
  }

  /** @throws UvsError ADDRESS_IN_USE, PERMISSION, SYSCALL; nothing is open then */
  open(id: ServiceId, endpoint: Endpoint): ServiceSockets {
    const handles =
      this.#open === undefined
        ? [bindPortably(endpoint)]
        : this.#open(endpoint, this.#perService).map((fd) => wrapDescriptor(fd));
    const sockets = { serviceId: id, endpoint, handles };
    this.#sockets.set(serviceKey(id), sockets);
    return sockets;
  }

  /** Closes a service's sockets; copies in forwarders stay open until those close them. */
  close(id: ServiceId): void {
    const key = serviceKey(id);
    for (const handle of this.#sockets.get(key)?.handles ?? []) handle.close();
    this.#sockets.delete(key);
  }

  closeAll(): void {
    for (const { serviceId } of [...this.#sockets.values()]) this.close(serviceId);
  }
}

function wrapDescriptor(fd: number): SocketHandle {
  const handle = (net as unknown as NetInternals)._createServerHandle(null, null, null, fd);
  if (typeof handle !== "number") return handle;
  throw new UvsError("SYSCALL", `listening socket ${fd} could not be handed to libuv: error ${handle}`, {
    side: "system",
  });
}

function bindPortably(endpoint: Endpoint): SocketHandle {
  const handle = (net as unknown as NetInternals)._createServerHandle(
    endpoint.address,
    endpoint.port,
    familyOf(endpoint.address),
  );
  if (typeof handle !== "number") return handle;
  throw bindError(endpoint, handle);
}

/** libuv's negative errno as an UvsError. */
function bindError(endpoint: Endpoint, errno: number): UvsError {
  const where = formatEndpoint(endpoint);
  const details = { call: "bind", errno };
  switch (errno) {
    case -98:
      return new UvsError(
        "ADDRESS_IN_USE",
        `${where} is taken by another socket: stop that program, or choose another port`,
        {
          side: "system",
          details,
        },
      );
    case -13:
      return new UvsError(
        "PERMISSION",
        `${where} needs the right to bind ports below 1024 (CAP_NET_BIND_SERVICE)`,
        {
          side: "system",
          details,
        },
      );
    case -99:
      return new UvsError("SYSCALL", `${where} is no address of this host, and IP_FREEBIND needs koffi`, {
        side: "system",
        details,
      });
    default:
      return new UvsError("SYSCALL", `bind to ${where} failed with error ${errno}`, {
        side: "system",
        details,
      });
  }
}
