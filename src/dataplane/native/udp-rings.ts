/**
 * The order of UDP flows by age: each flow is in one of three rings, the one that has rested longest first. That is the order
 * in which they time out and give way. Hot path: no allocation, no throw.
 */

/** The rings. */
export const Ring = {
  /** Has not been answered lately. */
  UNANSWERED: 0,
  ANSWERED: 1,
  /** One-packet flows and refused ones. */
  SHORT: 2,
} as const;
const RINGS = 3;

/** A place in the rings is at most this much out of date: a busy flow does not move with each datagram. */
export const RING_GRAIN_MS = 100;

/** See the file's head; flows are slots below a capacity. */
export class FlowRings {
  readonly #capacity: number;
  /** Neighbours in the ring; from `capacity` + 1 on the rings' own places. */
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  readonly #ring: Uint8Array;
  readonly #placedMs: Float64Array;

  constructor(capacity: number) {
    const slots = capacity + 1;
    this.#capacity = capacity;
    this.#older = new Int32Array(slots + RINGS);
    this.#newer = new Int32Array(slots + RINGS);
    this.#ring = new Uint8Array(slots);
    this.#placedMs = new Float64Array(slots);
    for (let place = slots; place < slots + RINGS; place++) {
      this.#older[place] = place;
      this.#newer[place] = place;
    }
  }

  /** Moves a flow to the young end of a ring, if it does not stand there. Hot path. */
  touch(slot: number, ring: number, nowMs: number): void {
    if (this.#ring[slot] === ring && nowMs - this.#placedMs[slot] < RING_GRAIN_MS) return;
    this.remove(slot);
    this.add(slot, ring, nowMs);
  }

  /** Brings the place of a flow up to date with its last datagram. @returns false where it was */
  refresh(slot: number, lastMs: number): boolean {
    if (this.#placedMs[slot] >= lastMs) return false;
    this.remove(slot);
    this.add(slot, this.#ring[slot], lastMs);
    return true;
  }

  /** Whether it stands among those that were answered lately. */
  isAnswered(slot: number): boolean {
    return this.#ring[slot] === Ring.ANSWERED;
  }

  /** The flow of a ring that has rested longest, or -1. */
  oldest(ring: number): number {
    const first = this.#newer[this.#capacity + 1 + ring];
    return first > this.#capacity ? -1 : first;
  }

  /** Puts a flow at the young end of a ring. */
  add(slot: number, ring: number, nowMs: number): void {
    const place = this.#capacity + 1 + ring;
    const youngest = this.#older[place];
    this.#newer[youngest] = slot;
    this.#older[slot] = youngest;
    this.#newer[slot] = place;
    this.#older[place] = slot;
    this.#ring[slot] = ring;
    this.#placedMs[slot] = nowMs;
  }

  /** Takes a flow out of its ring. */
  remove(slot: number): void {
    this.#newer[this.#older[slot]] = this.#newer[slot];
    this.#older[this.#newer[slot]] = this.#older[slot];
  }
}
