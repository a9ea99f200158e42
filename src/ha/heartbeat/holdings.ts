/** What this director holds: a small record per group, and what is about to change. */
import type { ClusterEffect, HoldState } from "./effects.js";
import type { PlacedGroup } from "./placement.js";

/** One group on this director. */
export class Holding {
  readonly group: PlacedGroup;
  state: HoldState = "free";
  /** Since when it is claimed, or whatever it is. */
  sinceMs = 0;
  /** Why it cannot be here; undefined: it can. */
  trouble: string | undefined;
  /** The operator does not want it here. */
  isAway = false;
  /** Its configuration changes: a successor takes it again as what it is then. */
  isEnding = false;
  /** The operator wants it here. */
  isWanted = false;
  /** To whom it was given, who has not taken it yet, and until when that is waited for. */
  give: { readonly node: string; readonly untilMs: number } | undefined;
  /** Where it should be instead, and since when without a break. */
  better: { readonly node: string; readonly sinceMs: number } | undefined;
  /** Others that hold it too, and since when. */
  readonly rivals = new Map<string, number>();

  constructor(group: PlacedGroup) {
    this.group = group;
  }

  get name(): string {
    return this.group.name;
  }

  /** Whether it may not be here, whatever else speaks for it. */
  get isBarred(): boolean {
    return this.isAway || this.isEnding || this.trouble !== undefined;
  }

  /** Whether its addresses are or may be here. */
  get isHere(): boolean {
    return this.state === "held" || this.state === "leaving";
  }

  /** Comes into another state, which is told. */
  become(to: HoldState, reason: string, onEffect: (effect: ClusterEffect) => void): void {
    const from = this.state;
    this.state = to;
    onEffect({ do: "tell", event: { kind: "group", group: this.name, from, to, reason } });
  }

  /** Is given up, if it is held. @param isUrgent the addresses first, else the resources */
  release(isUrgent: boolean, reason: string, onEffect: (effect: ClusterEffect) => void): void {
    if (this.state !== "held") return;
    this.isWanted = false;
    this.better = undefined;
    this.become("leaving", reason, onEffect);
    onEffect({ do: "release", group: this.name, isUrgent });
  }

  /**
   * Goes on for the group of this name of a cluster before.
   * @param isSame whether it is what it was; else only what was said about it lasts
   */
  succeed(before: Holding, isSame: boolean): void {
    this.isAway = before.isAway;
    this.give = before.give;
    if (!isSame) return;
    this.state = before.state;
    this.sinceMs = before.sinceMs;
    this.trouble = before.trouble;
    this.isWanted = before.isWanted;
  }
}
