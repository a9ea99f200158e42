/** A heartbeat cluster: from a file's section to settings. */
import { hostname } from "node:os";
import type {
  FloatingSettings,
  HaHeartbeatSettings,
  HeartbeatGroupSettings,
  HeartbeatLinkSettings,
} from "../core/ha-settings.js";
import { toFence } from "./ha-fencing.js";
import { toGroupParts } from "./ha-group-config.js";
import type { HeartbeatEntry, HeartbeatGroupEntry, LinkEntry } from "./heartbeat-schema.js";

const SHORT_INIT_DEAD_MS = 12_000;
const DAMPEN_KEEPALIVES = 2;

/** Times that follow from others where they are not given. */
export function defaultTimes({ keepaliveMs, deadMs }: Pick<HaHeartbeatSettings, "keepaliveMs" | "deadMs">) {
  return {
    warnMs: Math.floor(deadMs / 2),
    initDeadMs: Math.max(deadMs, SHORT_INIT_DEAD_MS),
    dampenMs: DAMPEN_KEEPALIVES * keepaliveMs,
    pingDeadMs: deadMs,
  };
}

/** What a part without a majority does where nothing is said. */
export function defaultPolicy(nodes: readonly string[]): HaHeartbeatSettings["noQuorum"] {
  return nodes.length === 2 ? "ignore" : "stop";
}

/** The addresses that a group moves: those it names, or all that no other one does. */
export function floatingOfGroup(
  group: Pick<HeartbeatGroupEntry, "floating">,
  groups: readonly Pick<HeartbeatGroupEntry, "floating">[],
  addresses: readonly string[],
): string[] {
  const named = new Set(groups.flatMap((other) => other.floating ?? []));
  return addresses.filter((address) => group.floating?.includes(address) ?? !named.has(address));
}

/** The settings that a section without errors comes to. */
export function toHeartbeat(
  entry: HeartbeatEntry,
  floating: readonly FloatingSettings[],
): HaHeartbeatSettings {
  const nodes = entry.nodes ?? [];
  const groups = entry.groups ?? [];
  const { keepalive: keepaliveMs, deadtime: deadMs, ping } = entry;
  const times = defaultTimes({ keepaliveMs, deadMs });
  const addresses = floating.map(({ address }) => address);
  return {
    node: entry.node ?? hostname(),
    nodes,
    links: (entry.links ?? []).map(toLink),
    port: entry.port,
    keyFile: entry.auth,
    generationFile: entry.state,
    keepaliveMs,
    deadMs,
    warnMs: entry.warntime ?? times.warnMs,
    initDeadMs: entry.initdead ?? times.initDeadMs,
    autoFailback: entry["auto-failback"],
    noQuorum: entry["no-quorum"] ?? defaultPolicy(nodes),
    pingBreaksTie: entry["ping-breaks-tie"],
    dampenMs: entry.dampen ?? times.dampenMs,
    encoding: entry.encoding,
    ping: {
      targets: [
        ...(ping.nodes ?? []).map((host) => ({ name: host, hosts: [host] })),
        ...(ping.groups ?? []).map(({ name, hosts }) => ({ name, hosts: hosts ?? [] })),
      ],
      deadMs: ping.deadtime ?? times.pingDeadMs,
      multiplier: ping.multiplier,
      isRequired: ping.required,
    },
    groups: groups.map((group) => toGroup(group, floatingOfGroup(group, groups, addresses))),
    fencing: (entry.fencing ?? []).map(toFence),
  };
}

function toLink({ ucast, bcast, mcast, peers, source, group, ttl }: LinkEntry): HeartbeatLinkSettings {
  if (ucast !== undefined) {
    return { kind: "ucast", interface: ucast, peers: peers ?? [], ...(source !== undefined && { source }) };
  }
  if (bcast !== undefined) return { kind: "bcast", interface: bcast };
  // One of the three is there, and mcast has a group: that was checked.
  return { kind: "mcast", interface: mcast!, group: group!, ttl };
}

function toGroup(entry: HeartbeatGroupEntry, floating: readonly string[]): HeartbeatGroupSettings {
  const { name, preferred, scores, stickiness } = entry;
  return {
    name,
    ...(preferred !== undefined && { preferred }),
    scores,
    ...(stickiness !== undefined && { stickiness }),
    floating,
    ...toGroupParts(entry),
  };
}
