import { familyOf } from "../../src/core/address.js";
import { MULTICAST_GROUP } from "../../src/ha/vrrp/codec.js";
import type { AdvertTransport, OpenTransport, ReceivedPacket } from "../../src/ha/vrrp/transport.js";

/** A packet that was sent over the network. */
export interface SentPacket {
  readonly source: string;
  readonly destination: string;
  readonly message: Uint8Array;
}

interface Port {
  readonly source: string;
  readonly onPacket: (packet: ReceivedPacket) => void;
  readonly queue: ReceivedPacket[];
  isStalled: boolean;
  isCut: boolean;
}

/** A link in memory for advertisements. Packets arrive at once, except at a director that stands still. */
export class VrrpNetwork {
  readonly sent: SentPacket[] = [];
  readonly #ports = new Map<string, Port>();

  /** The transport of the director with this address. */
  attach(source: string): OpenTransport {
    return (onPacket) => {
      const port: Port = { source, onPacket, queue: [], isStalled: false, isCut: false };
      this.#ports.set(source, port);
      return {
        source,
        refresh: () => {},
        send: (destination, message) => this.#send(port, destination, message),
        drain: () => this.#drain(port),
        close: () => this.#ports.delete(source),
      } satisfies AdvertTransport;
    };
  }

  /** Packets for this director wait until it drains, as they do in the sockets of a stopped process. */
  stall(source: string, isStalled: boolean): void {
    this.#port(source).isStalled = isStalled;
  }

  /** Cuts a director off, both ways. */
  cut(source: string, isCut: boolean): void {
    this.#port(source).isCut = isCut;
  }

  /** Sends a packet that no instance has made. */
  inject(packet: SentPacket, hopLimit = 255): void {
    this.#deliver(packet, hopLimit);
  }

  #send(from: Port, destination: string, message: Uint8Array): string | undefined {
    const packet = { source: from.source, destination, message };
    this.sent.push(packet);
    if (!from.isCut) this.#deliver(packet, 255);
    return undefined;
  }

  #deliver({ source, destination, message }: SentPacket, hopLimit: number): void {
    const isMulticast = destination === MULTICAST_GROUP[familyOf(source)];
    for (const port of [...this.#ports.values()]) {
      if (port.isCut || port.source === source || !(isMulticast || port.source === destination)) continue;
      port.queue.push({ source, destination, isMulticast, hopLimit, payload: message });
      if (!port.isStalled) this.#drain(port);
    }
  }

  #drain(port: Port): void {
    for (let packet = port.queue.shift(); packet !== undefined; packet = port.queue.shift())
      port.onPacket(packet);
  }

  #port(source: string): Port {
    const port = this.#ports.get(source);
    if (port === undefined) throw new Error(`no director has the address ${source}`);
    return port;
  }
}
