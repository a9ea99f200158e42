/**
 * The data plane's question "where does this connection go?", as an interface that the balancer fills.
 *
 * Numbers in, numbers out, on two scratch objects that are reused for every question: the data plane fills `request`,
 * calls, and reads `target`. Everything here is on the hot path: no allocation, no throw.
 *
 * Life of a connection, as the plane reports it (service and server are slots):
 *
 *   opening ── PLAIN ── dispatch
 *      ├─ HEADER: read it ── opened ── dispatch for the client that it names
 *      │                        └─ it is bad, or did not come: reset the client
 *      └─ REFUSED: reset the client
 *
 *   dispatch ── server ≥ 0 ── connect ok ── established ── first FIN: halfClosed ── closed(how)
 *      │            └─ connect failed ── redispatch ── ... ── connect ok
 *      └─ SORRY: connect to `target`; count it off with closed(service, SORRY, ...)
 *      └─ NO_SERVER, *_LIMIT, NO_SERVICE: reset the client; nothing was counted, nothing is to be called
 *
 * Life of a UDP flow, which counts as inactive from its first datagram on:
 *
 *   dispatchFlow ── server ≥ 0 or SORRY ── first answer: established ── closed(EXPIRED), or failed and closed(RESET)
 *      │               └─ target.isOnePacket ── nothing is to be called but `failed`
 *      └─ NO_SERVER, *_LIMIT, NO_SERVICE: drop the datagram; nothing was counted, nothing is to be called
 */

import type { DispatchRequest, DispatchTarget, EndingValue } from "../core/dispatch.js";

export {
  type DispatchRequest,
  type DispatchTarget,
  Ending,
  type EndingValue,
  MAX_TRIED,
  Opening,
  Verdict,
} from "../core/dispatch.js";

/** Decides, and keeps the counts that decisions depend on. One object a thread, all on the same columns. */
export interface Dispatcher {
  readonly request: DispatchRequest;
  readonly target: DispatchTarget;

  /**
   * What a new connection from `request.client` begins with. After HEADER, `target` says how long it may be and take, and
   * the service's slot is kept for the connection until `opened`.
   * @returns one of Opening
   */
  opening(service: number): number;

  /** A header that was waited for has come, or never will. */
  opened(service: number): void;

  /**
   * Decides for a new connection described in `request` and counts it as active.
   * @returns a realserver slot with `target` filled, or one of `Verdict`
   */
  dispatch(service: number): number;

  /**
   * Decides for the first datagram of a UDP flow described in `request`, and counts the flow as inactive, or not at all
   * where `target.isOnePacket` says that it is scheduled for itself.
   * @param avoid realserver that has just refused this client: chosen only if there is no other; -1: none
   * @returns a realserver slot with `target` filled, or one of `Verdict`
   */
  dispatchFlow(service: number, avoid: number): number;

  /** A realserver refused a connection or a datagram, or cannot be reached: a passive-failure mark. */
  failed(server: number): void;

  /**
   * Decides again after connecting to `tried[offset + count - 1]` failed; the failed one is counted off, and none of the
   * `count` tried ones is chosen. `request` must describe the connection, its token included.
   * @returns a realserver slot with `target` filled, or SORRY, or NO_SERVER; after NO_SERVER nothing is counted any longer
   */
  redispatch(service: number, tried: Int32Array, offset: number, count: number): number;

  /**
   * Fills `target.source` with the next in turn of the addresses that connections of the service come from. For a target
   * with `sources`: so many calls see each of them.
   */
  nextSource(service: number): void;

  /**
   * The realserver accepted: the connection is active from now on. `request.token` must be the connection's. Not called
   * for the sorry server.
   */
  established(service: number, server: number): void;

  /** The first FIN of an established connection: inactive from now on. Not called for the sorry server. */
  halfClosed(service: number, server: number): void;

  /**
   * The connection is gone. `request.client` and `request.family` must describe its client (per-source count), and
   * `request.token` be what `target.token` was after its last decision.
   * @param server realserver slot, or Verdict.SORRY
   * @param wasActive between `established` and `halfClosed`
   */
  closed(service: number, server: number, wasActive: boolean, ending: EndingValue): void;
}
