/** What can be chosen of a heartbeat cluster, and the check that it makes sense (reference: ha.md §7.1, §10). */
import { canonicalIp, familyOf } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import type { FenceSettings } from "../fencing/fencer.js";
import { checkFloating } from "../resources/floating-address.js";
import type { HeldGroupSettings } from "../resources/held-group.js";
import type { NotifySettings } from "../resources/notify.js";
import type { Encoding } from "./codec.js";
import type { PingTarget } from "./pinger.js";
import type { NoQuorumPolicy } from "./quorum.js";

/** A path that messages take. */
export type LinkSettings =
  /** To each peer's address. */
  | {
      readonly kind: "ucast";
      readonly interface: string;
      /** Canonical, of one family. */
      readonly peers: readonly string[];
      /** Address to send from and to listen at. @default the interface's first one that is not floating */
      readonly source?: string;
    }
  /** To the broadcast address of the interface's network. */
  | { readonly kind: "bcast"; readonly interface: string }
  /** To a group. */
  | {
      readonly kind: "mcast";
      readonly interface: string;
      readonly group: string;
      /** @default 1 */
      readonly ttl?: number;
    };

/** A group of resources and where it is wanted (a line of haresources). */
export interface ClusterGroupSettings extends HeldGroupSettings {
  readonly name: string;
  /** The node that it prefers. @default none */
  readonly preferred?: string;
  /** What speaks for nodes, -1 000 000 (never) to 1 000 000. @default 100 for the preferred one */
  readonly scores?: Readonly<Record<string, number>>;
  /** What speaks for the node where it is. @default 0 with auto_failback, 200 without */
  readonly stickiness?: number;
  readonly notify?: NotifySettings;
}

/** What ping nodes are for. */
export interface PingSettings {
  readonly targets: readonly PingTarget[];
  /** Silence after which one is down. @default the deadtime */
  readonly deadMs?: number;
  /** Score of each that answers. @default 10 000: whoever reaches more holds the groups, as with ipfail */
  readonly multiplier?: number;
  /** Whether a director that none answers must hold nothing. @default false */
  readonly isRequired?: boolean;
}

/** A cluster. */
export interface HeartbeatSettings {
  /** Our own name. */
  readonly node: string;
  /** All names, ours included, two to nine; the first one that lives fences. */
  readonly nodes: readonly string[];
  readonly links: readonly LinkSettings[];
  /** @default 694 */
  readonly port?: number;
  readonly keyFile: string;
  /** Keeps the number of the last start; must survive a boot. */
  readonly generationFile: string;
  /** @default 1 s */
  readonly keepaliveMs?: number;
  /** @default 10 s */
  readonly deadMs?: number;
  /** @default half of the deadtime */
  readonly warnMs?: number;
  /** @default the deadtime, at least 12 s where that is shorter */
  readonly initDeadMs?: number;
  /** @default true */
  readonly autoFailback?: boolean;
  /** @default "ignore" for two nodes, "stop" for more */
  readonly noQuorum?: NoQuorumPolicy;
  /** Whether a partition of exactly half of the nodes has quorum if it reaches a ping node. @default false */
  readonly pingBreaksTie?: boolean;
  /** For so long another place must be the better one before a group moves. @default two keepalives */
  readonly dampenMs?: number;
  readonly ping?: PingSettings;
  /** Of what is sent; received are both. @default "netstring" */
  readonly encoding?: Encoding;
  readonly groups: readonly ClusterGroupSettings[];
  /** By name of the node. */
  readonly fencing?: Readonly<Record<string, FenceSettings>>;
}

/** Where nothing else is chosen. */
export const HEARTBEAT_DEFAULTS = {
  port: 694,
  keepaliveMs: 1000,
  deadMs: 10_000,
  preference: 100,
  stickinessWithoutFailback: 200,
  pingMultiplier: 10_000,
  mcastTtl: 1,
} as const;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const INTERFACE_NAME = /^[^\s/]{1,15}$/;
const MAX_NODES = 9;
const MAX_GROUPS = 32;
const MAX_LINKS = 16;
const MAX_PINGS = 64;
/** Below, a partition that loses quorum may not have released in time. */
const SAFE_DEAD_KEEPALIVES = 4;
const SHORT_INIT_DEAD_MS = 12_000;

/** The dead time for nodes that were never heard (heartbeat's rule, with its least value). */
export function initDeadOf({ initDeadMs, deadMs = HEARTBEAT_DEFAULTS.deadMs }: HeartbeatSettings): number {
  return initDeadMs ?? Math.max(deadMs, SHORT_INIT_DEAD_MS);
}

/**
 * Checks the settings of a cluster.
 * @returns what is unwise, in words
 * @throws UvsError INVALID, naming key, value and what is accepted
 */
export function checkHeartbeat(settings: HeartbeatSettings): string[] {
  const { node, nodes, groups, fencing = {} } = settings;
  const isNode = (name: string): boolean => nodes.includes(name);
  const known = `one of the nodes ${nodes.join(" ")}`;
  checkCount("nodes", nodes.length, 2, MAX_NODES);
  checkNames("nodes", nodes);
  if (!isNode(node)) refuse("node", node, known);
  checkTimes(settings);
  checkCount("links", settings.links.length, 1, MAX_LINKS);
  settings.links.forEach(checkLink);
  checkPort(settings.port ?? HEARTBEAT_DEFAULTS.port);
  checkPings(settings);
  checkCount("groups", groups.length, 0, MAX_GROUPS);
  checkNames(
    "groups",
    groups.map(({ name }) => name),
  );
  for (const { name, preferred, scores = {}, floating } of groups) {
    if (preferred !== undefined && !isNode(preferred)) refuse(`group ${name}: preferred`, preferred, known);
    for (const other of Object.keys(scores)) {
      if (!isNode(other)) refuse(`group ${name}: scores`, other, known);
    }
    floating.forEach(checkFloating);
  }
  for (const other of Object.keys(fencing)) if (!isNode(other)) refuse("fencing", other, known);
  return warningsOf(settings);
}

function checkTimes(settings: HeartbeatSettings): void {
  const {
    keepaliveMs = HEARTBEAT_DEFAULTS.keepaliveMs,
    deadMs = HEARTBEAT_DEFAULTS.deadMs,
    warnMs,
  } = settings;
  if (keepaliveMs < 10) refuse("keepalive", `${keepaliveMs} ms`, "at least 10 ms");
  if (deadMs <= 2 * keepaliveMs)
    refuse("deadtime", `${deadMs} ms`, `more than two keepalives (${2 * keepaliveMs} ms)`);
  if (warnMs !== undefined && (warnMs <= keepaliveMs || warnMs > deadMs)) {
    refuse("warntime", `${warnMs} ms`, "more than the keepalive, at most the deadtime");
  }
  const initDeadMs = initDeadOf(settings);
  if (initDeadMs < deadMs) refuse("initdead", `${initDeadMs} ms`, "at least the deadtime");
  const { deadMs: deadPingMs = deadMs } = settings.ping ?? {};
  if (deadPingMs <= 2 * keepaliveMs) refuse("deadping", `${deadPingMs} ms`, "more than two keepalives");
}

function checkLink(link: LinkSettings): void {
  const where = `link ${link.kind} ${link.interface}`;
  if (!INTERFACE_NAME.test(link.interface))
    refuse(where, link.interface, "an interface of 1 to 15 characters");
  if (link.kind === "ucast") {
    const { peers, source } = link;
    checkCount(`${where}: peers`, peers.length, 1, MAX_NODES);
    const families = new Set([...peers, ...(source === undefined ? [] : [source])].map(checkAddress));
    if (families.size > 1) refuse(`${where}: peers`, peers.join(" "), "addresses of one family");
  } else if (link.kind === "mcast") {
    checkAddress(link.group);
    if (!/^(22[4-9]|23\d|ff)/i.test(link.group)) refuse(`${where}: group`, link.group, "a multicast address");
    const { ttl = HEARTBEAT_DEFAULTS.mcastTtl } = link;
    if (!Number.isInteger(ttl) || ttl < 1 || ttl > 255) refuse(`${where}: ttl`, String(ttl), "1 to 255");
  }
}

function checkPings({ ping, pingBreaksTie = false }: HeartbeatSettings): void {
  const { targets = [], multiplier = 0, isRequired = false } = ping ?? {};
  checkCount("ping", targets.length, 0, MAX_PINGS);
  for (const { name, hosts } of targets) {
    checkCount(`ping ${name}`, hosts.length, 1, MAX_PINGS);
    hosts.forEach(checkAddress);
  }
  if (targets.length === 0 && (pingBreaksTie || isRequired)) refuse("ping", "no ping node", "at least one");
  if (!Number.isInteger(multiplier) || multiplier < 0 || multiplier > 100_000) {
    refuse("ping: multiplier", String(multiplier), "a whole number from 0 to 100000");
  }
}

function warningsOf(settings: HeartbeatSettings): string[] {
  const { nodes, links, noQuorum, groups, fencing = {} } = settings;
  const { keepaliveMs = HEARTBEAT_DEFAULTS.keepaliveMs, deadMs = HEARTBEAT_DEFAULTS.deadMs } = settings;
  const warnings: string[] = [];
  const policy = noQuorum ?? (nodes.length === 2 ? "ignore" : "stop");
  if (policy === "stop" && deadMs < SAFE_DEAD_KEEPALIVES * keepaliveMs) {
    warnings.push(
      `deadtime is below ${SAFE_DEAD_KEEPALIVES} keepalives: when quorum is lost, two directors may hold a group for a moment`,
    );
  }
  if (links.length === 1) {
    warnings.push("there is one link only: when it is cut, directors that live take each other for dead");
  }
  if (initDeadOf(settings) < 10_000)
    warnings.push("initdead is below 10 s: slow boots look like dead directors");
  const hasResources = groups.some(({ resources = [] }) => resources.length > 0);
  if (hasResources && Object.keys(fencing).length === 0) {
    warnings.push(
      "there are resources and no fencing: a director that is silent and lives may still run them",
    );
  }
  return warnings;
}

/** @returns its family */
function checkAddress(address: string): 4 | 6 {
  if (canonicalIp(address) !== address) refuse("address", address, "an IP address in canonical form");
  return familyOf(address);
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) refuse("port", String(port), "1 to 65535");
}

function checkCount(where: string, found: number, least: number, most: number): void {
  if (found < least || found > most) refuse(where, String(found), `${least} to ${most} of them`);
}

function checkNames(where: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (!NAME.test(name)) refuse(where, name, "letters, digits, dot, dash and underscore, 63 at most");
    if (seen.has(name)) refuse(where, name, "a name that is used once");
    seen.add(name);
  }
}

function refuse(where: string, found: string, accepted: string): never {
  throw new UvsError("INVALID", `heartbeat: ${where}: found ${found}, accepted is ${accepted}`, {
    side: "config",
    details: { where, found },
  });
}
