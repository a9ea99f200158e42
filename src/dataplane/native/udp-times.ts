/**
 * When UDP flows end: after the time-out of the last datagram either way, or before it, when there are as many as there may
 * be and a new one wants a place. Then the one that has rested longest without an answer lately goes: a flood from
 * invented addresses pushes out itself before anybody who is being served.
 */
import { PlaneEventIndex } from "../events.js";
import { type PlaneMemory, Setting } from "../memory.js";
import { EndReason } from "../records.js";
import { FOREVER_MS, type LoopClock } from "./clock.js";
import type { Tally } from "./tally.js";
import type { FlowEnding } from "./udp-ending.js";
import type { Flows } from "./udp-flows.js";
import { Ring } from "./udp-rings.js";

/** An answer is recent for so long. */
export const RECENT_MS = 10_000;
/** One-packet flows wait so long for their answer; a refusal is remembered as long. */
const SHORT_REST_MS = 10_000;
/** A plane that is to end gives answers that are under way so long. */
const LAST_REST_MS = 1000;

const FINE_MS = 100;
const COARSE_MS = 1000;
/** Time-outs below this are looked for finely. */
const FINE_BELOW_MS = 5000;

/** What times are made of. */
export interface FlowTimesParts {
  readonly flows: Flows;
  readonly memory: PlaneMemory;
  readonly clock: LoopClock;
  readonly tally: Tally;
  readonly ending: FlowEnding;
}

/** See the file's head. */
export class FlowTimes {
  readonly #parts: FlowTimesParts;
  #sweptMs = Number.NEGATIVE_INFINITY;
  #isDraining = false;

  constructor(parts: FlowTimesParts) {
    this.#parts = parts;
  }

  /** No client's datagram comes any longer. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Time-out of a ring's flows, ms. */
  restMs(ring: number): number {
    const idleMs = this.#parts.memory.settings[Setting.UDP_IDLE_MS];
    if (this.#isDraining) return Math.min(idleMs, LAST_REST_MS);
    return ring === Ring.SHORT ? Math.min(idleMs, SHORT_REST_MS) : idleMs;
  }

  /** Time until the next look is due, whole ms, at least 0; FOREVER_MS without flows. Hot path. */
  get untilSweepMs(): number {
    const { flows, clock } = this.#parts;
    if (flows.count === 0) return FOREVER_MS;
    return Math.max(0, Math.ceil(this.#sweptMs + this.#intervalMs() - clock.nowMs)) | 0;
  }

  /** Ends the flows whose time is over, if a look is due. Hot path. */
  sweepIfDue(): void {
    const { clock, flows } = this.#parts;
    if (flows.count === 0 || clock.nowMs < this.#sweptMs + this.#intervalMs()) return;
    this.#sweptMs = clock.nowMs;
    for (const ring of RINGS) this.#expire(ring);
  }

  /** Makes room for one flow. @returns whether there was one to give way */
  evict(): boolean {
    const { tally, ending } = this.#parts;
    const slot = this.#leastWanted();
    if (slot < 0) return false;
    tally.event(PlaneEventIndex.flowEvicted);
    ending.end(slot, EndReason.evicted);
    return true;
  }

  #leastWanted(): number {
    const { flows, clock } = this.#parts;
    const short = flows.rings.oldest(Ring.SHORT);
    if (short >= 0) return short;
    const unanswered = flows.rings.oldest(Ring.UNANSWERED);
    const answered = flows.rings.oldest(Ring.ANSWERED);
    if (answered < 0 || unanswered < 0) return Math.max(answered, unanswered);
    const isStale = clock.nowMs - flows.lastAnswerMs[answered] > RECENT_MS;
    return isStale && flows.lastMs[answered] < flows.lastMs[unanswered] ? answered : unanswered;
  }

  #expire(ring: number): void {
    const { flows, clock, tally, ending } = this.#parts;
    const dueMs = clock.nowMs - this.restMs(ring);
    for (let slot = flows.rings.oldest(ring); slot >= 0; slot = flows.rings.oldest(ring)) {
      if (flows.lastMs[slot] <= dueMs) {
        tally.event(PlaneEventIndex.flowExpired);
        ending.end(slot, EndReason.idleTimeout);
      } else if (!flows.rings.refresh(slot, flows.lastMs[slot])) {
        return;
      }
    }
  }

  #intervalMs(): number {
    return this.#isDraining || this.restMs(Ring.UNANSWERED) < FINE_BELOW_MS ? FINE_MS : COARSE_MS;
  }
}

const RINGS = [Ring.UNANSWERED, Ring.ANSWERED, Ring.SHORT] as const;
