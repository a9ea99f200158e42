/**
 * The system calls that high availability needs beyond Node's own: protocol 112, ICMP, and frames that are not IP. The
 * composition root fills this from the native data plane's file of system calls.
 */
import type { Family } from "../core/address.js";

/** One socket for protocol 112 on one interface. */
export interface VrrpSocketRequest {
  readonly family: Family;
  readonly interface: string;
  /** The address that packets are sent from; without group also the only one that is received at. */
  readonly source: string;
  /** The multicast group to listen to. */
  readonly group?: string;
  /** TTL or hop limit of what is sent. */
  readonly ttl: number;
}

/** A packet of protocol 112 that was received. */
export interface RawPacket {
  /** Canonical text, without zone. */
  readonly source: string;
  readonly destination: string;
  /** TTL or hop limit. */
  readonly hopLimit: number;
  /** What follows the IP header; valid during the call only. */
  readonly payload: Uint8Array;
}

/** Sends and receives protocol 112. */
export interface VrrpSocket {
  /** @returns undefined, or the name of the errno why it was not sent */
  send(destination: string, message: Uint8Array): string | undefined;
  /** Hands over what has arrived, before it returns. */
  drain(): void;
  close(): void;
}

/** Sends frames on one interface. */
export interface FrameSocket {
  /** The interface's own hardware address, 6 bytes. */
  readonly hardwareAddress: Uint8Array;
  /** @returns undefined, or the name of the errno why it was not sent */
  send(frame: Uint8Array): string | undefined;
}

/** Sends and receives ICMP messages. */
export interface EchoSocket {
  /** @param message with its checksum, which for IPv6 the system makes. @returns undefined, or the name of the errno */
  send(destination: string, message: Uint8Array): string | undefined;
  close(): void;
}

/** See the file's head. */
export interface RawSockets {
  /** Index of an interface; undefined: there is none of that name. */
  interfaceIndex(name: string): number | undefined;
  /** @throws UvsError PERMISSION (CAP_NET_RAW is missing) or SYSCALL */
  openVrrp(request: VrrpSocketRequest, onPacket: (packet: RawPacket) => void): VrrpSocket;
  /**
   * The socket for frames of an interface as it is now; ask each time, for the interface may be another one.
   * @throws UvsError PERMISSION or SYSCALL, also where the interface is no Ethernet
   */
  frames(interfaceName: string): FrameSocket;
  /**
   * @param onIcmp told of every ICMP message that the host receives
   * @throws UvsError PERMISSION (CAP_NET_RAW is missing) or SYSCALL
   */
  openEcho(family: Family, onIcmp: (source: string, message: Uint8Array) => void): EchoSocket;
  /**
   * @param onChange told of every interface of the host that has changed, or one of its addresses, by its index; undefined:
   * it is not known which
   * @throws UvsError SYSCALL
   */
  watchInterfaces(onChange: (index: number | undefined) => void): { close(): void };
}
