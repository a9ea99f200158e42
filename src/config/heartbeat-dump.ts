/** A heartbeat cluster: from settings back to the section that means them. */
import type {
  FloatingSettings,
  HaHeartbeatSettings,
  HeartbeatGroupSettings,
  HeartbeatLinkSettings,
} from "../core/ha-settings.js";
import { fenceEntry } from "./ha-fencing.js";
import { given, groupEntry, type Mapping, time, unless } from "./ha-group-dump.js";
import { defaultPolicy, defaultTimes } from "./heartbeat-config.js";

/** The section with every key that has a value other than its default. */
export function heartbeatEntry(
  settings: HaHeartbeatSettings,
  floating: readonly FloatingSettings[],
): Mapping {
  const times = defaultTimes(settings);
  const { ping, groups } = settings;
  const isNode = ({ name, hosts }: { name: string; hosts: readonly string[] }): boolean =>
    hosts.length === 1 && hosts[0] === name;
  return given({
    node: settings.node,
    nodes: settings.nodes,
    links: settings.links.map(linkEntry),
    port: unless(settings.port, 694),
    auth: unless(settings.keyFile, "/etc/uvs/authkeys"),
    state: unless(settings.generationFile, "/var/lib/uvs/heartbeat-generation"),
    keepalive: time(settings.keepaliveMs, 1000),
    deadtime: time(settings.deadMs, 10_000),
    warntime: time(settings.warnMs, times.warnMs),
    initdead: time(settings.initDeadMs, times.initDeadMs),
    "auto-failback": unless(settings.autoFailback, true),
    "no-quorum": unless(settings.noQuorum, defaultPolicy(settings.nodes)),
    "ping-breaks-tie": unless(settings.pingBreaksTie, false),
    dampen: time(settings.dampenMs, times.dampenMs),
    encoding: unless(settings.encoding, "netstring"),
    ping: given({
      nodes: ping.targets.filter(isNode).map(({ name }) => name),
      groups: ping.targets.filter((target) => !isNode(target)),
      deadtime: time(ping.deadMs, times.pingDeadMs),
      multiplier: unless(ping.multiplier, 10_000),
      required: unless(ping.isRequired, false),
    }),
    groups: groups.map((group) =>
      clusterGroupEntry(group, groups.length === 1 && floating.length === group.floating.length),
    ),
    fencing: settings.fencing.map(fenceEntry),
  });
}

function linkEntry(link: HeartbeatLinkSettings): Mapping {
  switch (link.kind) {
    case "ucast":
      return given({ ucast: link.interface, peers: link.peers, source: link.source });
    case "bcast":
      return { bcast: link.interface };
    case "mcast":
      return given({ mcast: link.interface, group: link.group, ttl: unless(link.ttl, 1) });
  }
}

function clusterGroupEntry(group: HeartbeatGroupSettings, movesAll: boolean): Mapping {
  const { name, preferred, scores, stickiness, floating } = group;
  const entry = given({ name, preferred, scores, stickiness, ...groupEntry(group) });
  // An empty list says something too: none of the addresses.
  return movesAll ? entry : { ...entry, floating };
}
