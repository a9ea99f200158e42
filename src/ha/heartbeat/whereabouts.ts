/** Where the groups are and where they should be, from what all directors have said. */
import type { Holding } from "./holdings.js";
import type { Membership } from "./membership.js";
import { type Candidate, type PingRule, type PlacedGroup, place } from "./placement.js";
import type { GroupAt } from "./report.js";

/** What it follows from. */
export interface WhereaboutsSettings {
  readonly node: string;
  readonly groups: readonly PlacedGroup[];
  readonly ping: PingRule;
}

/** See the file's head. */
export class Whereabouts {
  readonly #settings: WhereaboutsSettings;
  readonly #membership: Membership;
  readonly #holdings: readonly Holding[];

  constructor(settings: WhereaboutsSettings, membership: Membership, holdings: readonly Holding[]) {
    this.#settings = settings;
    this.#membership = membership;
    this.#holdings = holdings;
  }

  /** Other directors that can hold groups. An old heartbeat does not take what is given: it says nothing of its configuration. */
  others(): Candidate[] {
    return this.#membership.all.flatMap(({ isActive, name, report }) =>
      isActive && report !== undefined && report.configuration !== "" ? [{ node: name, ...report }] : [],
    );
  }

  /** The node for each group. @param own this director, where it can hold groups */
  places(own: Candidate | undefined): Map<string, string> {
    const candidates = own === undefined ? this.others() : [own, ...this.others()];
    const holders = this.#holders();
    const places = place(this.#settings.groups, candidates, holders, this.#settings.ping);
    // What was given away and not taken yet is not given to a third one.
    for (const { group, node } of this.#gifts()) {
      const taker = candidates.find((candidate) => candidate.node === node);
      if (taker !== undefined && !taker.failed.includes(group) && !holders.has(group))
        places.set(group, node);
    }
    return places;
  }

  /** Who holds the groups, for stickiness. */
  #holders(): Map<string, string> {
    const holders = new Map<string, string>();
    for (const { name, state } of this.#holdings) {
      const holder = this.#membership.all.find((member) => member.isActive && member.keeps(name));
      if (state === "held") holders.set(name, this.#settings.node);
      else if (holder !== undefined) holders.set(name, holder.name);
    }
    return holders;
  }

  #gifts(): GroupAt[] {
    const own = this.#holdings.flatMap(({ name, give, state }) =>
      give !== undefined && state !== "held" ? [{ group: name, node: give.node }] : [],
    );
    return [...this.#membership.live.flatMap(({ report }) => report?.gives ?? []), ...own];
  }
}
