/**
 * Advertisements over raw sockets. Instances that speak on the same interface, in the same family and manner share a pair
 * of sockets, so that a packet is received once and goes to the instance with its virtual router id.
 */
import { UvsError } from "../../core/errors.js";
import { primaryAddress } from "../links/primary-address.js";
import type { RawPacket, RawSockets, VrrpSocket } from "../raw-sockets.js";
import { MULTICAST_GROUP, peekVrid } from "./codec.js";
import type { InstanceSettings } from "./settings.js";
import type { AdvertTransport, OpenTransport, ReceivedPacket } from "./transport.js";

const FULL_TTL = 255;

type OnPacket = (packet: ReceivedPacket) => void;

/** What an instance's sockets follow from. */
type Link = Pick<InstanceSettings, "family" | "interface" | "unicast" | "source">;

/** Makes transports for instances. */
export class RawTransports {
  readonly #raw: RawSockets;
  readonly #isFloating: (address: string) => boolean;
  readonly #shared = new Map<string, SharedLink>();

  /** @param isFloating whether an address moves between directors: such a one is no source */
  constructor(raw: RawSockets, isFloating: (address: string) => boolean) {
    this.#raw = raw;
    this.#isFloating = isFloating;
  }

  /**
   * The transport of an instance.
   * @throws UvsError (by the function returned) EXISTS where the interface has an instance of that id already; PERMISSION
   * or SYSCALL where sockets cannot be opened
   */
  of(settings: InstanceSettings): OpenTransport {
    return (onPacket) => {
      const { family, interface: device, unicast, source } = settings;
      const key = [
        family,
        device,
        unicast === undefined ? "multicast" : `unicast ${unicast.ttl}`,
        source,
      ].join(" ");
      const link = this.#shared.get(key) ?? new SharedLink(this.#raw, settings, this.#isFloating);
      this.#shared.set(key, link);
      link.join(settings.id, onPacket);
      return {
        get source() {
          return link.source;
        },
        refresh: () => link.refresh(),
        send: (destination, message) => link.send(destination, message),
        drain: () => link.drain(),
        close: () => {
          if (link.leave(settings.id)) this.#shared.delete(key);
        },
      } satisfies AdvertTransport;
    };
  }

  /** Packets that no instance wanted, by virtual router id. */
  unknownVrids(): ReadonlyMap<number, number> {
    const total = new Map<number, number>();
    for (const link of this.#shared.values()) {
      for (const [vrid, count] of link.unknown) total.set(vrid, (total.get(vrid) ?? 0) + count);
    }
    return total;
  }
}

/** The sockets of one interface, family and manner. They are there as long as the interface is and has an address. */
class SharedLink {
  source: string | undefined;
  readonly unknown = new Map<number, number>();
  readonly #raw: RawSockets;
  readonly #link: Link;
  readonly #isFloating: (address: string) => boolean;
  readonly #receivers = new Map<number, OnPacket>();
  #socket: VrrpSocket | undefined;
  #index: number | undefined;

  constructor(raw: RawSockets, link: Link, isFloating: (address: string) => boolean) {
    this.#raw = raw;
    this.#link = link;
    this.#isFloating = isFloating;
  }

  join(vrid: number, onPacket: OnPacket): void {
    if (this.#receivers.has(vrid)) {
      throw new UvsError(
        "EXISTS",
        `${this.#link.interface} has an instance with the virtual router id ${vrid}`,
      );
    }
    this.refresh();
    this.#receivers.set(vrid, onPacket);
  }

  /** @returns whether that was the last one */
  leave(vrid: number): boolean {
    this.#receivers.delete(vrid);
    if (this.#receivers.size > 0) return false;
    this.#close();
    return true;
  }

  /** Opens the sockets, again where interface or address have become others. @throws UvsError PERMISSION or SYSCALL */
  refresh(): void {
    const { interface: device, family, unicast } = this.#link;
    const index = this.#raw.interfaceIndex(device);
    const present = primaryAddress(device, family, this.#isFloating, this.#link.source);
    if (index === this.#index && present === this.source) return;
    this.#close();
    if (index === undefined || present === undefined) return;
    const request = {
      family,
      interface: device,
      source: present,
      ttl: unicast?.ttl ?? FULL_TTL,
      ...(unicast === undefined && { group: MULTICAST_GROUP[family] }),
    };
    this.#socket = this.#raw.openVrrp(request, (packet) => this.#received(packet));
    this.#index = index;
    this.source = present;
  }

  send(destination: string, message: Uint8Array): string | undefined {
    return this.#socket === undefined ? "ENETDOWN" : this.#socket.send(destination, message);
  }

  drain(): void {
    this.#socket?.drain();
  }

  #received(packet: RawPacket): void {
    const vrid = peekVrid(packet.payload) ?? 0;
    const receiver = this.#receivers.get(vrid);
    if (receiver === undefined) {
      this.unknown.set(vrid, (this.unknown.get(vrid) ?? 0) + 1);
      return;
    }
    receiver({ ...packet, isMulticast: packet.destination === MULTICAST_GROUP[this.#link.family] });
  }

  #close(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#index = undefined;
    this.source = undefined;
  }
}
