/**
 * A link over UDP. Each has sockets of its own, bound to the address that its datagrams are sent to (our own, the broadcast
 * address, the group), so that it is known on which link a message came. They are there as long as the interface has an
 * address, and are opened anew where it was made anew: a group is joined on an interface, not on a name.
 */
import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { canonicalIp, type Family, familyOf } from "../../core/address.js";
import { HEARTBEAT_DEFAULTS, type LinkSettings } from "./settings.js";
import type { Link, LinkListener, OpenLink } from "./transport.js";

interface LocalAddress {
  readonly address: string;
  readonly netmask: string;
  /** Index of the interface. */
  readonly index: number | undefined;
}

interface Open {
  readonly local: LocalAddress;
  readonly destinations: readonly string[];
  readonly receiver: Socket;
  readonly sender: Socket;
}

/** What links ask about the host. */
export interface LinkHost {
  /** Whether an address moves between directors: such a one is no source. */
  isFloating(address: string): boolean;
  /** Index of an interface; undefined: there is none of that name. */
  interfaceIndex(name: string): number | undefined;
}

/** Makes links over UDP. */
export function udpLinks(host: LinkHost): OpenLink {
  return (settings, port, listener) => new UdpLink(settings, port, listener, host);
}

/** See the file's head. */
export class UdpLink implements Link {
  readonly name: string;
  readonly #settings: LinkSettings;
  readonly #port: number;
  readonly #listener: LinkListener;
  readonly #host: LinkHost;
  #open: Open | undefined;
  #trouble: string | undefined;

  constructor(settings: LinkSettings, port: number, listener: LinkListener, host: LinkHost) {
    this.name = `${settings.kind} ${settings.interface}`;
    this.#settings = settings;
    this.#port = port;
    this.#listener = listener;
    this.#host = host;
    this.refresh();
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  get source(): string | undefined {
    return this.#open?.local.address;
  }

  get destinations(): readonly string[] {
    return this.#open?.destinations ?? [];
  }

  refresh(): void {
    const local = this.#localAddress();
    const present = this.#open?.local;
    if (local !== undefined && isDeepStrictEqual(local, present)) return;
    this.close();
    if (local === undefined) {
      this.#fail("address", `interface ${this.#settings.interface} is down or has no address to send from`);
      return;
    }
    this.#trouble = undefined;
    this.#open = this.#bind(local);
  }

  send(datagram: Uint8Array): void {
    const open = this.#open;
    if (open === undefined) return;
    for (const destination of open.destinations) {
      open.sender.send(datagram, this.#port, destination, (error) => {
        if (error === null || this.#open !== open) return;
        const { code = error.message } = error as NodeJS.ErrnoException;
        this.#listener.onTrouble(`send ${code}`, `a message to ${destination} was not sent: ${code}`);
      });
    }
  }

  close(): void {
    const open = this.#open;
    this.#open = undefined;
    for (const socket of new Set([open?.receiver, open?.sender])) socket?.close();
  }

  #bind(local: LocalAddress): Open {
    const { kind, interface: device } = this.#settings;
    const family = this.#family();
    const own = scoped(local.address, device);
    if (kind === "ucast") {
      const socket = this.#socket(family);
      socket.bind({ address: own, port: this.#port, exclusive: true });
      const destinations = this.#settings.peers
        .filter((peer) => peer !== local.address)
        .map((peer) => scoped(peer, device));
      return { local, destinations, receiver: socket, sender: socket };
    }
    const destination = kind === "bcast" ? broadcastOf(local) : scoped(this.#settings.group, device);
    const receiver = this.#socket(family);
    const sender = this.#socket(family);
    receiver.bind({ address: destination, port: this.#port, exclusive: true });
    sender.bind({ address: own, port: 0, exclusive: true });
    if (kind === "mcast") {
      const { group, ttl = HEARTBEAT_DEFAULTS.mcastTtl } = this.#settings;
      const via = family === 4 ? local.address : `::%${device}`;
      receiver.once("listening", () => this.#try(receiver, () => receiver.addMembership(group, via)));
      sender.once("listening", () =>
        this.#try(sender, () => {
          sender.setMulticastInterface(via);
          sender.setMulticastTTL(ttl);
          sender.setMulticastLoopback(false);
        }),
      );
    } else sender.once("listening", () => this.#try(sender, () => sender.setBroadcast(true)));
    return { local, destinations: [destination], receiver, sender };
  }

  #socket(family: Family): Socket {
    const socket = createSocket({ type: family === 4 ? "udp4" : "udp6", ipv6Only: family === 6 });
    socket.on("message", (datagram, { address }) => this.#listener.onDatagram(datagram, address));
    socket.on("error", (error) => this.#failed(socket, error));
    return socket;
  }

  #try(socket: Socket, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#failed(socket, error);
    }
  }

  /** The next look at the interfaces tries again. */
  #failed(socket: Socket, error: unknown): void {
    if (this.#open?.receiver !== socket && this.#open?.sender !== socket) return;
    const { code, message } = error as NodeJS.ErrnoException;
    this.close();
    this.#fail(`open ${code ?? ""}`, hint(code, this.#port) ?? message);
  }

  #fail(key: string, words: string): void {
    this.#trouble = words;
    this.#listener.onTrouble(key, words);
  }

  #family(): Family {
    const { kind } = this.#settings;
    if (kind === "bcast") return 4;
    return familyOf(kind === "mcast" ? this.#settings.group : this.#settings.peers[0]);
  }

  #localAddress(): LocalAddress | undefined {
    const { interface: device } = this.#settings;
    const family = this.#family();
    const index = this.#host.interfaceIndex(device);
    const candidates = (networkInterfaces()[device] ?? [])
      .filter((entry) => entry.family === `IPv${family}`)
      .map(({ address, netmask }) => ({ address: canonicalIp(address) ?? address, netmask, index }));
    const wanted = this.#settings.kind === "ucast" ? this.#settings.source : undefined;
    if (wanted !== undefined)
      return candidates.find(({ address }) => address === wanted) ?? this.#loopback(wanted, index);
    const isLocal = this.#isLinkLocal();
    return candidates.find(
      ({ address }) => !this.#host.isFloating(address) && (family === 4 || isLinkLocal(address) === isLocal),
    );
  }

  /** Every address of 127.0.0.0/8 is there without being listed. */
  #loopback(wanted: string, index: number | undefined): LocalAddress | undefined {
    const isThere = wanted.startsWith("127.") && this.#settings.interface === "lo";
    return isThere ? { address: wanted, netmask: "255.0.0.0", index } : undefined;
  }

  #isLinkLocal(): boolean {
    return this.#settings.kind === "ucast" ? isLinkLocal(this.#settings.peers[0]) : true;
  }
}

function isLinkLocal(address: string): boolean {
  return address.startsWith("fe80:");
}

/** A link-local address, or a group, means nothing without its interface. */
function scoped(address: string, device: string): string {
  return isLinkLocal(address) || address.startsWith("ff") ? `${address}%${device}` : address;
}

function broadcastOf({ address, netmask }: LocalAddress): string {
  const mask = netmask.split(".").map(Number);
  return address
    .split(".")
    .map((byte, i) => Number(byte) | (~mask[i] & 0xff))
    .join(".");
}

function hint(code: string | undefined, port: number): string | undefined {
  if (code === "EACCES") {
    return `port ${port} may not be used (EACCES): run as root, or give the capability CAP_NET_BIND_SERVICE`;
  }
  if (code === "EADDRINUSE") return `port ${port} is taken (EADDRINUSE): does another heartbeat run here?`;
  return undefined;
}
