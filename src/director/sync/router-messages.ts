/** How peers tell one another of their virtual routers: `routers`, and `handover` from a master that has left. */
import { parseIp } from "../../core/address.js";
import type { HandoverWord, RouterName, RouterStanding } from "../../ha/handover.js";
import { listOf, numberOf, objectOf, refusal } from "./fields.js";

const MAX_ROUTERS = 1024;
const STATES = ["INIT", "BACKUP", "MASTER", "FAULT"] as const;

/** @throws UvsError INVALID */
export function parseStandings(value: unknown): RouterStanding[] {
  return listOf("routers", value, MAX_ROUTERS).map((found) => {
    const { state, priority, source, ...name } = objectOf("router", found);
    const known = STATES.find((word) => word === state);
    if (known === undefined) throw refusal("state", `is none of ${STATES.join(", ")}`);
    return {
      ...parseName(name),
      state: known,
      priority: numberOf("priority", priority, 0, 255),
      source: addressOf(source),
    };
  });
}

/** @throws UvsError INVALID */
export function parseHandover(value: unknown): HandoverWord {
  const { source, ...name } = objectOf("router", value);
  return { ...parseName(name), source: addressOf(source) };
}

function parseName({ id, family }: Record<string, unknown>): RouterName {
  return { id: numberOf("id", id, 1, 255), family: numberOf("family", family, 4, 6) === 6 ? 6 : 4 };
}

/** An address, or nothing. */
function addressOf(value: unknown): string {
  if (value === "" || (typeof value === "string" && parseIp(value) !== undefined)) return value as string;
  throw refusal("source", "is no address");
}
