/** A director's status as aligned text. */
import { formatEndpoint } from "../../core/address.js";
import { realserverKey } from "../../core/model.js";
import { schedulerFlagNames } from "../../core/scheduler-flags.js";
import type {
  DirectorStatus,
  DrainStatus,
  ForwarderStatus,
  RealserverStatus,
  ServiceStatus,
} from "../../core/status.js";
import { renderTable } from "./table.js";
import { formatAge, formatBytes, formatPercentiles } from "./units.js";

/** What carries the connections whatever forwarding method was asked for. */
const CARRIER = "proxy";

const FORWARDER_HEAD = [
  "Forwarder",
  "State",
  "Pid",
  "Plane",
  "Threads",
  "Connections",
  "Limit",
  "Flows",
  "Limit",
  "Up",
  "Per thread",
];
const FORWARDER_RIGHT = new Set([2, 4, 5, 6, 7, 8]);

const SERVICE_HEAD = [
  "Service / realserver",
  "Sched/Forward",
  "Carried by",
  "Weight",
  "Active",
  "Inactive",
  "Total",
  "In",
  "Out",
  "Connect p50/p99",
  "Session p50/p99",
  "State",
];
const SERVICE_RIGHT = new Set([3, 4, 5, 6, 7, 8, 9, 10]);

/**
 * The status for people: director, forwarders, services.
 * @param nowMs wall clock, for ages
 */
export function renderStatus(status: DirectorStatus, nowMs: number): string {
  const parts = [directorLines(status, nowMs), forwarderLines(status.forwarders, nowMs)];
  parts.push(status.services.length === 0 ? "no virtual services" : serviceLines(status.services, nowMs));
  return parts.join("\n\n");
}

function directorLines(status: DirectorStatus, nowMs: number): string {
  const { tcpSec, tcpFinSec, udpSec } = status.timeouts;
  const file = status.configFile ?? "none";
  return `uvsd ${status.version}  pid ${status.pid}  up ${age(status.startedAt, nowMs)}  configuration ${file}
time-outs: tcp ${tcpSec} s, tcpfin ${tcpFinSec} s, udp ${udpSec} s  forwarder restarts: ${status.forwarderRestarts}`;
}

function forwarderLines(forwarders: readonly ForwarderStatus[], nowMs: number): string {
  if (forwarders.length === 0) return "no forwarder is running";
  const rows = forwarders.map((forwarder) => [
    `${forwarder.generation}`,
    forwarder.state,
    `${forwarder.pid}`,
    forwarder.dataplane,
    `${forwarder.threads}`,
    `${sum(forwarder.connectionsPerThread)}`,
    `${forwarder.connectionLimit}`,
    `${sum(forwarder.flowsPerThread)}`,
    `${forwarder.flowLimit}`,
    age(forwarder.startedAt, nowMs),
    forwarder.connectionsPerThread.join(" "),
  ]);
  const events = forwarders.map(eventLine).filter((line) => line !== "");
  return [renderTable([FORWARDER_HEAD, ...rows], FORWARDER_RIGHT), ...events].join("\n");
}

function eventLine({ generation, events }: ForwarderStatus): string {
  const seen = Object.entries(events).filter(([, count]) => count > 0);
  return seen.length === 0 ? "" : `events of ${generation}: ${seen.map((pair) => pair.join(" ")).join(", ")}`;
}

function serviceLines(services: readonly ServiceStatus[], nowMs: number): string {
  const rows = services.flatMap((service) => [
    serviceRow(service),
    ...service.realservers.map((server) => realserverRow(server, realserverWords(server, nowMs))),
    ...service.leaving.map((server) => realserverRow(server, ["leaving"])),
  ]);
  return renderTable([SERVICE_HEAD, ...rows], SERVICE_RIGHT);
}

function serviceRow(service: ServiceStatus): readonly string[] {
  const { key, settings, totals, realservers } = service;
  return [
    key,
    settings.scheduler,
    "",
    "",
    `${sum(realservers.map(({ active }) => active))}`,
    `${sum(realservers.map(({ inactive }) => inactive))}`,
    `${totals.connections}`,
    formatBytes(totals.inBytes),
    formatBytes(totals.outBytes),
    "",
    "",
    serviceWords(service).join(", "),
  ];
}

function realserverRow(server: RealserverStatus, words: readonly string[]): readonly string[] {
  return [
    `  -> ${realserverKey(server)}`,
    server.forwarding,
    CARRIER,
    `${server.weight}`,
    `${server.active}`,
    `${server.inactive}`,
    `${server.totals.connections}`,
    formatBytes(server.totals.inBytes),
    formatBytes(server.totals.outBytes),
    formatPercentiles(server.connectTime),
    formatPercentiles(server.sessionTime),
    words.join(", "),
  ];
}

function serviceWords({ settings, realservers }: ServiceStatus): string[] {
  const { persistence, sorry, acceptProxy } = settings;
  const words: string[] = schedulerFlagNames(settings.schedulerFlags, settings.scheduler);
  if (persistence !== undefined)
    words.push(`persistent ${persistence.timeoutSec} s mask ${persistence.netmask}`);
  if (settings.onePacket) words.push("one-packet");
  if (acceptProxy !== undefined) words.push(`PROXY headers from ${acceptProxy.from.join(" ")}`);
  words.push(...addressingWords(settings));
  if (sorry !== undefined) words.push(`sorry ${formatEndpoint(sorry)}`);
  if (realservers.every((server) => (server.health ?? server).weight === 0 || server.overloaded))
    words.push("no realserver available");
  return words;
}

/** Whose addresses its connections have, where that is not as usual. */
function addressingWords({ transparent, source, intercept }: ServiceStatus["settings"]): string[] {
  return [
    ...(transparent ? ["transparent"] : []),
    ...(source === undefined ? [] : [`from ${source.join(" ")}`]),
    ...(intercept === undefined ? [] : [intercept.bypass ? "intercepts, or bypasses" : "intercepts"]),
  ];
}

/** Why a realserver takes no new connections; empty where it does. */
function realserverWords(server: RealserverStatus, nowMs: number): string[] {
  const { weight, overloaded, drain, health } = server;
  const words: string[] = [];
  if (health !== undefined && health.state !== "up") words.push(`${health.state}: ${health.reason}`);
  if (drain !== undefined) words.push(drainWords(drain, nowMs));
  else if (weight === 0 && (health?.state ?? "up") === "up") words.push("quiesced");
  if (overloaded) words.push("overloaded");
  return words;
}

/** `draining for 42s, closed in 4m 18s`, `draining for 42s`. */
function drainWords({ since, deadline }: DrainStatus, nowMs: number): string {
  const closing = deadline === undefined ? "" : `, closed in ${formatAge(Date.parse(deadline) - nowMs)}`;
  return `draining for ${age(since, nowMs)}${closing}`;
}

function age(startedAt: string, nowMs: number): string {
  return formatAge(nowMs - Date.parse(startedAt));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
