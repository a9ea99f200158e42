/** Keeps a connection to one peer: dials, and dials again after a pause that grows while nothing comes of it. */
import { connect } from "node:net";
import { type Endpoint, formatEndpoint } from "../../core/address.js";
import type { UvsError } from "../../core/errors.js";
import type { CancelTimer } from "../timers.js";
import { type ConnectionObserver, SyncConnection, type SyncParts } from "./connection.js";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

/** How a dialer stands. */
export interface DialerStatus {
  /** Where the peer is. */
  readonly address: string;
  /** What it is called, once it has been reached. */
  readonly node?: string;
  readonly state: "connected" | "connecting" | "waiting";
  /** ISO 8601. */
  readonly since: string;
  /** Why the last connection ended or did not come about. */
  readonly lastFailure?: string;
}

/** See the file's head. */
export class SyncDialer {
  readonly #endpoint: Endpoint;
  readonly #parts: SyncParts;
  readonly #observer: ConnectionObserver;
  #connection: SyncConnection | undefined;
  #cancelPause: CancelTimer = () => {};
  #pauseMs = FIRST_PAUSE_MS;
  /** Infinity: it is not open. */
  #openedMs = Number.POSITIVE_INFINITY;
  #isStopped = true;
  #state: DialerStatus["state"] = "waiting";
  #since = new Date().toISOString();
  #node: string | undefined;
  #lastFailure: string | undefined;

  constructor(endpoint: Endpoint, parts: SyncParts, observer: ConnectionObserver) {
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#observer = observer;
  }

  start(): void {
    this.#isStopped = false;
    this.#dial();
  }

  /** The peer is there, by another sign: dials at once instead of after the pause. */
  hurry(): void {
    if (this.#isStopped || this.#state !== "waiting") return;
    this.#cancelPause();
    this.#dial();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelPause();
    this.#connection?.close("this director stops");
  }

  /** The connection of now, open or not yet. */
  get connection(): SyncConnection | undefined {
    return this.#connection;
  }

  status(): DialerStatus {
    return {
      address: formatEndpoint(this.#endpoint),
      ...(this.#node !== undefined && { node: this.#node }),
      state: this.#state,
      since: this.#since,
      ...(this.#lastFailure !== undefined && { lastFailure: this.#lastFailure }),
    };
  }

  #dial(): void {
    const { address, port } = this.#endpoint;
    this.#enter("connecting");
    const socket = connect({ host: address, port });
    this.#connection = new SyncConnection("dialer", socket, formatEndpoint(this.#endpoint), this.#parts, {
      opened: (connection) => {
        this.#enter("connected");
        this.#node = connection.peer;
        this.#openedMs = this.#parts.timers.nowMs();
        this.#observer.opened(connection);
      },
      message: (connection, message) => this.#observer.message(connection, message),
      closed: (connection, error) => this.#closed(connection, error),
    });
  }

  #closed(connection: SyncConnection, error: UvsError): void {
    this.#enter("waiting");
    this.#connection = undefined;
    this.#lastFailure = error.message;
    this.#observer.closed(connection, error);
    if (this.#isStopped) return;
    // One that ends as soon as it is open does not count: both would go on so for ever.
    const hasLasted = this.#parts.timers.nowMs() - this.#openedMs >= LONGEST_PAUSE_MS;
    if (hasLasted) this.#pauseMs = FIRST_PAUSE_MS;
    this.#openedMs = Number.POSITIVE_INFINITY;
    // Not all at the same time, where a peer that comes back is awaited by many.
    const pauseMs = this.#pauseMs * (0.75 + Math.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#cancelPause = this.#parts.timers.after(pauseMs, () => this.#dial());
  }

  #enter(state: DialerStatus["state"]): void {
    this.#state = state;
    this.#since = new Date().toISOString();
  }
}
