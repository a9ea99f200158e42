/** Groups that two directors hold at once: who stays, who goes, and that it is told once. */
import type { ClusterEffect } from "./effects.js";
import type { Holding } from "./holdings.js";
import type { Member } from "./member.js";
import type { Membership } from "./membership.js";

/** One of two directors that hold the same group. */
export interface Claim {
  readonly node: string;
  readonly hasQuorum: boolean;
  readonly pings: number;
  /** What speaks for the node by configuration. */
  readonly score: number;
}

/**
 * Whether a group stays with `own` when another director holds it too (reference: ha.md §9.4): quorum, then ping nodes that
 * answer, then the preferred node, then the first by name. Both sides come to opposite answers.
 */
export function staysWith(own: Claim, other: Claim): boolean {
  if (own.hasQuorum !== other.hasQuorum) return own.hasQuorum;
  if (own.pings !== other.pings) return own.pings > other.pings;
  if (own.score !== other.score) return own.score > other.score;
  return own.node < other.node;
}

/** See the file's head. */
export class Conflicts {
  readonly #node: string;
  readonly #membership: Membership;
  readonly #do: (effect: ClusterEffect) => void;

  constructor(node: string, membership: Membership, onEffect: (effect: ClusterEffect) => void) {
    this.#node = node;
    this.#membership = membership;
    this.#do = onEffect;
  }

  /** Looks at every group. @param pings ping nodes that answer */
  resolve(nowMs: number, holdings: readonly Holding[], pings: number): void {
    for (const holding of holdings) {
      const rivals = this.#membership.live.filter((member) => member.holdsNow(holding.name));
      if (holding.state !== "held") {
        holding.rivals.clear();
        continue;
      }
      const hadRivals = holding.rivals.size > 0;
      for (const rival of rivals) {
        const isNew = !holding.rivals.has(rival.name);
        if (isNew) holding.rivals.set(rival.name, nowMs);
        // One that is leaving already has heard us first; clients may follow it all the same.
        const stays = !rival.keeps(holding.name) || this.#staysAgainst(nowMs, holding, rival, pings);
        const outcome = stays ? "stays here" : "goes";
        const event = { kind: "conflict", group: holding.name, node: rival.name, outcome } as const;
        if (isNew || !stays) this.#do({ do: "tell", event });
        if (stays) continue;
        holding.release(true, `${rival.name} holds it too, and has the better claim`, this.#do);
        break;
      }
      if (holding.state !== "held" || rivals.length > 0 || !hadRivals) continue;
      holding.rivals.clear();
      this.#do({ do: "tell", event: { kind: "resolved", group: holding.name } });
      this.#do({ do: "announce", group: holding.name });
    }
  }

  #staysAgainst(nowMs: number, { group, rivals }: Holding, member: Member, ownPings: number): boolean {
    const { name, report } = member;
    // A link that works in one direction only: the other one will never know.
    const isUnheard = nowMs - (rivals.get(name) ?? nowMs) > this.#membership.graceMs;
    if (isUnheard && !member.hears(this.#node)) return false;
    const claim = (node: string, hasQuorum = false, pings = 0) => ({
      node,
      hasQuorum,
      pings,
      score: group.scores[node] ?? 0,
    });
    return staysWith(
      claim(this.#node, this.#membership.hasQuorum, ownPings),
      claim(name, report?.hasQuorum, report?.pings),
    );
  }
}
