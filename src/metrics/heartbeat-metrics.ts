/** Metrics of a heartbeat cluster as one director sees it. Labelled by configured names: nodes, links, ping nodes. */
import type { HaStatus, HeartbeatStatus } from "../core/ha-status.js";
import { type Metric, type Sample, stateSamples } from "./exposition.js";

const PHASES = ["stopped", "joining", "active", "leaving"];
const NODE_STATES = ["unknown", "up", "active", "dead", "left"];
const PING_STATES = ["up", "down", "unknown"];
const MS_PER_S = 1000;

/** Counters that have a metric of their own; all others are reasons for refusing datagrams. */
export const HEARTBEAT_COUNTERS: Readonly<Record<string, readonly [metric: string, help: string]>> = {
  sent: ["datagrams_sent_total", "Datagrams sent."],
  received: ["messages_received_total", "Messages accepted."],
  own_echo: ["own_echoes_total", "Own messages that came back on a broadcast link."],
  send_err: ["send_errors_total", "Datagrams that the system did not send."],
  late: ["late_messages_total", "Messages that came later than warntime after the one before."],
  node_dead: ["nodes_dead_total", "Times that a node was declared dead."],
  node_left: ["nodes_left_total", "Times that a node said goodbye."],
  node_returned: ["nodes_returned_total", "Times that a dead node came back without having restarted."],
  quorum_lost: ["quorum_losses_total", "Times that quorum was lost."],
  conflict: ["conflicts_total", "Times that two directors held the same group."],
  acquired: ["groups_acquired_total", "Groups acquired."],
  released: ["groups_released_total", "Groups released."],
  stalled: ["stalls_total", "Times that this director stood still for longer than a dead time."],
  fenced: ["nodes_fenced_total", "Nodes that were fenced."],
  fence_failed: ["fence_failures_total", "Attempts to fence a node that failed."],
};

function metric(
  kind: "counter" | "gauge",
  name: string,
  help: string,
  labels: readonly string[],
  read: (cluster: HeartbeatStatus) => readonly Sample[],
): Metric<HaStatus> {
  return {
    name: `uvs_heartbeat_${name}`,
    kind,
    help,
    labels,
    read: ({ heartbeat }) => (heartbeat === undefined ? [] : read(heartbeat)),
  };
}

const COUNTER_METRICS = Object.entries(HEARTBEAT_COUNTERS).map(([counter, [name, help]]) =>
  metric("counter", name, help, [], ({ counters }) => [{ value: counters[counter] ?? 0 }]),
);

export const HEARTBEAT_METRICS: readonly Metric<HaStatus>[] = [
  metric("gauge", "phase", "1 for the phase that this director is in.", ["state"], ({ phase }) =>
    stateSamples(PHASES, phase),
  ),
  metric("gauge", "members", "Nodes that are members, this one included.", [], ({ members }) => [
    { value: members },
  ]),
  metric("gauge", "quorum", "1: this director is with the majority.", [], ({ hasQuorum }) => [
    { value: Number(hasQuorum) },
  ]),
  metric("gauge", "node_state", "1 for the state that a node is in.", ["node", "state"], ({ nodes }) =>
    nodes.flatMap(({ name: node, state }) => stateSamples(NODE_STATES, state, { node })),
  ),
  metric("gauge", "node_last_heard_age_seconds", "Since a node was last heard.", ["node"], ({ nodes }) =>
    nodes.flatMap(({ name: node, heardMsAgo }) =>
      heardMsAgo === undefined ? [] : [{ labels: { node }, value: heardMsAgo / MS_PER_S }],
    ),
  ),
  metric("gauge", "node_groups_held", "Groups that a node said to hold last.", ["node"], ({ nodes }) =>
    nodes.map(({ name: node, holds }) => ({ labels: { node }, value: holds.length })),
  ),
  metric("gauge", "node_pings", "Ping nodes that a node reaches.", ["node"], ({ nodes }) =>
    nodes.map(({ name: node, pings }) => ({ labels: { node }, value: pings })),
  ),
  metric("gauge", "link_usable", "1: there is nothing wrong with the link here.", ["link"], ({ links }) =>
    links.map(({ name: link, trouble }) => ({ labels: { link }, value: Number(trouble === undefined) })),
  ),
  metric("gauge", "link_nodes_heard", "Nodes that are heard on a link.", ["link"], ({ links }) =>
    links.map(({ name: link, hears }) => ({ labels: { link }, value: hears.length })),
  ),
  metric("gauge", "ping_state", "1 for the state of a ping node or group.", ["ping", "state"], ({ pings }) =>
    pings.flatMap(({ name: ping, state }) => stateSamples(PING_STATES, state, { ping })),
  ),
  ...COUNTER_METRICS,
  metric("counter", "rejected_total", "Datagrams that were refused, by reason.", ["reason"], ({ counters }) =>
    Object.entries(counters)
      .filter(([reason]) => !(reason in HEARTBEAT_COUNTERS))
      .map(([reason, value]) => ({ labels: { reason }, value })),
  ),
];
