/**
 * How advertisements get from director to director: protocol 112 over a raw socket, or in tests a network in memory. One
 * transport serves one instance; several of the same interface may share sockets below.
 */

/** A packet with the virtual router id of the instance, otherwise unchecked. */
export interface ReceivedPacket {
  /** Canonical text, without zone. */
  readonly source: string;
  readonly destination: string;
  /** Whether it was sent to the VRRP group. */
  readonly isMulticast: boolean;
  /** TTL or hop limit. */
  readonly hopLimit: number;
  /** What follows the IP header. Valid during the call only. */
  readonly payload: Uint8Array;
}

/** See the file's head. */
export interface AdvertTransport {
  /** The address that packets are sent from; undefined: the interface has none, which is a fault. */
  readonly source: string | undefined;
  /** The interface or its addresses have changed: looks again. */
  refresh(): void;
  /**
   * Sends a message with TTL 255 (or the configured one of unicast).
   * @returns undefined, or the name of the errno why it was not sent (ENETDOWN, EPERM, ENOBUFS)
   */
  send(destination: string, message: Uint8Array): string | undefined;
  /** Hands over everything that has arrived and was not handed over yet, before it returns. */
  drain(): void;
  close(): void;
}

/** Makes the transport of an instance. Packets come by `onPacket`, never before the call has returned. */
export type OpenTransport = (onPacket: (packet: ReceivedPacket) => void) => AdvertTransport;
