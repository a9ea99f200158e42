/**
 * Deadlines without timers: a sweep over all connections, ten times a second while one of them can be due soon, else
 * once a second. Each keeps the time of its last byte (or of its connect), so carrying bytes moves no timer. When no
 * connection is left, the last sweep closes the pipes.
 */
import { PlaneEventIndex } from "../events.js";
import { type PlaneMemory, Setting } from "../memory.js";
import { EndReason } from "../records.js";
import { FOREVER_MS, type LoopClock } from "./clock.js";
import type { Closer } from "./closer.js";
import { type Connections, State } from "./connections.js";
import type { Connector } from "./connector.js";
import type { HeaderReader } from "./header-reader.js";
import type { Pipes } from "./pipes.js";
import type { Tally } from "./tally.js";

const FINE_MS = 100;
const COARSE_MS = 1000;
/** Time-outs below this are swept for finely. */
const SHORT_MS = 5000;

/** What timers are made of. */
export interface TimerParts {
  readonly connections: Connections;
  readonly memory: PlaneMemory;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly closer: Closer;
  readonly connector: Connector;
  readonly headers: HeaderReader;
  readonly pipes: Pipes;
}

/** See the file's head. */
export class Timers {
  readonly #parts: TimerParts;
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(parts: TimerParts) {
    this.#parts = parts;
  }

  /** Time until the next sweep is due, whole ms, at least 0; FOREVER_MS while there is nothing to sweep. Hot path. */
  get untilSweepMs(): number {
    const { connections, clock, pipes } = this.#parts;
    if (connections.count === 0 && !pipes.anyOpen) return FOREVER_MS;
    return Math.max(0, Math.ceil(this.#sweptMs + this.#intervalMs() - clock.nowMs)) | 0;
  }

  /** Ends the connections whose time is over, if a sweep is due. Hot path. */
  sweepIfDue(): void {
    const { clock, connections, pipes } = this.#parts;
    if (clock.nowMs < this.#sweptMs + this.#intervalMs()) return;
    this.#sweptMs = clock.nowMs;
    if (connections.count > 0) this.#sweep();
    else pipes.close();
  }

  #intervalMs(): number {
    const { memory, connector, headers } = this.#parts;
    const { settings } = memory;
    const short = Math.min(settings[Setting.TCP_IDLE_MS], settings[Setting.TCP_FIN_MS]) < SHORT_MS;
    return connector.pending + headers.pending > 0 || short ? FINE_MS : COARSE_MS;
  }

  #sweep(): void {
    const { connections, memory, clock, tally, closer, connector, headers } = this.#parts;
    const { state, lastMs, firstFin, connectTimeoutMs } = connections;
    const { nowMs } = clock;
    const idleMs = memory.settings[Setting.TCP_IDLE_MS];
    const finMs = memory.settings[Setting.TCP_FIN_MS];
    for (let slot = 0; slot < connections.high; slot++) {
      const quietMs = nowMs - lastMs[slot];
      if (state[slot] === State.CONNECTING) {
        if (quietMs >= connectTimeoutMs[slot]) connector.timedOut(slot);
      } else if (state[slot] === State.OPENING) {
        if (quietMs >= connectTimeoutMs[slot]) headers.timedOut(slot);
      } else if (state[slot] === State.RELAYING) {
        if (firstFin[slot] === 0) {
          if (quietMs < idleMs) continue;
          tally.event(PlaneEventIndex.idleTimeout);
          closer.reset(slot, EndReason.idleTimeout);
        } else if (quietMs >= finMs) {
          tally.event(PlaneEventIndex.finTimeout);
          closer.reset(slot, EndReason.finTimeout);
        }
      }
    }
  }
}
