/**
 * The vocabulary of a decision "where does this connection go", spoken by the data plane that asks and the balancer that
 * answers. Plain numbers, because it is spoken on the hot path.
 */

/** Answers of `dispatch` and `redispatch` that are not a realserver slot. */
export const Verdict = {
  /** No realserver available and no sorry server: reset the client. */
  NO_SERVER: -1,
  /** The sorry server stands in `target`. */
  SORRY: -2,
  /** The service's connection limit is reached: reset the client. */
  SERVICE_LIMIT: -3,
  /** The client address's connection limit is reached: reset the client. */
  SOURCE_LIMIT: -4,
  /** The service was deleted meanwhile: reset the client. */
  NO_SERVICE: -5,
} as const;

/** Answers of `opening`: what a connection begins with. */
export const Opening = {
  /** The client's own bytes. */
  PLAIN: 0,
  /** A PROXY protocol header, which is to be read before it is dispatched. */
  HEADER: 1,
  /** The client is none of the trusted proxies, and only these are served: reset it. */
  REFUSED: 2,
} as const;

/** How a connection ended, as far as its counting goes. */
export const Ending = {
  /** Both sides finished: counts as inactive for the TIME_WAIT time (120 s). */
  FINISHED: 0,
  /** Reset by either side, or by us: counts as inactive for the CLOSE time (10 s). */
  RESET: 1,
  /** Never reached the realserver: not counted any longer. */
  UNCONNECTED: 2,
  /** A UDP flow that rested too long, or was given up: not counted any longer. */
  EXPIRED: 3,
} as const;
export type EndingValue = (typeof Ending)[keyof typeof Ending];

/** Realservers that one connection may have tried in vain; the most that `redispatch` can be set to. */
export const MAX_TRIED = 8;

/** The client and what it spoke to; addresses are four words as in core/address.ts. */
export interface DispatchRequest {
  family: number;
  readonly client: Uint32Array;
  clientPort: number;
  readonly destination: Uint32Array;
  destinationPort: number;
  /** For `redispatch`, `established` and `closed`: what `target.token` was after the connection's last decision. */
  token: number;
}

/** Where to connect to. */
export interface DispatchTarget {
  family: number;
  readonly address: Uint32Array;
  port: number;
  /** Give up connecting after this. */
  connectTimeoutMs: number;
  /** Header to send before the first byte: bits of HeaderFormat (core/proxy-protocol/format.ts), 0 for none. */
  header: number;
  /** After `opening` has answered HEADER: time for the whole header, and its greatest length in bytes. */
  headerTimeoutMs: number;
  headerLimit: number;
  /** The connection comes from the client's own address, and port if that is free. */
  isTransparent: boolean;
  /** Addresses that the connection may come from, for `nextSource`; 0: the host chooses. */
  sources: number;
  /** The address that `nextSource` has chosen, of the target's family. */
  readonly source: Uint32Array;
  /** Of a UDP flow: it lasts one datagram, is not counted, and must not be remembered (`-o`). */
  isOnePacket: boolean;
  /** The decider's own mark on the connection, an int32 that the plane keeps and gives back; 0 is none. */
  token: number;
}
