/** The words in which a value is refused: what was found, why that is wrong, what is accepted. */
import { UvsError } from "../core/errors.js";

/** Longest text that a message quotes. */
const MAX_SHOWN = 60;

/** A value as messages show it: short and on one line, text in quotes, `nothing` for an empty value. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}...` : value);
  }
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a mapping" : String(value);
}

/**
 * The sentence that refuses a value: `found 7, accepted is a whole number from 0 to 5`.
 * @param found undefined means that the key is missing
 * @param reason goes in parentheses behind what was found, where the accepted form does not explain enough
 */
export function refusal(found: unknown, accepted: string, reason?: string): string {
  const what = found === undefined ? "missing" : `found ${show(found)}`;
  return `${what}${reason ? ` (${reason})` : ""}, accepted is ${accepted}`;
}

/** @throws UvsError INVALID with that sentence */
export function refuse(found: unknown, accepted: string, reason?: string): never {
  throw new UvsError("INVALID", refusal(found, accepted, reason), { side: "config" });
}
