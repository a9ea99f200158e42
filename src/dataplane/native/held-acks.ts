/**
 * Acknowledgements that wait for bytes to go with them: a packet saved is a packet that nobody builds, routes and reads.
 * The kernel holds an acknowledgement back by itself where a socket is in its "interactive" mode (TCP_QUICKACK off), for
 * 40 ms, which is too long where the other side waits for it (Nagle's algorithm, or a realserver that speaks first). So each
 * new connection is looked at again after HOLD_MS: what has still found no bytes to go with is acknowledged then.
 *
 * | acknowledgement | goes with | where nothing comes |
 * |---|---|---|
 * | to the client, of its first bytes | the answer | after HOLD_MS |
 * | to the realserver, the last one of the handshake, and a PROXY header | the client's first bytes | at once; after HOLD_MS where the client spoke first on the connection before |
 *
 * From then on, and to a realserver from the first bytes on that it was sent, the kernel acknowledges as it always does.
 * Hot path: no allocation, no throw.
 */
import type { LoopClock } from "./clock.js";
import { type Connections, EndFlag } from "./connections.js";
import type { Libc } from "./libc.js";
import { IPPROTO_TCP, TCP_QUICKACK } from "./linux.js";

/** How long an acknowledgement waits, ms: an eighth of what the kernel would wait, and less than clients notice. */
export const HOLD_MS = 5;

/** Connections that are waited for at most, a power of two; one more, and the oldest is not waited for any longer. */
const PLACES = 4096;

/** What it is made of. */
export interface HeldAcksParts {
  readonly libc: Libc;
  readonly connections: Connections;
  readonly clock: Pick<LoopClock, "nowMs">;
  readonly memory: { readonly servers: number };
  /** A connection whose header waits (HEADER_WAITS) has waited long enough. */
  readonly onHeaderDue: (slot: number) => void;
}

/** See the file's head. */
export class HeldAcks {
  readonly #parts: HeldAcksParts;
  /** Connections in the order in which they were accepted. */
  readonly #slots = new Int32Array(PLACES);
  readonly #generations = new Int32Array(PLACES);
  #first = 0;
  #length = 0;
  /** By realserver, 1: on the connection that was looked at last the client spoke first. */
  readonly #clientFirst: Uint8Array;

  constructor(parts: HeldAcksParts) {
    this.#parts = parts;
    this.#clientFirst = new Uint8Array(parts.memory.servers);
  }

  /**
   * A socket that is about to connect holds the last packet of its handshake back; one that listens has the sockets that are
   * accepted from it hold the acknowledgement of their first bytes back: they inherit it.
   */
  hold(fd: number): void {
    this.#parts.libc.setIntOption(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
  }

  /** A connection was accepted. */
  accepted(slot: number): void {
    if (this.#length === PLACES) this.#takeFirst();
    const at = (this.#first + this.#length++) & (PLACES - 1);
    this.#slots[at] = slot;
    this.#generations[at] = this.#parts.connections.generation[slot * 2];
  }

  /** The realserver's socket is connected, and the client has sent nothing yet. */
  connected(slot: number): void {
    const end = slot * 2 + 1;
    const isHeld = (this.#parts.connections.flags[end] & EndFlag.SENT) === 0 && this.expects(slot);
    if (!isHeld) this.#acknowledge(end);
  }

  /** Whether the client's first bytes are worth waiting for: what stands ready for the realserver can go with them. */
  expects(slot: number): boolean {
    const { connections, clock } = this.#parts;
    const server = connections.server[slot];
    return (
      server >= 0 && this.#clientFirst[server] === 1 && clock.nowMs < connections.acceptedMs[slot] + HOLD_MS
    );
  }

  /** A realserver was sent its first bytes, and with them what was held back. */
  sentFirst(end: number): void {
    const { bytes, server } = this.#parts.connections;
    const slot = end >> 1;
    if (server[slot] >= 0 && bytes[end] === 0) this.#clientFirst[server[slot]] = 1;
    // Sending has switched the socket to the interactive mode: it would hold back what a direct client acknowledges at once.
    this.#acknowledge(end);
  }

  /** Time until `releaseDue` has something to do, whole ms; `none` where nothing is waited for. */
  untilDueMs(none: number): number {
    while (this.#length > 0 && this.#isSettled()) this.#drop();
    if (this.#length === 0) return none;
    const { connections, clock } = this.#parts;
    const dueMs = connections.acceptedMs[this.#slots[this.#first]] + HOLD_MS;
    return Math.max(0, Math.ceil(dueMs - clock.nowMs)) | 0;
  }

  /** Acknowledges by itself what has waited long enough. */
  releaseDue(): void {
    const { connections, clock } = this.#parts;
    while (this.#length > 0) {
      const isWaiting = clock.nowMs < connections.acceptedMs[this.#slots[this.#first]] + HOLD_MS;
      if (isWaiting && !this.#isSettled()) return;
      this.#takeFirst();
    }
  }

  #takeFirst(): void {
    const { bytes, fd, flags, server } = this.#parts.connections;
    const slot = this.#slots[this.#first];
    const isSettled = this.#isSettled();
    this.#drop();
    if (isSettled) return;
    const client = slot * 2;
    if (bytes[client + 1] === 0) this.#acknowledge(client);
    if (bytes[client] > 0) return;
    if (server[slot] >= 0) this.#clientFirst[server[slot]] = 0;
    if ((flags[client + 1] & EndFlag.HEADER_WAITS) !== 0) this.#parts.onHeaderDue(slot);
    else if (fd[client + 1] >= 0) this.#acknowledge(client + 1);
  }

  /** Whether the first one is gone, or bytes went both ways. */
  #isSettled(): boolean {
    const { bytes, generation } = this.#parts.connections;
    const client = this.#slots[this.#first] * 2;
    if (generation[client] !== this.#generations[this.#first]) return true;
    return bytes[client] > 0 && bytes[client + 1] > 0;
  }

  #drop(): void {
    this.#first = (this.#first + 1) & (PLACES - 1);
    this.#length--;
  }

  /** What waits is acknowledged now, and what comes as the kernel always does. */
  #acknowledge(end: number): void {
    const { libc, connections } = this.#parts;
    libc.setIntOption(connections.fd[end], IPPROTO_TCP, TCP_QUICKACK, 1);
  }
}
