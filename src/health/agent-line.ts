/** What an agent on a realserver says: one line of words, HAProxy's agent-check protocol (reference §5.4). */
import { type AdminCommand, type CheckResult, type DynamicWeight, failed, passed } from "./checker.js";
import { escaped, excerpt } from "./excerpt.js";

/** Greatest weight that an agent may set, and greatest share in per cent (HAProxy). */
const MAX_WEIGHT = 256;
const MAX_PERCENT = 25_600;
const LONGEST_DESCRIPTION = 200;

const HEALTH = new Set(["up", "down", "fail", "stopped"]);
const ADMIN = new Set(["ready", "drain", "maint"]);

/**
 * Reads an agent's line. Of several words of a kind the last wins; words that mean nothing are named in the reason.
 * @param received all that the agent sent; only the first line counts, and only if it has an end
 * @returns a result: `neutral` where the line does not speak of health, or there is none
 */
export function readAgentLine(received: string): CheckResult {
  const [, line] = /^([^\r\n]*)[\r\n]/.exec(received) ?? [];
  if (line === undefined) return neutral(`ignored: no complete line, ${excerpt(received)}`);
  const [words, ...rest] = line.split("#");
  const description = escaped(rest.join("#").trim().slice(0, LONGEST_DESCRIPTION));
  let health: string | undefined;
  let admin: AdminCommand | undefined;
  let weight: DynamicWeight | undefined;
  let connectionLimit: number | undefined;
  let unknown: string | undefined;
  for (const word of words.toLowerCase().split(/[ \t,]+/)) {
    if (word === "") continue;
    if (HEALTH.has(word)) health = word;
    else if (ADMIN.has(word)) admin = word as AdminCommand;
    else if (/^maxconn:\d{1,9}$/.test(word)) connectionLimit = Number(word.slice(8));
    else {
      const asked = readWeight(word);
      if (asked === undefined) unknown ??= word;
      else weight = asked;
    }
  }
  const more = { admin, weight, connectionLimit };
  const note = unknown === undefined ? "" : `; agent reports an error: ${excerpt(unknown)}`;
  if (health === undefined) return { ...neutral(`via agent${admin ? ` : ${admin}` : ""}${note}`), ...more };
  const reason = `via agent : ${health}${description ? ` (${description})` : ""}${note}`;
  return health === "up" ? passed("L7OK", reason, more) : failed("L7STS", reason, more);
}

/** `75%`, `weight:75%` or `weight:10`. */
function readWeight(word: string): DynamicWeight | undefined {
  const [, prefix, digits, percent] = /^(weight:)?(\d{1,9})(%)?$/.exec(word) ?? [];
  if (digits === undefined || (prefix === undefined && percent === undefined)) return undefined;
  const value = Number(digits);
  return percent ? { percent: Math.min(value, MAX_PERCENT) } : { absolute: Math.min(value, MAX_WEIGHT) };
}

function neutral(reason: string): CheckResult {
  return { outcome: "neutral", code: "L7RSP", reason };
}
