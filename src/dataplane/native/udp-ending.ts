/**
 * The ways out of a UDP flow: its socket goes, the dispatcher counts it off, its record is written. A flow whose realserver
 * refused it leaves its slot behind for a while, so that the client's next datagram goes elsewhere. Hot path.
 */
import { type Dispatcher, Ending, type EndingValue } from "../dispatcher.js";
import { PlaneEventIndex } from "../events.js";
import type { PlaneMemory } from "../memory.js";
import { claimRecord, commitRecord, EndReason, RecordField, type RecordRing } from "../records.js";
import type { LoopClock } from "./clock.js";
import type { Libc } from "./libc.js";
import type { Tally } from "./tally.js";
import { FlowState, type Flows } from "./udp-flows.js";
import type { ReplySockets } from "./udp-replies.js";
import { Ring } from "./udp-rings.js";

/** Records of datagrams that nobody takes: a flood of them is counted in full, and told of this often a second. */
const REFUSALS_TOLD_PER_SEC = 100;

/** What ending is made of. */
export interface FlowEndingParts {
  readonly libc: Libc;
  readonly flows: Flows;
  readonly dispatcher: Dispatcher;
  readonly memory: PlaneMemory;
  readonly records: RecordRing;
  readonly thread: number;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly replies: ReplySockets;
}

/** See the file's head. */
export class FlowEnding {
  readonly #parts: FlowEndingParts;
  #toldSec = 0;
  #told = 0;

  constructor(parts: FlowEndingParts) {
    this.#parts = parts;
  }

  /** Describes a flow's client and destination to the dispatcher. */
  describe(slot: number): void {
    const { flows, dispatcher } = this.#parts;
    const { request } = dispatcher;
    request.family = flows.family[slot];
    flows.decodeClient(slot, request.client, 0);
    for (let i = 0; i < 4; i++) request.destination[i] = flows.destination[slot * 4 + i];
    request.clientPort = flows.clientPort(slot);
    request.destinationPort = flows.destinationPort[slot];
    request.token = flows.token[slot];
  }

  /** Ends a flow. @param reason of EndReason */
  end(slot: number, reason: number): void {
    const { flows } = this.#parts;
    if (flows.state[slot] !== FlowState.REFUSED) this.#close(slot, reason, Ending.EXPIRED);
    flows.release(slot);
  }

  /** The realserver refuses the flow: a passive failure. */
  refuse(slot: number): void {
    const { flows, dispatcher, clock, tally } = this.#parts;
    tally.event(PlaneEventIndex.flowRefused);
    if (flows.server[slot] >= 0) dispatcher.failed(flows.server[slot]);
    const isRemembered = flows.state[slot] === FlowState.OPEN;
    this.#close(slot, EndReason.refused, Ending.RESET);
    if (!isRemembered) {
      flows.release(slot);
      return;
    }
    flows.state[slot] = FlowState.REFUSED;
    // What waits of its socket's events in this batch is not for the slot any longer.
    flows.generation[slot]++;
    flows.rings.touch(slot, Ring.SHORT, clock.nowMs);
  }

  /** Tells of a datagram that nobody takes, described in the scratch slot, unless there are many. @param reason of EndReason */
  tellRefusal(verdict: number, reason: number): void {
    const { flows, clock } = this.#parts;
    const second = Math.floor(clock.nowMs / 1000);
    if (second !== this.#toldSec) {
      this.#toldSec = second;
      this.#told = 0;
    }
    if (this.#told++ >= REFUSALS_TOLD_PER_SEC) return;
    flows.server[flows.scratch] = verdict;
    this.#record(flows.scratch, reason);
  }

  #close(slot: number, reason: number, ending: EndingValue): void {
    const { libc, flows, dispatcher, memory, thread, replies } = this.#parts;
    if (flows.state[slot] === FlowState.OPEN) {
      this.describe(slot);
      dispatcher.closed(flows.service[slot], flows.server[slot], false, ending);
    }
    if (flows.fd[slot] >= 0) libc.close(flows.fd[slot]);
    replies.release(flows.replyFd[slot]);
    this.#record(slot, reason);
    memory.threadFlows[thread]--;
  }

  #record(slot: number, reason: number): void {
    const { flows, records, clock, tally } = this.#parts;
    const at = claimRecord(records);
    if (at < 0) {
      tally.event(PlaneEventIndex.recordsDropped);
      return;
    }
    const words = records.records;
    const openedMs = flows.openedMs[slot];
    const answeredMs = flows.answeredMs[slot];
    clock.readWall();
    words[at + RecordField.startMs] = clock.wallMs - (clock.nowMs - openedMs);
    words[at + RecordField.connectMs] = answeredMs < 0 ? -1 : answeredMs - openedMs;
    words[at + RecordField.sessionMs] = flows.lastMs[slot] - openedMs;
    words[at + RecordField.family] = flows.family[slot];
    flows.decodeClient(slot, words, at + RecordField.client);
    for (let i = 0; i < 4; i++) {
      words[at + RecordField.destination + i] = flows.destination[slot * 4 + i];
    }
    words[at + RecordField.clientPort] = flows.clientPort(slot);
    words[at + RecordField.destinationPort] = flows.destinationPort[slot];
    words[at + RecordField.service] = flows.service[slot];
    words[at + RecordField.server] = flows.server[slot];
    words[at + RecordField.inBytes] = flows.inBytes[slot];
    words[at + RecordField.outBytes] = flows.outBytes[slot];
    words[at + RecordField.end] = reason;
    words[at + RecordField.retries] = 0;
    commitRecord(records);
  }
}
