/**
 * What a director watches besides its peers: interfaces, scripts, services. Each either adds to the priority or, with
 * weight 0, is a condition for being master (keepalived's track_interface, track_script; reference: ha.md §3.6).
 */

/** Kinds of things that can be watched. */
export type TrackedKind = "interface" | "script" | "service";

/** One watched thing and what it does to the priority. */
export interface TrackedItem {
  readonly kind: TrackedKind;
  /** Interface, script or service key; unique within its kind. */
  readonly name: string;
  /**
   * -253 to 253. Above 0: added while it works. Below 0: added while it has failed. 0: a failure is a FAULT.
   * @default 0
   */
  readonly weight?: number;
  /** Exchanges working and failed. @default false */
  readonly reverse?: boolean;
}

/** State of a watched thing; unknown until it was looked at first, which counts as failed where the weight is 0. */
export type TrackedState = "up" | "down" | "unknown";

/** A watched thing as it is now. */
export interface TrackedStatus {
  readonly kind: TrackedKind;
  readonly name: string;
  readonly weight: number;
  readonly state: TrackedState;
  /** What it adds to the priority now. */
  readonly adds: number;
}

/** What all of it comes to. */
export interface TrackingOutcome {
  /** Effective priority. */
  readonly priority: number;
  /** Why this director must not be master, in words; empty: it may. */
  readonly faults: readonly string[];
}

const OWNER = 255;

/** The watched things of one instance. */
export class Tracking {
  readonly #base: number;
  readonly #items: readonly TrackedItem[];
  readonly #states: TrackedState[];

  /** @param base configured priority, 1 to 255 */
  constructor(base: number, items: readonly TrackedItem[]) {
    this.#base = base;
    this.#items = items;
    this.#states = items.map(() => "unknown");
  }

  /** Says how a thing is. @returns whether that is watched here and news */
  set(kind: TrackedKind, name: string, state: TrackedState): boolean {
    let isNews = false;
    this.#items.forEach((item, i) => {
      if (item.kind !== kind || item.name !== name || this.#states[i] === state) return;
      this.#states[i] = state;
      isNews = true;
    });
    return isNews;
  }

  /** The effective priority: base and weights, kept within 1 to 254; an owner's 255 is never changed. */
  outcome(): TrackingOutcome {
    const statuses = this.statuses();
    const sum = statuses.reduce((total, { adds }) => total + adds, this.#base);
    const priority = this.#base === OWNER ? OWNER : Math.min(Math.max(sum, 1), OWNER - 1);
    const faults = statuses
      .filter((status, i) => status.weight === 0 && !this.#works(i))
      .map(({ kind, name, state }) => `${kind} ${name} is ${this.#words(state)}`);
    return { priority, faults };
  }

  statuses(): TrackedStatus[] {
    return this.#items.map(({ kind, name, weight = 0 }, i) => {
      const works = this.#works(i);
      const applies = this.#states[i] !== "unknown" && (weight > 0 ? works : !works);
      return { kind, name, weight, state: this.#states[i], adds: applies ? weight : 0 };
    });
  }

  #works(i: number): boolean {
    return this.#states[i] === (this.#items[i].reverse ? "down" : "up");
  }

  #words(state: TrackedState): string {
    return state === "unknown" ? "not checked yet" : state;
  }
}
