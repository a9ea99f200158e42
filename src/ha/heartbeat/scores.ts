/**
 * Scores as Pacemaker counts them (reference: ha.md §10.2): integers that saturate at one million, which stands for infinity;
 * minus infinity wins over everything.
 */

/** "At any price"; negative: "never". */
export const INFINITY = 1_000_000;

/** The sum of scores. */
export function addScores(...scores: readonly number[]): number {
  let sum = 0;
  for (const score of scores) {
    if (score <= -INFINITY || sum <= -INFINITY) return -INFINITY;
    sum = sum >= INFINITY || score >= INFINITY ? INFINITY : sum + score;
  }
  return Math.max(Math.min(sum, INFINITY), -INFINITY);
}
