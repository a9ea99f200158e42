/** The weight of a realserver: configured, changed by checks, overridden by an operator, shrunk by slow start (reference §1.1). */
import { MAX_INT32 } from "../core/model.js";
import type { DynamicWeight } from "./checker.js";

/** What a check's weight adds to the configured one. */
export function weightDelta(weight: DynamicWeight, configured: number): number {
  if ("delta" in weight) return weight.delta;
  if ("absolute" in weight) return weight.absolute - configured;
  return Math.floor((configured * weight.percent) / 100) - configured;
}

/** The weight before slow start: configured and what checks add, or the operator's instead of both. */
export function askedWeight(configured: number, deltas: readonly number[], override?: number): number {
  const asked = override ?? deltas.reduce((sum, delta) => sum + delta, configured);
  return Math.min(Math.max(asked, 0), MAX_INT32);
}

/** The weight to write. A realserver that may be used gets at least 1, for 0 would quiesce it. */
export function effectiveWeight(asked: number, slowStartFactor: number): number {
  return asked === 0 ? 0 : Math.max(1, Math.round(asked * slowStartFactor));
}
