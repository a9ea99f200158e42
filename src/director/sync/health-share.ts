/**
 * What checks have found, for peers: a director that has just started begins with what another one knows, until its own
 * checks have results. Nothing else is taken from a peer: a realserver that one director cannot reach may well be reached
 * by another.
 */
import type { Endpoint } from "../../core/address.js";
import type { HealthStatus } from "../../core/health-status.js";
import type { ServiceId } from "../../core/model.js";
import { parseRealserverKey, parseServiceKey } from "../../core/service-key.js";
import { listOf, objectOf, refusal, textOf } from "./fields.js";

/** Realservers in one message. */
export const MAX_HEALTH_RECORDS = 1000;
const MAX_CHECKS = 64;
const MAX_KEY_LENGTH = 128;

/** One realserver: `u`p, `d`own or `?` of each check, in their order. */
export interface HealthRecord {
  readonly service: string;
  readonly realserver: string;
  readonly checks: string;
}

const LETTER = { up: "u", down: "d", unknown: "?" } as const;

/** What has changed since it was last asked for. */
export class HealthShare {
  readonly #told = new Map<string, string>();

  /** All that is known. */
  static all(status: HealthStatus): HealthRecord[] {
    return status.services.flatMap(({ key: service, realservers }) =>
      realservers.map(({ key: realserver, checks }) => ({
        service,
        realserver,
        checks: checks.map(({ state }) => LETTER[state]).join(""),
      })),
    );
  }

  /** What peers have not been told yet. */
  changes(status: HealthStatus): HealthRecord[] {
    const all = HealthShare.all(status);
    const changed = all.filter((record) => this.#told.get(keyOf(record)) !== record.checks);
    this.#told.clear();
    for (const record of all) this.#told.set(keyOf(record), record.checks);
    return changed;
  }
}

/** Reads what a peer says, and hands it on. @throws UvsError INVALID where it makes no sense */
export function takeHealth(
  value: unknown,
  assume: (service: ServiceId, endpoint: Endpoint, areUp: readonly (boolean | undefined)[]) => void,
): void {
  for (const record of listOf("health", value, MAX_HEALTH_RECORDS)) {
    const { service, realserver, checks } = objectOf("health", record);
    const id = parseServiceKey(textOf("service", service, MAX_KEY_LENGTH));
    const endpoint = parseRealserverKey(textOf("realserver", realserver, MAX_KEY_LENGTH));
    const letters = textOf("checks", checks, MAX_CHECKS);
    if (!/^[ud?]*$/.test(letters)) throw refusal("checks", "has other letters than u, d and ?");
    assume(
      id,
      endpoint,
      [...letters].map((letter) => (letter === "?" ? undefined : letter === "u")),
    );
  }
}

function keyOf({ service, realserver }: HealthRecord): string {
  return `${service} ${realserver}`;
}
