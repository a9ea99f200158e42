/** A heartbeat cluster as aligned text. */
import type { HeartbeatNodeStatus, HeartbeatStatus } from "../../core/ha-status.js";
import { renderTable } from "./table.js";
import { formatDuration } from "./units.js";

const HEAD = ["Node", "State", "Heard", "Holds", "Ping nodes", "Fencing", "Configuration"];
const RIGHT = new Set([2, 4]);

/** The cluster for people. */
export function renderCluster(cluster: HeartbeatStatus): string {
  const { node, phase, members, hasQuorum, noQuorumPolicy, standby, nodes, links, pings } = cluster;
  const quorum = hasQuorum ? "has quorum" : "no quorum";
  const lines = [
    `node ${node}: ${phase}, ${members} of ${nodes.length + 1} nodes, ${quorum} (without: ${noQuorumPolicy})`,
  ];
  if (standby.length > 0) lines.push(`standby: ${standby.join(" ")}`);
  for (const { name, source, trouble, hears } of links) {
    const from = source === undefined ? "" : ` from ${source}`;
    lines.push(
      `link ${name}${from}: ${trouble ?? (hears.length > 0 ? `hears ${hears.join(" ")}` : "hears nobody")}`,
    );
  }
  for (const { name, state } of pings) lines.push(`ping node ${name}: ${state}`);
  return [lines.join("\n"), renderTable([HEAD, ...nodes.map(row)], RIGHT)].join("\n\n");
}

function row(node: HeartbeatNodeStatus): readonly string[] {
  const { name, state, heardMsAgo, holds, pings, fencing, hasSameConfiguration } = node;
  return [
    name,
    state,
    heardMsAgo === undefined ? "-" : formatDuration(heardMsAgo),
    holds.join(" ") || "-",
    String(pings),
    fencing,
    hasSameConfiguration === undefined ? "-" : hasSameConfiguration ? "the same" : "DIFFERS",
  ];
}
