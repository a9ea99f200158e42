/** From what is configured to what the state machine is made with: defaults, scores, and a digest for comparison. */
import { createHash } from "node:crypto";
import type { ClusterSettings } from "./cluster.js";
import type { PlacedGroup } from "./placement.js";
import type { TieBreaker } from "./quorum.js";
import {
  type ClusterGroupSettings,
  HEARTBEAT_DEFAULTS,
  type HeartbeatSettings,
  initDeadOf,
} from "./settings.js";

const DIGEST_CHARACTERS = 8;
const DAMPEN_KEEPALIVES = 2;

/** What the state machine is made with. */
export function clusterSettingsOf(settings: HeartbeatSettings): ClusterSettings {
  const { node, nodes, ping, autoFailback = true, fencing = {}, pingBreaksTie = false } = settings;
  const { keepaliveMs = HEARTBEAT_DEFAULTS.keepaliveMs, deadMs = HEARTBEAT_DEFAULTS.deadMs } = settings;
  const isPair = nodes.length === 2;
  const tieBreaker: TieBreaker = pingBreaksTie ? "ping" : isPair ? "pair" : "none";
  const shared = {
    noQuorum: settings.noQuorum ?? (isPair ? "ignore" : "stop"),
    tieBreaker,
    ping: {
      multiplier: ping?.multiplier ?? HEARTBEAT_DEFAULTS.pingMultiplier,
      isRequired: ping?.isRequired ?? false,
    },
    groups: settings.groups.map((group) => placedGroup(group, autoFailback)),
  };
  return {
    ...shared,
    node,
    nodes,
    keepaliveMs,
    deadMs,
    warnMs: settings.warnMs ?? deadMs / 2,
    initDeadMs: initDeadOf(settings),
    dampenMs: settings.dampenMs ?? DAMPEN_KEEPALIVES * keepaliveMs,
    fenceable: new Set(Object.keys(fencing)),
    configuration: digest({
      ...shared,
      nodes: [...nodes].sort(),
      addresses: settings.groups.map(({ floating }) => floating.map(({ address }) => address)),
    }),
  };
}

function placedGroup(
  { name, preferred, scores = {}, stickiness }: ClusterGroupSettings,
  autoFailback: boolean,
): PlacedGroup {
  return {
    name,
    ...(preferred !== undefined && { preferred }),
    scores: { ...(preferred !== undefined && { [preferred]: HEARTBEAT_DEFAULTS.preference }), ...scores },
    stickiness: stickiness ?? (autoFailback ? 0 : HEARTBEAT_DEFAULTS.stickinessWithoutFailback),
  };
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, DIGEST_CHARACTERS);
}
