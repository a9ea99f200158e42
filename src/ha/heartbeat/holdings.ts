/** What this director holds: a small record per group, and what is about to change. */
import type { HoldState } from "./effects.js";
import type { PlacedGroup } from "./placement.js";

/** One group on this director. */
export class Holding {
  readonly group: PlacedGroup;
  state: HoldState = "free";
  /** Why it cannot be here; undefined: it can. */
  trouble: string | undefined;
  /** The operator does not want it here. */
  isAway = false;
  /** The operator wants it here. */
  isWanted = false;
  /** To whom it was given, who has not taken it yet, and until when that is waited for. */
  give: { readonly node: string; readonly untilMs: number } | undefined;
  /** Where it should be instead, and since when without a break. */
  better: { readonly node: string; readonly sinceMs: number } | undefined;
  /** Others that hold it too. */
  readonly rivals = new Set<string>();

  constructor(group: PlacedGroup) {
    this.group = group;
  }

  get name(): string {
    return this.group.name;
  }

  /** Whether it may not be here, whatever else speaks for it. */
  get isBarred(): boolean {
    return this.isAway || this.trouble !== undefined;
  }

  get isHere(): boolean {
    return this.state !== "free";
  }
}
