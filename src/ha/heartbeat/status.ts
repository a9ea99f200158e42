/** A cluster in the words that `uvs ha status` shows. */
import type { HaProtocolStatus, HeartbeatNodeStatus } from "../../core/ha-status.js";
import type { ClusterGroup, GroupView } from "./cluster-group.js";
import type { Holding } from "./holdings.js";
import type { Session } from "./session.js";

/** Why a group cannot be here, in words. */
export function faultsOf(
  { cluster, chosen, pinger }: Session,
  { group, trouble, isAway }: Holding,
): string[] {
  const faults = trouble === undefined ? [] : [trouble];
  if (isAway) faults.push("put to standby by the operator");
  const isUnreached = pinger.statuses().every(({ state }) => state !== "up");
  if (chosen.ping.isRequired && isUnreached) faults.push("no ping node answers");
  if (faults.length === 0 && cluster.score(group) < 0) faults.push("its score is below 0");
  return faults;
}

/** What the cluster knows of a group. */
export function groupView(session: Session, { name }: ClusterGroup, nowMs: number): GroupView {
  const { cluster, pinger, senders, settings, counters, maxLateMs } = session;
  const { keepaliveMs, deadMs, ping } = session.chosen;
  const holding = cluster.holdings.find((own) => own.name === name);
  if (holding === undefined) throw new Error(`a group ${name} that the cluster does not know`);
  const { group, isAway } = holding;
  const holder = cluster.members.find((member) => member.isLive && member.keeps(name));
  return {
    isLeaving: holding.state === "leaving",
    isStandby: isAway,
    priority: cluster.score(group),
    basePriority: group.scores[settings.node] ?? 0,
    faults: faultsOf(session, holding),
    ...(holder !== undefined && {
      master: {
        source: holder.name,
        priority: group.scores[holder.name] ?? 0,
        heardMsAgo: Math.round(nowMs - holder.heardMs),
      },
    }),
    tracked: pinger.statuses().map((target) => ({
      kind: "ping",
      ...target,
      weight: ping.multiplier,
      adds: target.state === "up" ? ping.multiplier : 0,
    })),
    peers: senders.statuses(cluster.members.map((member) => member.name)),
    advertMs: keepaliveMs,
    downMs: deadMs,
    maxLateMs: Math.round(maxLateMs),
    counters: { ...counters },
  };
}

/** All of a cluster. */
export function clusterStatus(session: Session, nowMs: number): HaProtocolStatus {
  const { cluster, settings, links, senders, pinger, counters, groups } = session;
  const { noQuorum, deadMs, configuration } = session.chosen;
  const nodes = cluster.members.map(
    ({ name, state, heardMs, report, fence }): HeartbeatNodeStatus => ({
      name,
      state,
      ...(report !== undefined && { heardMsAgo: Math.round(nowMs - heardMs) }),
      holds: report?.holds ?? [],
      pings: report?.pings ?? 0,
      fencing: fence,
      ...(report !== undefined &&
        report.configuration !== "" && { hasSameConfiguration: report.configuration === configuration }),
    }),
  );
  return {
    instances: groups.map((group) => group.status(groupView(session, group, nowMs))),
    heartbeat: {
      node: settings.node,
      phase: cluster.phase,
      members: cluster.memberCount,
      hasQuorum: cluster.hasQuorum,
      noQuorumPolicy: noQuorum,
      standby: cluster.holdings.filter(({ isAway }) => isAway).map(({ name }) => name),
      nodes,
      links: links.map(({ name, source, trouble }) => ({
        name,
        ...(source !== undefined && { source }),
        ...(trouble !== undefined && { trouble }),
        hears: nodes.flatMap((node) => (senders.isHeard(name, node.name, nowMs, deadMs) ? [node.name] : [])),
      })),
      pings: pinger.statuses(),
      counters: { ...counters },
    },
  };
}
