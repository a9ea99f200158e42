/** Refuses values of check options, in one form: what, found, accepted. */
import { UvsError } from "../core/errors.js";

const LONGEST_SHOWN = 100;

/** The error of an option whose value is not accepted. */
export function invalidOption(field: string, value: unknown, accepted: string): UvsError {
  const text = JSON.stringify(value) ?? String(value);
  const found = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
  return new UvsError("INVALID", `${field}: found ${found}, accepted is ${accepted}`, {
    details: { field, found },
  });
}

/** Text of one line that can be put into a protocol's line. @throws UvsError INVALID */
export function singleLine(field: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(value))
    throw invalidOption(field, value, "text without control characters");
  return value;
}
