/**
 * Counts the IP packets of connections. The kernel counts them (TCP_INFO of the client's socket); what came since a
 * connection was last looked at is added to its realserver's. That happens at the end of each connection and, so that
 * long ones are seen as well, once a second to those that have moved bytes: at most so many of them, the others have
 * their turn the second after. Hot path: no allocation, no throw.
 */
import type { PlaneMemory } from "../memory.js";
import type { LoopClock } from "./clock.js";
import { type Connections, State } from "./connections.js";
import type { Libc } from "./libc.js";
import { IPPROTO_TCP, TCP_INFO } from "./linux.js";

/** Words of struct tcp_info (include/uapi/linux/tcp.h). */
const SEGS_OUT = 136 / 4;
const SEGS_IN = 140 / 4;
const TCP_INFO_BYTES = 144;

/** How often the living connections are looked at, ms; the estimator reads every two seconds. */
const INTERVAL_MS = 1000;
/** Connections looked at each time: about 4 ms of system calls. */
export const PACKET_SAMPLES = 2048;

/** What counting packets needs. */
export interface PacketParts {
  readonly libc: Libc;
  readonly connections: Connections;
  readonly memory: PlaneMemory;
  readonly thread: number;
  readonly clock: Pick<LoopClock, "nowMs">;
}

/** See the file's head. */
export class Packets {
  readonly #parts: PacketParts;
  readonly #info: Uint32Array;
  readonly #infoAddress: number;
  readonly #infoLength: Int32Array;
  readonly #infoLengthAddress: number;
  #sampledMs = Number.NEGATIVE_INFINITY;
  /** The slot that the next round begins at. */
  #next = 0;

  constructor(parts: PacketParts) {
    const info = parts.libc.allocate(TCP_INFO_BYTES);
    const length = parts.libc.allocate(4);
    this.#parts = parts;
    this.#info = new Uint32Array(info.buffer);
    this.#infoAddress = info.address;
    this.#infoLength = new Int32Array(length.buffer);
    this.#infoLengthAddress = length.address;
  }

  /** Adds what a connection has had since it was last counted, if it has reached a realserver. */
  count(slot: number): void {
    const { libc, connections, memory, thread, clock } = this.#parts;
    const server = connections.server[slot];
    if (server < 0 || connections.connectedMs[slot] < 0) return;
    connections.countedMs[slot] = clock.nowMs;
    const client = slot * 2;
    this.#infoLength[0] = TCP_INFO_BYTES;
    const { fd, packets } = connections;
    if (libc.getsockopt(fd[client], IPPROTO_TCP, TCP_INFO, this.#infoAddress, this.#infoLengthAddress) < 0)
      return;
    const segsIn = this.#info[SEGS_IN];
    const segsOut = this.#info[SEGS_OUT];
    const at = thread * memory.servers + server;
    // The kernel's counters are of 32 bits and wrap; so does the difference.
    memory.inPackets[at] += (segsIn - packets[client]) >>> 0;
    memory.outPackets[at] += (segsOut - packets[client + 1]) >>> 0;
    packets[client] = segsIn;
    packets[client + 1] = segsOut;
  }

  /** Counts living connections that have moved bytes since they were last counted, if a second is over. */
  sampleIfDue(): void {
    const { connections, clock } = this.#parts;
    if (clock.nowMs < this.#sampledMs + INTERVAL_MS) return;
    this.#sampledMs = clock.nowMs;
    const { state, lastMs, countedMs, high } = connections;
    let slot = this.#next;
    for (let left = PACKET_SAMPLES, seen = 0; left > 0 && seen < high; seen++) {
      if (slot >= high) slot = 0;
      if (state[slot] === State.RELAYING && lastMs[slot] >= countedMs[slot]) {
        this.count(slot);
        left--;
      }
      slot++;
    }
    this.#next = slot;
  }
}
