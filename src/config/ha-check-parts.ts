/** What checks of `ha` share; they bear values that were refused. */
import type { ResourceEntry } from "./ha-group-schema.js";
import { refusal } from "./refuse.js";

/** Tells what is wrong, and where. */
export type Report = (path: readonly (string | number)[], message: string) => void;

/** One kind of resource, with the keys that it has. */
export function checkResource(resource: ResourceEntry, report: Report): void {
  const kinds = (["lsb", "ocf", "systemd"] as const).filter((kind) => resource[kind] !== undefined);
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? "none of lsb, ocf, systemd" : kinds.join(" and ");
    report([], `found ${found}, accepted is one of them`);
  }
  const [kind] = kinds;
  if (kind !== "lsb" && resource.args && resource.args.length > 0) {
    report(["args"], `found arguments without lsb, accepted are they with lsb`);
  }
  for (const key of ["instance", "parameters"] as const) {
    if (kind === "ocf" || resource[key] === undefined) continue;
    report([key], `found ${key} without ocf, accepted is it with ocf`);
  }
}

/** Each value once. */
export function checkUnique(
  values: readonly (string | undefined)[],
  what: string,
  report: (index: number, message: string) => void,
): void {
  const seen = new Set<string>();
  for (const [i, value] of values.entries()) {
    if (value === undefined) continue;
    if (seen.has(value)) report(i, refusal(value, `each ${what} once`));
    seen.add(value);
  }
}

/** Words for what would be accepted. */
export function oneOf(what: string, names: readonly (string | undefined)[]): string {
  const known = names.filter((name) => name !== undefined);
  return known.length === 0 ? `${what}, of which there is none` : `${what}: ${known.join(", ")}`;
}

/** The entries of a list; any of their values may have been refused, and one that is no mapping has none. */
export function mappings<T>(list: readonly T[] | null | undefined): T[] {
  if (!Array.isArray(list)) return [];
  return list.map((entry) => (typeof entry === "object" && entry !== null ? entry : ({} as T)));
}
