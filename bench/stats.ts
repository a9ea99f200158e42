/** Medians and ratios. Ratios are taken within a round, where two peers met the same machine, and only then summed up. */

/** Middle, least and greatest of some values. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle value, or the mean of the two middle ones; NaN where there is none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @returns undefined where there is no value */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * One ratio a round: `values[i] / baseline[i]`. A round in which either is missing, or the baseline is 0, gives none.
 * @param values one entry a round, undefined where the measurement failed
 */
export function roundRatios(
  values: readonly (number | undefined)[],
  baseline: readonly (number | undefined)[],
): number[] {
  const ratios: number[] = [];
  values.forEach((value, round) => {
    const base = baseline[round];
    if (value !== undefined && base !== undefined && base !== 0) ratios.push(value / base);
  });
  return ratios;
}
