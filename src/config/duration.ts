/** Durations as people write them: `500ms`, `6s`, `5m`, `1h`, `1d`; a bare number is seconds, as in `ipvsadm --set`. */
import { refuse } from "./refuse.js";

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNIT_MS;

/** What a duration looks like, as a regular expression for JSON Schema and for us. */
export const DURATION_PATTERN = "^([0-9]+(?:\\.[0-9]+)?)(ms|s|m|h|d)?$";

/** The forms, for messages. */
const FORMS = "a duration such as 500ms, 6s, 5m, 1h or 1d; a bare number is seconds";

const pattern = new RegExp(DURATION_PATTERN);

/**
 * Reads a duration.
 * @param input text with or without unit, or a number of seconds
 * @returns whole milliseconds, 0 or more
 * @throws UvsError INVALID
 */
export function parseDuration(input: unknown): number {
  const match = typeof input === "string" || typeof input === "number" ? pattern.exec(String(input)) : null;
  if (match === null) return refuse(input, FORMS);
  const exact = Number(match[1]) * UNIT_MS[(match[2] as Unit | undefined) ?? "s"];
  const ms = Math.round(exact);
  // 1.001 s is 1000.9999999999999 ms in binary: what is meant is whole.
  if (Math.abs(exact - ms) > 1e-6) return refuse(input, FORMS, "not whole milliseconds");
  if (!Number.isSafeInteger(ms)) return refuse(input, FORMS, "too long");
  return ms;
}
