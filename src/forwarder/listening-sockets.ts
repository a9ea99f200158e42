/**
 * The listening sockets of all services, owned by the primary for as long as they are wanted: forwarders get copies and
 * come and go, the sockets stay open and queue what arrives meanwhile. The native plane gets one socket a thread
 * (SO_REUSEPORT), the net plane one. Which service takes a socket's connections may change while it is open.
 */
import net from "node:net";
import { type Endpoint, type Family, familyOf, formatEndpoint } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import { type ServiceId, serviceKey } from "../core/model.js";
import { bindDatagramHandle, openDatagramHandle } from "./datagram-handles.js";
import type { SocketHandle } from "./plane-host.js";

/** What a socket carries. */
type Transport = "tcp" | "udp";

/**
 * Opens bound, of TCP listening, non-blocking sockets with IP_FREEBIND; `count` of them share the address. A transparent one takes
 * connections to whatever address the kernel diverts to it (IP_TRANSPARENT).
 */
export type OpenListeners = (
  endpoint: Endpoint,
  count: number,
  isTransparent: boolean,
  transport: Transport,
) => { readonly fds: readonly number[]; readonly port: number };

/** The sockets of one address and port. */
export interface ServiceSockets {
  /** `192.0.2.1:80`, `udp://192.0.2.1:53`; of what is diverted `diverted tcp fwmark://8`. */
  readonly key: string;
  readonly transport: Transport;
  /** Who takes the connections. */
  readonly serviceId: ServiceId;
  /** What the forwarder is told; of diverted connections any address and port, each connection has its own. */
  readonly endpoint: Endpoint;
  /** The port that they are bound to. */
  readonly port: number;
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

  /** Everything that is open. */
  all(): Iterable<ServiceSockets> {
    return this.#sockets.values();
  }

  get(key: string): ServiceSockets | undefined {
    return this.#sockets.get(key);
  }

  /** @throws UvsError ADDRESS_IN_USE, PERMISSION, SYSCALL; nothing is open then */
  open(key: string, transport: Transport, serviceId: ServiceId, endpoint: Endpoint): ServiceSockets {
    if (this.#open === undefined) {
      const handles = [bindPortably(transport, endpoint)];
      return this.#keep({ key, transport, serviceId, endpoint, port: endpoint.port, handles });
    }
    const { fds, port } = this.#open(endpoint, this.#perService, false, transport);
    const handles = fds.map((fd) => wrapDescriptor(transport, familyOf(endpoint.address), fd));
    return this.#keep({ key, transport, serviceId, endpoint, port, handles });
  }

  /**
   * Opens sockets for connections that the kernel diverts; they are bound to a loopback address, where nothing else comes.
   * @throws UvsError PERMISSION, SYSCALL, UNSUPPORTED; nothing is open then
   */
  openDiverted(transport: Transport, serviceId: ServiceId, family: Family): ServiceSockets {
    if (this.#open === undefined) {
      throw new UvsError("UNSUPPORTED", "connections cannot be diverted: system calls need koffi", {
        side: "system",
      });
    }
    const loopback = { address: family === 4 ? "127.0.0.1" : "::1", port: 0 };
    const { fds, port } = this.#open(loopback, this.#perService, true, transport);
    const endpoint = { address: family === 4 ? "0.0.0.0" : "::", port: 0 };
    const key = divertedKey(transport, serviceId);
    const handles = fds.map((fd) => wrapDescriptor(transport, family, fd));
    return this.#keep({ key, transport, serviceId, endpoint, port, handles });
  }

  /** Another service takes the connections from now on. */
  assign(key: string, serviceId: ServiceId): ServiceSockets {
    return this.#keep({ ...this.#sockets.get(key)!, serviceId });
  }

  /** Closes sockets; copies in forwarders stay open until those close them. */
  close(key: string): void {
    for (const handle of this.#sockets.get(key)?.handles ?? []) handle.close();
    this.#sockets.delete(key);
  }

  closeAll(): void {
    for (const key of [...this.#sockets.keys()]) this.close(key);
  }

  #keep(sockets: ServiceSockets): ServiceSockets {
    this.#sockets.set(sockets.key, sockets);
    return sockets;
  }
}

/** The key of sockets for diverted connections of a service. */
export function divertedKey(transport: Transport, serviceId: ServiceId): string {
  return `diverted ${transport} ${serviceKey(serviceId)}`;
}

function wrapDescriptor(transport: Transport, family: Family, fd: number): SocketHandle {
  if (transport === "udp") return openDatagramHandle(family, fd);
  const handle = (net as unknown as NetInternals)._createServerHandle(null, null, null, fd);
  if (typeof handle !== "number") return handle;
  throw new UvsError("SYSCALL", `listening socket ${fd} could not be handed to libuv: error ${handle}`, {
    side: "system",
  });
}

function bindPortably(transport: Transport, endpoint: Endpoint): SocketHandle {
  if (transport === "udp") {
    const bound = bindDatagramHandle(endpoint);
    if (typeof bound !== "number") return bound;
    throw bindError(endpoint, bound);
  }
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
