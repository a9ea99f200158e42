/** Slow start: the weight of a realserver that has come back grows in sixteenths (HAProxy, reference §5.5). */

const STEPS = 16;

/** The share of its weight that a realserver gets, 1/16 to 1. @param elapsedMs since it came back */
export function slowStartFactor(elapsedMs: number, totalMs: number): number {
  if (elapsedMs >= totalMs) return 1;
  return Math.min(1 + Math.floor((STEPS * Math.max(elapsedMs, 0)) / totalMs), STEPS) / STEPS;
}

/** When the share grows next, in milliseconds since it came back; undefined where it is whole. */
export function nextSlowStartStep(elapsedMs: number, totalMs: number): number | undefined {
  const step = Math.floor((STEPS * Math.max(elapsedMs, 0)) / totalMs) + 1;
  return step >= STEPS ? undefined : Math.ceil((step * totalMs) / STEPS);
}
