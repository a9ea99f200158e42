/** The quorum of a service: weight that must be up, with hysteresis (keepalived, reference §4.6). */

/** Whether the realservers that are up suffice. */
export class Quorum {
  /** Weight below which it is lost, and from which on it is there again. */
  readonly bounds: { readonly down: number; readonly up: number };
  #isUp: boolean;

  /**
   * @param quorum lowered to the total weight where it is above (keepalived), at least 1
   * @param hysteresis lowered to quorum - 1; what the total weight cannot reach is not asked for to rise again
   * @param weight of the realservers that are up now
   * @param wasUp whether it was up before a reload; undefined at the beginning, when the weight must suffice to rise
   */
  constructor(quorum: number, hysteresis: number, totalWeight: number, weight: number, wasUp?: boolean) {
    const needed = Math.max(1, Math.min(quorum, totalWeight));
    const margin = Math.min(hysteresis, needed - 1);
    this.bounds = { down: needed - margin, up: Math.max(1, Math.min(needed + margin, totalWeight)) };
    this.#isUp = wasUp ?? weight >= this.bounds.up;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Takes in the weight that is up. @returns whether the quorum was lost or gained */
  update(weight: number): boolean {
    const wasUp = this.#isUp;
    const { down, up } = this.bounds;
    this.#isUp = wasUp ? weight > 0 && weight >= down : weight >= up;
    return wasUp !== this.#isUp;
  }
}
