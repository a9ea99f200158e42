/** High availability as aligned text. */
import type { HaInstanceStatus, HaStatus } from "../../core/ha-status.js";
import type { DurationSummary } from "../../core/status.js";
import { renderCluster } from "./cluster-view.js";
import { renderSync } from "./sync-view.js";
import { renderTable } from "./table.js";
import { formatAge, formatDuration } from "./units.js";

const HEAD = [
  ...["Instance", "State", "For", "Priority", "Addresses", "Master", "Heard", "Interval", "Down after"],
  ...["Transitions", "Conflicts", "Latest"],
];
const RIGHT = new Set([2, 3, 6, 7, 8, 9, 10, 11]);
const PEER_HEAD = ["Peer", "Of", "Priority", "Heard", "Interval", "Refused"];
const PEER_RIGHT = new Set([2, 3, 4]);

/** The status for people. @param nowMs wall clock, for ages */
export function renderHa(status: HaStatus, nowMs: number): string {
  if (!status.isConfigured) return "high availability is not configured (ha, docs/ha.md)";
  const { instances } = status;
  const rows = instances.map((instance) => row(instance, nowMs));
  const peers = instances.flatMap((instance) => peerRows(instance, nowMs));
  const parts = rows.length === 0 ? [] : [renderTable([HEAD, ...rows], RIGHT), instances.map(why).join("\n")];
  if (peers.length > 0) parts.push(renderTable([PEER_HEAD, ...peers], PEER_RIGHT));
  if (status.sync !== undefined) parts.push(renderSync(status.sync, nowMs));
  if (status.heartbeat !== undefined) parts.push(renderCluster(status.heartbeat));
  parts.push(machinery(status));
  return parts.filter((part) => part !== "").join("\n\n");
}

function row(instance: HaInstanceStatus, nowMs: number): readonly string[] {
  const { name, state, isLeaving, isStandby, since, priority, addresses, holdsAddresses, master } = instance;
  const words = isStandby ? `${state}, standby` : isLeaving ? `${state}, leaving` : state;
  return [
    name,
    words,
    age(since, nowMs),
    String(priority),
    `${addresses.join(" ")}${holdsAddresses ? " (here)" : ""}`,
    state === "MASTER" ? "here" : (master?.source ?? "-"),
    state === "MASTER" || master === undefined ? "-" : formatDuration(master.heardMsAgo),
    formatDuration(instance.advertMs),
    formatDuration(instance.downMs),
    String(instance.transitions),
    String(instance.conflicts),
    formatDuration(instance.maxLateMs),
  ];
}

/** Why it is what it is, and what its priority is made of. */
function why(instance: HaInstanceStatus): string {
  const { name, reason, waitsFor, faults, basePriority, tracked, resources, trouble } = instance;
  const lines = [`${name}: ${reason}`];
  if (waitsFor !== undefined) lines.push(`  WAITS: ${waitsFor}`);
  for (const fault of faults) lines.push(`  fault: ${fault}`);
  const adding = tracked.map(({ kind, name: what, state, weight, adds }) =>
    weight === 0 ? `${kind} ${what} is ${state}` : `${kind} ${what} is ${state}: ${signed(adds)}`,
  );
  lines.push(`  priority: ${[`${basePriority} configured`, ...adding].join(", ")}`);
  if (resources !== "stopped") lines.push(`  resources: ${resources}`);
  if (trouble !== undefined) lines.push(`  resources cannot be here: ${trouble}`);
  return lines.join("\n");
}

function peerRows({ name, peers }: HaInstanceStatus, nowMs: number): readonly string[][] {
  return peers.map(({ source, priority, lastHeard, intervalMs, rejected }) => [
    source,
    name,
    priority === undefined ? "-" : String(priority),
    lastHeard === undefined ? "-" : age(lastHeard, nowMs),
    intervalMs === undefined ? "-" : formatDuration(intervalMs),
    rejected === undefined ? "" : `${rejected.reason}, ${rejected.packets} packets`,
  ]);
}

function machinery({ thread, primary, guardian, unknownVrids = [] }: HaStatus): string {
  const lines: string[] = [];
  if (thread !== undefined) {
    lines.push(`event loop late by p50/p99/max ${delays(thread.loopDelay)}, restarts ${thread.restarts}`);
  }
  if (primary !== undefined) lines.push(`control plane late by p50/p99/max ${delays(primary.loopDelay)}`);
  if (guardian !== undefined) lines.push(`guardian pid ${guardian.pid}, restarts ${guardian.restarts}`);
  for (const { id, packets } of unknownVrids)
    lines.push(`${packets} packets of unknown virtual router ${id}`);
  return lines.join("\n");
}

function delays({ p50Ms, p99Ms, maxMs }: DurationSummary): string {
  return [p50Ms, p99Ms, maxMs].map(formatDuration).join("/");
}

function age(since: string, nowMs: number): string {
  return formatAge(nowMs - Date.parse(since));
}

function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}
