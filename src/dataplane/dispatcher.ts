/**
 * The data plane's question "where does this connection go?", as an interface that the balancer fills.
 *
 * Numbers in, numbers out, on two scratch objects that are reused for every question: the data plane fills `request`,
 * calls, and reads `target`. Everything here is on the hot path: no allocation, no throw.
 *
 * Life of a connection, as the plane reports it (service and server are slots):
 *
 *   dispatch ── server ≥ 0 ── connect ok ── established ── first FIN: halfClosed ── closed(how)
 *      │            └─ connect failed ── redispatch ── ... ── connect ok
 *      └─ SORRY: connect to `target`; count it off with closed(service, SORRY, ...)
 *      └─ NO_SERVER, *_LIMIT, NO_SERVICE: reset the client; nothing was counted, nothing is to be called
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

/** How a connection ended, as far as its counting goes. */
export const Ending = {
  /** Both sides finished: counts as inactive for the TIME_WAIT time (120 s). */
  FINISHED: 0,
  /** Reset by either side, or by us: counts as inactive for the CLOSE time (10 s). */
  RESET: 1,
  /** Never reached the realserver: not counted any longer. */
  UNCONNECTED: 2,
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
  /** Monotonic milliseconds. */
  nowMs: number;
}

/** Where to connect to. */
export interface DispatchTarget {
  family: number;
  readonly address: Uint32Array;
  port: number;
  /** Give up connecting after this. */
  connectTimeoutMs: number;
}

/** Decides, and keeps the counts that decisions depend on. One object a thread, all on the same columns. */
export interface Dispatcher {
  readonly request: DispatchRequest;
  readonly target: DispatchTarget;

  /**
   * Decides for a new connection described in `request` and counts it (inactive, until it is established).
   * @returns a realserver slot with `target` filled, or one of `Verdict`
   */
  dispatch(service: number): number;

  /**
   * Decides again after connecting to `tried[offset + count - 1]` failed; the failed one is counted off and gets a
   * passive-failure mark, and none of the `count` tried ones is chosen. `request` must describe the connection.
   * @returns a realserver slot with `target` filled, or SORRY, or NO_SERVER; after NO_SERVER nothing is counted any longer
   */
  redispatch(service: number, tried: Int32Array, offset: number, count: number): number;

  /** The realserver accepted: the connection is active from now on. Not called for the sorry server. */
  established(service: number, server: number): void;

  /** The first FIN of an established connection: inactive from now on. Not called for the sorry server. */
  halfClosed(service: number, server: number): void;

  /**
   * The connection is gone. `request.client` and `request.family` must describe its client (per-source count).
   * @param server realserver slot, or Verdict.SORRY
   * @param wasActive between `established` and `halfClosed`
   */
  closed(service: number, server: number, wasActive: boolean, ending: EndingValue): void;
}
