/** Whether the members that hear one another are enough of the configured nodes to act (reference: ha.md §10.1). */

/** What happens to the groups of a partition that has no quorum. */
export const NO_QUORUM_POLICIES = ["stop", "freeze", "ignore"] as const;

/** One of them. `stop`: groups are released; `freeze`: they are kept, and none is acquired; `ignore`: as if it had it. */
export type NoQuorumPolicy = (typeof NO_QUORUM_POLICIES)[number];

/** Who settles a tie; `pair`: two nodes always have quorum, as nobody can outvote them. */
export type TieBreaker = "none" | "pair" | "ping";

/**
 * The verdict on a partition.
 * @param members nodes in it, this one included
 * @param nodes configured nodes
 * @param reachesPing whether a ping node answers this director
 */
export function hasMajority(
  members: number,
  nodes: number,
  tieBreaker: TieBreaker,
  reachesPing: boolean,
): boolean {
  if (2 * members !== nodes) return 2 * members > nodes;
  return tieBreaker === "pair" || (tieBreaker === "ping" && reachesPing);
}
