/** What can be chosen of a VRRP instance, and the check that it makes sense (reference: ha.md §3.2, §5.7). */
import { canonicalIp, type Family, familyOf } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import type { TrackedItem } from "../tracking/tracking.js";
import type { ChecksumForm } from "./checksum.js";
import { PRIORITY_OWNER, type Version } from "./codec.js";
import type { HmacKeys } from "./hmac-trailer.js";

/** A peer of unicast mode. */
export interface UnicastPeer {
  readonly address: string;
  /** Accepted TTLs. @default 0 to 255: a routed network takes some away */
  readonly minTtl?: number;
  readonly maxTtl?: number;
}

/** Advertisements to each peer instead of the group, for networks that carry no multicast. */
export interface UnicastSettings {
  readonly peers: readonly UnicastPeer[];
  /** TTL of what is sent. @default 255 */
  readonly ttl?: number;
}

/** keepalived's `auth_hmac`. */
export interface HmacSettings {
  /** By key id. */
  readonly keys: HmacKeys;
  /** Id of the key that signs. */
  readonly activeKey: number;
  /** enforce: unsigned packets are dropped; permissive: accepted; receive-only: as permissive, and nothing is signed. */
  readonly mode: "enforce" | "permissive" | "receive-only";
  /** How far a sender's clock may be from ours. */
  readonly windowMs: number;
}

/** One virtual router. */
export interface InstanceSettings {
  /** For people: status, log, hooks. */
  readonly name: string;
  /** Interface that advertisements are sent on. */
  readonly interface: string;
  /** Virtual router id, 1 to 255. */
  readonly id: number;
  /** @default of the configuration: 2 for IPv4, 3 for IPv6 */
  readonly version: Version;
  readonly family: Family;
  /** 1 to 254; 255 is the owner of the addresses. @default of the configuration: 100 */
  readonly priority: number;
  /** Version 2: whole seconds, 1 to 255. Version 3: 10 ms to 40.95 s in steps of 10 ms. */
  readonly advertMs: number;
  /** The addresses named in advertisements, canonical; may be none where only hooks move something. */
  readonly addresses: readonly string[];
  /** Address to send from. @default the interface's first one of the family that is not floating */
  readonly source?: string;
  readonly unicast?: UnicastSettings;
  /** Version 2: at most 8 bytes, sent in clear. */
  readonly password?: string;
  readonly hmac?: HmacSettings;
  /** Of what is sent with version 3 over IPv4; received are all forms. @default "pseudo-header" */
  readonly checksum?: ChecksumForm;
  /** @default true */
  readonly preempt?: boolean;
  /** 0 to 1000 s. @default 0 */
  readonly preemptDelayMs?: number;
  /** 1 to 100; all directors must agree. @default 3 */
  readonly deadAdverts?: number;
  /** Time in INIT after the start, for links that are up before they carry anything. @default 0 */
  readonly startupDelayMs?: number;
  /** @default true */
  readonly lastAdvert?: boolean;
  readonly track?: readonly TrackedItem[];
}

const MAX_PASSWORD_BYTES = 8;
const MAX_V3_MS = 40_950;
const V3_STEP_MS = 10;
const SHORT_ADVERT_MS = 50;

/**
 * Checks the settings of an instance.
 * @returns warnings for people, maybe none
 * @throws UvsError INVALID, naming key, value and what is accepted
 */
export function checkSettings(settings: InstanceSettings): string[] {
  const { name, version, family, advertMs, password, unicast, track = [] } = settings;
  const refuse = (key: string, found: unknown, accepted: string): never => {
    throw new UvsError("INVALID", `vrrp ${name}: ${key}: found ${found}, accepted is ${accepted}`, {
      side: "config",
      details: { instance: name, key, found: String(found) },
    });
  };
  const within = (key: string, found: number, min: number, max: number): void => {
    if (!Number.isInteger(found) || found < min || found > max) refuse(key, found, `${min} to ${max}`);
  };
  const address = (key: string, found: string): void => {
    if (canonicalIp(found) !== found || familyOf(found) !== family) {
      refuse(key, found, `an IPv${family} address in canonical form`);
    }
  };
  within("id", settings.id, 1, 255);
  within("priority", settings.priority, 1, 255);
  within("deadAdverts", settings.deadAdverts ?? 3, 1, 100);
  within("preemptDelay (ms)", settings.preemptDelayMs ?? 0, 0, 1_000_000);
  if (version === 2 && family === 6) refuse("version", 2, "3, as version 2 does not know IPv6");
  if (version === 2) {
    if (advertMs % 1000 !== 0 || advertMs < 1000 || advertMs > 255_000) {
      refuse(
        "advertise",
        `${advertMs} ms`,
        "whole seconds from 1 to 255 with version 2; take version 3 for less",
      );
    }
  } else if (advertMs % V3_STEP_MS !== 0 || advertMs < V3_STEP_MS || advertMs > MAX_V3_MS) {
    refuse("advertise", `${advertMs} ms`, "10 ms to 40.95 s in steps of 10 ms");
  }
  if (password !== undefined && version === 3) {
    refuse("password", "one", "none with version 3, which has no field for it");
  }
  if (settings.addresses.length > 255) refuse("addresses", settings.addresses.length, "at most 255");
  for (const found of settings.addresses) address("addresses", found);
  if (settings.source !== undefined) address("source", settings.source);
  if (unicast?.peers.length === 0) refuse("peers", "none", "at least one");
  for (const peer of unicast?.peers ?? []) address("peers", peer.address);
  if (unicast?.ttl !== undefined) within("ttl", unicast.ttl, 1, 255);
  for (const { name: tracked, weight = 0 } of track) {
    within(`track ${tracked} weight`, weight, -253, 253);
    if (weight !== 0 && settings.priority === PRIORITY_OWNER) {
      refuse(`track ${tracked} weight`, weight, "0 where the priority is 255, which nothing changes");
    }
  }
  return warnings(settings);
}

function warnings({ advertMs, password, family, addresses, preempt, priority }: InstanceSettings): string[] {
  const found: string[] = [];
  if (advertMs < SHORT_ADVERT_MS) {
    found.push(`advertise ${advertMs} ms: below ${SHORT_ADVERT_MS} ms a busy machine looks like a dead one`);
  }
  if (password !== undefined && Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
    found.push(`password: only the first ${MAX_PASSWORD_BYTES} bytes are used, as in keepalived`);
  }
  if (password !== undefined) found.push("password: it is sent in clear and proves nothing");
  if (family === 6 && addresses.length > 0 && !addresses[0].startsWith("fe80:")) {
    found.push(`addresses: the first one should be link-local (RFC 5798), found ${addresses[0]}`);
  }
  if (preempt === false && priority === PRIORITY_OWNER) {
    found.push("preempt: an owner (priority 255) always preempts");
  }
  return found;
}
