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
