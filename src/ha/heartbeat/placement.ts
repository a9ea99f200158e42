/**
 * Which director should hold which group: a pure function of what all directors know, so that all come to the same answer
 * without a vote (reference: ha.md §10.2). Whoever holds a group keeps it among equals; then the one with fewer groups, then
 * the first by name.
 */
import type { Scope } from "./report.js";
import { addScores, INFINITY } from "./scores.js";

/** A group as far as its place is concerned. */
export interface PlacedGroup {
  readonly name: string;
  /** The node that heartbeat's haresources names first. */
  readonly preferred?: string;
  /** What speaks for a node, or against it, -1 000 000 to 1 000 000. */
  readonly scores: Readonly<Record<string, number>>;
  /** What speaks for the node where it is. */
  readonly stickiness: number;
}

/** A director that may hold groups. */
export interface Candidate {
  readonly node: string;
  readonly standby: Scope | "none";
  readonly failed: readonly string[];
  readonly wants: readonly string[];
  readonly pings: number;
}

/** What ping nodes do to scores. */
export interface PingRule {
  /** Score of each ping node that answers. */
  readonly multiplier: number;
  /** Whether a director that none answers must hold nothing. */
  readonly isRequired: boolean;
}

/** Whether a group is meant when a node's operator says `all`, `foreign` or `local`. */
export function isInScope(group: PlacedGroup, node: string, scope: Scope | "none"): boolean {
  if (scope === "none") return false;
  return scope === "all" || (scope === "local") === (group.preferred === node);
}

/** What speaks for a group's being on a node; below 0: it must not be there. */
export function scoreOf(
  group: PlacedGroup,
  candidate: Candidate,
  holder: string | undefined,
  rule: PingRule,
): number {
  const { node, standby, failed, wants, pings } = candidate;
  const isForbidden =
    failed.includes(group.name) || isInScope(group, node, standby) || (rule.isRequired && pings === 0);
  return addScores(
    isForbidden ? -INFINITY : 0,
    group.scores[node] ?? 0,
    holder === node ? group.stickiness : 0,
    pings * rule.multiplier,
    wants.includes(group.name) ? INFINITY : 0,
  );
}

/**
 * The node for each group; a group that no candidate may hold is absent.
 * @param holders who holds a group now, where that is one of the candidates
 */
export function place(
  groups: readonly PlacedGroup[],
  candidates: readonly Candidate[],
  holders: ReadonlyMap<string, string>,
  rule: PingRule,
): Map<string, string> {
  const loads = new Map(candidates.map(({ node }) => [node, 0]));
  const count = (node: string | undefined, change: number): void => {
    if (node !== undefined && loads.has(node)) loads.set(node, (loads.get(node) ?? 0) + change);
  };
  for (const { name } of groups) count(holders.get(name), 1);
  const places = new Map<string, string>();
  for (const group of groups) {
    const holder = holders.get(group.name);
    const ranked = candidates
      .map((candidate) => ({
        node: candidate.node,
        score: scoreOf(group, candidate, holder, rule),
        isHolder: candidate.node === holder,
        load: loads.get(candidate.node) ?? 0,
      }))
      .filter(({ score }) => score >= 0)
      .sort(
        (a, b) =>
          b.score - a.score ||
          Number(b.isHolder) - Number(a.isHolder) ||
          a.load - b.load ||
          (a.node < b.node ? -1 : 1),
      );
    const best = ranked[0]?.node;
    if (best === undefined) continue;
    places.set(group.name, best);
    if (best !== holder) {
      count(best, 1);
      count(holder, -1);
    }
  }
  return places;
}
