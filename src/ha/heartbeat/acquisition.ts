/**
 * Whether a group that nobody holds may be acquired here: everybody must be known not to hold it, and where quorum counts,
 * most nodes must have voted for this director.
 */
import { Ballot, isBetterClaim } from "./ballot.js";
import type { Holding } from "./holdings.js";
import type { Membership, MembershipSettings } from "./membership.js";
import { hasMajority } from "./quorum.js";
import type { GroupAt } from "./report.js";

/** See the file's head. */
export class Acquisition {
  readonly #settings: MembershipSettings;
  readonly #membership: Membership;
  readonly #ballot = new Ballot();
  /** A partition may think that it has quorum while another one does: then it is voted. */
  readonly #isVoted: boolean;

  constructor(settings: MembershipSettings, membership: Membership) {
    this.#settings = settings;
    this.#membership = membership;
    this.#isVoted = settings.noQuorum !== "ignore" && settings.tieBreaker !== "pair";
  }

  /** For whom this director has voted. */
  votes(): GroupAt[] {
    return this.#ballot.list();
  }

  /** Votes for another director's claim, where there is one and none here. */
  vote({ group, state }: Holding): void {
    if (state !== "free") this.#ballot.withdraw(group.name);
    else if (this.#isVoted) this.#ballot.count(group, this.#membership.all, !this.#isHeld(group.name));
  }

  /** Whether nobody else can hold it, as far as can be known. */
  isSafe(group: string): boolean {
    const { all, isKnown, mayAct } = this.#membership;
    return mayAct && isKnown && !all.some(({ isUnfenced }) => isUnfenced) && !this.#isHeld(group);
  }

  /** Whether it may be claimed: this director has not voted for another. */
  mayClaim({ name }: Holding): boolean {
    return this.#ballot.voteFor(name) === undefined;
  }

  /** Whether no other claim goes before ours. */
  isBestClaim({ name, group }: Holding): boolean {
    const rivals = this.#membership.live.filter((member) => member.claims(name));
    return rivals.every((rival) => isBetterClaim(group, this.#settings.node, rival.name));
  }

  /** Whether most nodes agree that it is acquired here. */
  isElected(nowMs: number, { name, sinceMs }: Holding, reachesPing: boolean): boolean {
    if (!this.#isVoted) return true;
    const { node, nodes, tieBreaker } = this.#settings;
    const votes = this.#membership.all.filter(
      (member) =>
        this.#membership.isFresh(nowMs, member) &&
        member.heardMs >= sinceMs &&
        member.hasVotedFor(node, name),
    );
    return hasMajority(votes.length + 1, nodes.length, tieBreaker, reachesPing);
  }

  /** Why nobody holds it, in words. */
  whyFree(group: string): string {
    const { all } = this.#membership;
    const giver = all.find(({ report }) => report?.gives.some((give) => give.group === group));
    if (giver?.isLive) return `${giver.name} has given it`;
    const lost = all.find((member) => member.isDead && member.report?.holds?.includes(group));
    return lost === undefined ? "nobody holds it" : `${lost.name} is dead`;
  }

  /** Whether a living director holds it, or hears somebody hold it whom we do not hear. */
  #isHeld(name: string): boolean {
    const isUnheard = (node: string): boolean => this.#membership.get(node)?.isLive === false;
    return this.#membership.live.some(
      (member) =>
        (member.mayHold(name) && !member.claims(name)) ||
        member.report?.seen.some(({ group, node }) => group === name && isUnheard(node)),
    );
  }
}
