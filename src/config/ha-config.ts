/** High availability: from a file's section to settings. */
import { type Family, familyOf } from "../core/address.js";
import type {
  FloatingSettings,
  HaSettings,
  HaTrackSettings,
  VrrpHmacSettings,
  VrrpRouterSettings,
} from "../core/ha-settings.js";
import { toHaFence } from "./ha-fencing.js";
import { toGroupParts, toNotify } from "./ha-group-config.js";
import type { HaEntry, VrrpEntry } from "./ha-schema.js";
import { toSync } from "./ha-sync.js";
import type { TrackEntry } from "./ha-values.js";
import { toHeartbeat } from "./heartbeat-config.js";

const LEAST_WINDOW_MS = 5000;
const MIN_WINDOW_ADVERTS = 3;
const MAX_WINDOW_MS = 300_000;

/** The settings that a section without errors comes to. */
export function toHa(entry: HaEntry): HaSettings {
  const floating = (entry.floating ?? []).map(toFloating);
  return {
    floating,
    vrrp: (entry.vrrp ?? []).map((router) => toRouter(router, entry)),
    ...(entry.heartbeat && { heartbeat: toHeartbeat(entry.heartbeat, floating) }),
    scripts: (entry.scripts ?? []).map(({ interval, timeout, ...script }) => ({
      ...script,
      intervalMs: interval,
      timeoutMs: timeout ?? interval,
    })),
    syncGroups: (entry["sync-groups"] ?? []).map(({ name, members, notify }) => ({
      name,
      members: members ?? [],
      notify: toNotify(notify),
    })),
    fencing: (entry.fencing ?? []).map(toHaFence),
    ...(entry.sync && { sync: toSync(entry.sync) }),
  };
}

/** Name of a virtual router, as keepalived's examples have it. */
export function routerName({ name, id }: Pick<VrrpEntry, "name" | "id">): string {
  return name ?? `VI_${id}`;
}

/** The floating addresses that a virtual router moves: those it names, or all that no other one does. */
export function floatingOf(router: Pick<VrrpEntry, "floating">, entry: Pick<HaEntry, "floating" | "vrrp">) {
  const all = entry.floating ?? [];
  const named = new Set((entry.vrrp ?? []).flatMap((other) => other?.floating ?? []));
  return all.filter(
    ({ address }) => router.floating?.includes(address?.address) ?? !named.has(address?.address),
  );
}

/** Address family of a virtual router: that of what it advertises, else of whom it speaks to. */
export function familyOfRouter(
  { source, peers }: Pick<VrrpEntry, "source" | "peers">,
  advertised: readonly string[],
): Family {
  const sign = advertised[0] ?? source ?? peers?.[0]?.address;
  return sign === undefined ? 4 : familyOf(sign);
}

function toFloating(entry: NonNullable<HaEntry["floating"]>[number]): FloatingSettings {
  const { address: network, advertised, ...rest } = entry;
  return { ...network, ...rest, isAdvertised: advertised };
}

function toRouter(entry: VrrpEntry, whole: HaEntry): VrrpRouterSettings {
  const floating = floatingOf(entry, whole);
  const advertised = floating.filter((one) => one.advertised).map(({ address }) => address.address);
  const family = familyOfRouter(entry, advertised);
  const { peers, source, password, hmac, track } = entry;
  return {
    name: routerName(entry),
    interface: entry.interface,
    id: entry.id,
    version: entry.version ?? (family === 4 ? 2 : 3),
    family,
    priority: entry.priority,
    advertMs: entry.advertise,
    floating: floating.map(({ address }) => address.address),
    ...(source !== undefined && { source }),
    ...(peers && peers.length > 0 && { unicast: { peers: peers.map(toPeer), ttl: entry.ttl } }),
    ...(password !== undefined && { password }),
    ...(hmac && { hmac: toHmac(hmac, entry.advertise) }),
    checksum: entry.checksum,
    preempt: entry.preempt,
    preemptDelayMs: entry["preempt-delay"],
    deadAdverts: entry["dead-adverts"],
    startupDelayMs: entry["startup-delay"],
    lastAdvert: entry["last-advert"],
    track: [
      ...toTrack("interface", track.interfaces),
      ...toTrack("script", track.scripts),
      ...toTrack("service", track.services),
    ],
    ...toGroupParts(entry),
  };
}

function toPeer({ address, ...ttl }: NonNullable<VrrpEntry["peers"]>[number]) {
  return { address, minTtl: ttl["min-ttl"], maxTtl: ttl["max-ttl"] };
}

function toHmac(entry: NonNullable<VrrpEntry["hmac"]>, advertMs: number): VrrpHmacSettings {
  const { keys, active, mode, window } = entry;
  return { keys: keys ?? [], activeKey: active, mode, windowMs: window ?? defaultWindowMs(advertMs) };
}

/** keepalived's default of `time_window`. */
export function defaultWindowMs(advertMs: number): number {
  return Math.min(Math.max(MIN_WINDOW_ADVERTS * advertMs, LEAST_WINDOW_MS), MAX_WINDOW_MS);
}

function toTrack(kind: HaTrackSettings["kind"], entries: readonly TrackEntry[] | null): HaTrackSettings[] {
  return (entries ?? []).map((entry) => ({ kind, ...entry }));
}
