/**
 * Drains that all directors know of: what an operator has drained or undrained on one of them is so on the others. Where
 * two say different things the later one is right, by their wall clocks; but what is said where something is known is always
 * later than that, whatever the clocks show. Weights are not shared: they are configured.
 */
import type { Endpoint } from "../../core/address.js";
import { realserverKey, type ServiceId, serviceKey } from "../../core/model.js";
import { parseRealserverKey, parseServiceKey } from "../../core/service-key.js";
import { booleanOf, listOf, numberOf, objectOf, textOf } from "./fields.js";

/** Drains in one message. */
export const MAX_DRAINS = 1000;
const MAX_KEY_LENGTH = 128;

/** What was last said of one realserver. */
export interface DrainRecord {
  readonly service: string;
  readonly realserver: string;
  readonly isDrained: boolean;
  /** Wall clock, ms since 1970, of the director where it was said; later than what that director knew. */
  readonly atMs: number;
}

/** One realserver of this director. */
export interface Drainable {
  readonly service: ServiceId;
  readonly server: Endpoint;
  /** Since when it is drained (ISO 8601); undefined: it is not. */
  readonly drainedSince: string | undefined;
}

/** What is shared. */
export interface DrainShareOptions {
  /** All realservers. */
  readonly servers: () => Iterable<Drainable>;
  /** Carries out what a peer says. */
  readonly obey: (service: ServiceId, server: Endpoint, isDrained: boolean) => void;
  /** Wall clock. @default Date.now */
  readonly nowMs?: () => number;
}

/** See the file's head. */
export class DrainShare {
  readonly #options: DrainShareOptions;
  readonly #nowMs: () => number;
  readonly #records = new Map<string, DrainRecord>();

  constructor(options: DrainShareOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** What has been said here, of realservers that exist. */
  all(): DrainRecord[] {
    this.follow();
    return [...this.#records.values()];
  }

  /** Looks at what has changed. @returns what peers do not know yet */
  follow(): DrainRecord[] {
    const gone = new Set(this.#records.keys());
    const changed: DrainRecord[] = [];
    for (const { service, server, drainedSince } of this.#options.servers()) {
      const [own, rip] = [serviceKey(service), realserverKey(server)];
      const key = keyOf(own, rip);
      gone.delete(key);
      const isDrained = drainedSince !== undefined;
      const known = this.#records.get(key);
      if (isDrained === (known?.isDrained ?? false)) continue;
      const saidMs = isDrained ? Date.parse(drainedSince) : this.#nowMs();
      const atMs = Math.max(saidMs, (known?.atMs ?? 0) + 1);
      const record = { service: own, realserver: rip, isDrained, atMs };
      this.#records.set(key, record);
      changed.push(record);
    }
    for (const key of gone) this.#records.delete(key);
    return changed;
  }

  /** Takes what a peer says. @throws UvsError INVALID where it makes no sense */
  take(value: unknown): void {
    const records = listOf("drains", value, MAX_DRAINS).map(parseRecord);
    const servers = new Map<string, Drainable>();
    for (const found of this.#options.servers()) {
      servers.set(keyOf(serviceKey(found.service), realserverKey(found.server)), found);
    }
    this.follow();
    for (const record of records) {
      const key = keyOf(record.service, record.realserver);
      const found = servers.get(key);
      if (found === undefined || record.atMs <= (this.#records.get(key)?.atMs ?? 0)) continue;
      this.#records.set(key, record);
      const isDrained = found.drainedSince !== undefined;
      if (isDrained !== record.isDrained) this.#options.obey(found.service, found.server, record.isDrained);
    }
  }
}

function parseRecord(value: unknown): DrainRecord {
  const { service, realserver, isDrained, atMs } = objectOf("drain", value);
  return {
    service: serviceKey(parseServiceKey(textOf("service", service, MAX_KEY_LENGTH))),
    realserver: realserverKey(parseRealserverKey(textOf("realserver", realserver, MAX_KEY_LENGTH))),
    isDrained: booleanOf("isDrained", isDrained),
    atMs: numberOf("atMs", atMs, 0, Number.MAX_SAFE_INTEGER),
  };
}

function keyOf(service: string, realserver: string): string {
  return `${service} ${realserver}`;
}
