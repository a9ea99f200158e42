/**
 * The votes of this director: where quorum counts, a group that nobody holds is acquired only by whom most nodes have voted
 * for. A vote stays with a claimant for as long as it lives and claims or holds the group, so that two parts of a cluster that
 * have just lost each other, and do not know it yet, cannot both acquire it.
 */
import type { Member } from "./member.js";
import type { PlacedGroup } from "./placement.js";

/** See the file's head. */
export class Ballot {
  /** By group. */
  readonly #votes = new Map<string, string>();

  /** For whom this director has voted. */
  voteFor(group: string): string | undefined {
    return this.#votes.get(group);
  }

  /**
   * Looks at the claims for a group, which this director neither holds nor claims.
   * @param mayVote whether nobody is known to hold it
   */
  count(group: PlacedGroup, members: readonly Member[], mayVote: boolean): void {
    const { name } = group;
    const chosen = members.find((member) => member.name === this.#votes.get(name));
    if (chosen?.isLive && chosen.hasOrClaims(name)) return;
    this.#votes.delete(name);
    if (!mayVote) return;
    const [best] = members
      .filter((member) => member.isActive && member.claims(name))
      .sort((a, b) => (isBetterClaim(group, a.name, b.name) ? -1 : 1));
    if (best !== undefined) this.#votes.set(name, best.name);
  }

  /** This director claims or holds it itself. */
  withdraw(group: string): void {
    this.#votes.delete(group);
  }

  /** All votes. */
  list(): { readonly group: string; readonly node: string }[] {
    return [...this.#votes].map(([group, node]) => ({ group, node }));
  }
}

/** Whether one of two claimants goes before the other. */
export function isBetterClaim({ scores }: PlacedGroup, node: string, other: string): boolean {
  const [own, others] = [scores[node] ?? 0, scores[other] ?? 0];
  return own === others ? node < other : own > others;
}
