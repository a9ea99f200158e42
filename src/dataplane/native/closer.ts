/**
 * The one way out of a connection: its sockets, buffer and pipe go, the dispatcher counts it off, its packets are added
 * to the realserver's, and its record is written. Hot path: no allocation, no throw.
 */

import type { Dispatcher } from "../dispatcher.js";
import { Ending, type EndingValue, Verdict } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import { claimRecord, commitRecord, RecordField, type RecordRing } from "../records.js";
import type { Buffers } from "./buffers.js";
import type { LoopClock } from "./clock.js";
import type { Connections } from "./connections.js";
import type { Libc } from "./libc.js";
import type { Packets } from "./packets.js";
import type { Pipes } from "./pipes.js";
import type { Tally } from "./tally.js";

/** What a closer is made of. */
export interface CloserParts {
  readonly libc: Libc;
  readonly connections: Connections;
  readonly dispatcher: Dispatcher;
  readonly packets: Packets;
  readonly records: RecordRing;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly buffers: Buffers;
  readonly pipes: Pipes;
}

/** See the file's head. */
export class Closer {
  readonly #parts: CloserParts;

  constructor(parts: CloserParts) {
    this.#parts = parts;
  }

  /** Both sides have finished. @param reason of EndReason */
  finish(slot: number, reason: number): void {
    this.#close(slot, reason, Ending.FINISHED);
  }

  /** Resets whichever sides are still there. @param reason of EndReason */
  reset(slot: number, reason: number): void {
    const { libc, connections } = this.#parts;
    const client = slot * 2;
    libc.resetOnClose(connections.fd[client]);
    if (connections.fd[client + 1] >= 0) libc.resetOnClose(connections.fd[client + 1]);
    this.#close(slot, reason, connections.connectedMs[slot] < 0 ? Ending.UNCONNECTED : Ending.RESET);
  }

  /** Describes a connection's client and destination to the dispatcher. */
  describe(slot: number): void {
    const { connections, dispatcher } = this.#parts;
    const { request } = dispatcher;
    request.family = connections.family[slot];
    for (let i = 0; i < 4; i++) {
      request.client[i] = connections.client[slot * 4 + i];
      request.destination[i] = connections.destination[slot * 4 + i];
    }
    request.clientPort = connections.clientPort[slot];
    request.destinationPort = connections.destinationPort[slot];
    request.token = connections.token[slot];
  }

  #close(slot: number, reason: number, ending: EndingValue): void {
    const { libc, connections, dispatcher, packets, tally } = this.#parts;
    const client = slot * 2;
    const server = connections.server[slot];
    packets.count(slot);
    // Counted off before the sockets go: who sees the end and comes back at once finds it counted.
    if (server >= 0 || server === Verdict.SORRY) {
      this.describe(slot);
      dispatcher.closed(connections.service[slot], server, connections.active[slot] === 1, ending);
    }
    this.#freeEnd(client + 1);
    this.#freeEnd(client);
    if (connections.fd[client + 1] >= 0) libc.close(connections.fd[client + 1]);
    libc.close(connections.fd[client]);
    this.#record(slot, reason);
    connections.release(slot);
    tally.closed();
  }

  #freeEnd(end: number): void {
    const { connections, buffers, pipes } = this.#parts;
    if (connections.buffer[end] !== 0) {
      buffers.release(connections.buffer[end]);
      connections.buffer[end] = 0;
    }
    if (connections.pipe[end] !== 0) {
      pipes.release(connections.pipe[end]);
      connections.pipe[end] = 0;
    }
  }

  #record(slot: number, reason: number): void {
    const { connections, records, clock, tally } = this.#parts;
    const at = claimRecord(records);
    if (at < 0) {
      tally.event(PlaneEventIndex.recordsDropped);
      return;
    }
    const words = records.records;
    const acceptedMs = connections.acceptedMs[slot];
    const connectedMs = connections.connectedMs[slot];
    const sessionMs = clock.nowMs - acceptedMs;
    clock.readWall();
    words[at + RecordField.startMs] = clock.wallMs - sessionMs;
    words[at + RecordField.connectMs] = connectedMs < 0 ? -1 : connectedMs - acceptedMs;
    words[at + RecordField.sessionMs] = sessionMs;
    words[at + RecordField.family] = connections.family[slot];
    for (let i = 0; i < 4; i++) {
      words[at + RecordField.client + i] = connections.client[slot * 4 + i];
      words[at + RecordField.destination + i] = connections.destination[slot * 4 + i];
    }
    words[at + RecordField.clientPort] = connections.clientPort[slot];
    words[at + RecordField.destinationPort] = connections.destinationPort[slot];
    words[at + RecordField.service] = connections.service[slot];
    words[at + RecordField.server] = connections.server[slot];
    words[at + RecordField.inBytes] = connections.bytes[slot * 2];
    words[at + RecordField.outBytes] = connections.bytes[slot * 2 + 1];
    words[at + RecordField.end] = reason;
    words[at + RecordField.retries] = connections.triedCount[slot];
    commitRecord(records);
  }
}
