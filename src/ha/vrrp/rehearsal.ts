/**
 * Goes through what counts in milliseconds later, with nothing behind it: becomes master, hears a lower and a higher one and
 * yields. What is compiled now, and what its types are known of, is not while nobody serves, or two do.
 */
import type { Authentication } from "./codec.js";
import { zeroCounters } from "./counters.js";
import { Election } from "./election.js";
import { Incoming } from "./incoming.js";
import { Outbox } from "./outgoing.js";
import type { InstanceSettings } from "./settings.js";

const ROUNDS = 20;
const FULL_TTL = 255;
const OWN_PRIORITY = 100;
/** For examples (RFC 5737, RFC 3849): nobody's. */
const SOMEBODY = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
const NOBODY = { warn(): void {} };

/** @param own the address that our packets have */
export function rehearse(
  settings: InstanceSettings,
  authentication: Authentication | undefined,
  own: string,
): void {
  const { version, family, advertMs, unicast } = settings;
  const source = unicast?.peers[0]?.address ?? SOMEBODY[family];
  const incoming = new Incoming(settings, authentication, {
    counters: zeroCounters(),
    warnings: NOBODY,
    logger: NOBODY,
  });
  const outbox = new Outbox(settings, authentication);
  for (let round = 0; round < ROUNDS; round++) {
    const election = new Election({ version, advertMs, priority: OWN_PRIORITY });
    election.start(0, own);
    election.timer(election.downMs);
    for (const priority of [OWN_PRIORITY - 1, OWN_PRIORITY + 1, OWN_PRIORITY + 1]) {
      for (const { destination, message } of outbox.messages(source, priority)) {
        const packet = { source, destination, hopLimit: FULL_TTL, payload: message };
        const heard = incoming.accept({ ...packet, isMulticast: unicast === undefined }, own);
        if (heard !== undefined) election.advert(election.downMs, heard);
      }
    }
  }
}
