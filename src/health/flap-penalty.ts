/**
 * Flap damping after RFC 2439: each time down adds one to a penalty that decays by half in a half-life. At the limit the
 * check is held down until the penalty has decayed to half the limit, however well its probes go.
 */
import type { FlapDamping } from "./spec.js";

/** The penalty of one check. */
export class FlapPenalty {
  readonly #damping: FlapDamping;
  #penalty = 0;
  #atMs = 0;
  #heldUntilMs = 0;

  constructor(damping: FlapDamping) {
    this.#damping = damping;
  }

  /** Counts a time down. */
  add(nowMs: number): void {
    const { limit, halfLifeMs, maxMs } = this.#damping;
    this.#penalty = this.#penalty * 2 ** (-(nowMs - this.#atMs) / halfLifeMs) + 1;
    this.#atMs = nowMs;
    if (this.#penalty < limit) return;
    const holdMs = halfLifeMs * Math.log2(this.#penalty / (limit / 2));
    this.#heldUntilMs = nowMs + Math.min(holdMs, maxMs);
  }

  /** Holds it down no longer; the next time down counts as before. */
  release(): void {
    this.#heldUntilMs = 0;
  }

  /** Until when it is held down; 0 where it is not. */
  heldUntil(nowMs: number): number {
    return nowMs < this.#heldUntilMs ? this.#heldUntilMs : 0;
  }
}
