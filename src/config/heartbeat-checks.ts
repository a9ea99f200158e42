/** What must hold between the values of `ha.heartbeat`; as `ha-checks.ts`, it bears values that were refused. */
import { hostname } from "node:os";
import { familyOf, isUnicast } from "../core/address.js";
import { checkResource, checkUnique, mappings, oneOf, type Report } from "./ha-check-parts.js";
import type { HaEntry } from "./ha-schema.js";
import type { HeartbeatEntry, HeartbeatGroupEntry, LinkEntry } from "./heartbeat-schema.js";
import { refusal } from "./refuse.js";

const MIN_NODES = 2;
const MAX_NODES = 9;
const MAX_GROUPS = 32;
const MAX_LINKS = 16;
const MAX_PINGS = 64;

/** Checks the section. */
export function checkHeartbeatEntry(
  entry: HeartbeatEntry,
  floating: NonNullable<HaEntry["floating"]>,
  report: Report,
): void {
  if (typeof entry !== "object" || entry === null) return;
  const nodes = entry.nodes ?? [];
  const groups = mappings(entry.groups);
  const isNode = (name: string | undefined): boolean => name === undefined || nodes.includes(name);
  checkCount("nodes", nodes.length, MIN_NODES, MAX_NODES, report);
  checkUnique(nodes, "name", (i, message) => report(["nodes", i], message));
  const own = entry.node ?? hostname();
  if (!isNode(own)) report(["node"], refusal(own, oneOf("one of the nodes", nodes)));
  checkTimes(entry, report);
  const links = mappings(entry.links);
  checkCount("links", links.length, 1, MAX_LINKS, report);
  for (const [i, link] of links.entries()) {
    checkLink(link, (path, message) => report(["links", i, ...path], message));
  }
  checkPings(entry, report);
  checkCount("groups", groups.length, 0, MAX_GROUPS, report);
  checkUnique(
    groups.map(({ name }) => name),
    "name",
    (i, message) => report(["groups", i, "name"], message),
  );
  for (const [i, group] of groups.entries()) {
    checkGroup(group, nodes, (path, message) => report(["groups", i, ...path], message));
  }
  checkMoved(groups, floating, report);
  const fencing = mappings(entry.fencing);
  checkUnique(
    fencing.map(({ node }) => node),
    "node",
    (i, message) => report(["fencing", i, "node"], message),
  );
  for (const [i, { node }] of fencing.entries()) {
    if (!isNode(node)) report(["fencing", i, "node"], refusal(node, oneOf("one of the nodes", nodes)));
  }
}

function checkCount(key: string, found: number, least: number, most: number, report: Report): void {
  if (found < least || found > most)
    report([key], `found ${found} of them, accepted are ${least} to ${most}`);
}

/** heartbeat's own rules (ha.cf). */
function checkTimes(entry: HeartbeatEntry, report: Report): void {
  const { keepalive, deadtime, warntime, initdead } = entry;
  if (keepalive === undefined || deadtime === undefined) return;
  const ms = (value: number): string => `${value}ms`;
  if (deadtime <= 2 * keepalive) {
    report(["deadtime"], refusal(ms(deadtime), `more than two keepalives, ${ms(2 * keepalive)}`));
  }
  if (warntime !== undefined && (warntime <= keepalive || warntime > deadtime)) {
    report(["warntime"], refusal(ms(warntime), "more than the keepalive, at most the deadtime"));
  }
  if (initdead !== undefined && initdead < deadtime) {
    report(["initdead"], refusal(ms(initdead), `at least the deadtime, ${ms(deadtime)}`));
  }
  const { deadtime: deadping } = entry.ping ?? {};
  if (deadping !== undefined && deadping <= 2 * keepalive) {
    report(["ping", "deadtime"], refusal(ms(deadping), `more than two keepalives, ${ms(2 * keepalive)}`));
  }
}

function checkLink(link: LinkEntry, report: Report): void {
  const kinds = (["ucast", "bcast", "mcast"] as const).filter((kind) => link[kind] !== undefined);
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? "none of ucast, bcast, mcast" : kinds.join(" and ");
    report([], `found ${found}, accepted is one of them`);
    return;
  }
  const [kind] = kinds;
  const { peers, source, group } = link;
  for (const key of ["peers", "source"] as const) {
    const value = link[key];
    const isGiven = Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
    if (kind !== "ucast" && isGiven) report([key], `found ${key} without ucast, accepted is it with ucast`);
  }
  if (kind === "ucast") {
    if (!peers || peers.length === 0)
      report(["peers"], "found none, accepted are the addresses of the peers");
    const all = [...(peers ?? []), ...(source === undefined ? [] : [source])].filter(Boolean);
    if (new Set(all.map(familyOf)).size > 1) report(["peers"], "found IPv4 and IPv6, accepted is one family");
  }
  if (kind !== "mcast" && group !== undefined) report(["group"], "found a group without mcast");
  if (kind === "mcast" && (group === undefined || isUnicast(group))) {
    report(["group"], refusal(group ?? "none", "a multicast address"));
  }
}

function checkPings(entry: HeartbeatEntry, report: Report): void {
  const { nodes, groups, required } = entry.ping ?? {};
  const count = (nodes ?? []).length + mappings(groups).length;
  if (count > MAX_PINGS) report(["ping"], `found ${count} of them, accepted are at most ${MAX_PINGS}`);
  for (const [i, { hosts }] of mappings(groups).entries()) {
    if (!hosts || hosts.length === 0)
      report(["ping", "groups", i, "hosts"], "found none, accepted are addresses");
  }
  if (count > 0) return;
  if (required) report(["ping", "required"], "found no ping node, accepted is this with ping nodes");
  if (entry["ping-breaks-tie"]) {
    report(["ping-breaks-tie"], "found no ping node, accepted is this with ping nodes");
  }
}

function checkGroup(group: HeartbeatGroupEntry, nodes: readonly string[], report: Report): void {
  const { preferred, scores = {}, resources } = group;
  const known = oneOf("one of the nodes", nodes);
  if (preferred !== undefined && !nodes.includes(preferred)) report(["preferred"], refusal(preferred, known));
  for (const node of Object.keys(scores)) {
    if (!nodes.includes(node)) report(["scores", node], refusal(node, known));
  }
  for (const [i, resource] of mappings(resources).entries()) {
    checkResource(resource, (path, message) => report(["resources", i, ...path], message));
  }
}

/** Each address is moved by one group. */
function checkMoved(
  groups: readonly HeartbeatGroupEntry[],
  floating: NonNullable<HaEntry["floating"]>,
  report: Report,
): void {
  const all = floating.map(({ address }) => address?.address);
  const movers = new Set<string>();
  for (const [i, group] of groups.entries()) {
    for (const [j, address] of (group.floating ?? []).entries()) {
      if (address === undefined) continue;
      const refuse = (accepted: string): void =>
        report(["groups", i, "floating", j], refusal(address, accepted));
      if (!all.includes(address)) refuse(oneOf("an address of ha.floating", all));
      else if (movers.has(address)) refuse("an address that no other group moves");
      movers.add(address);
    }
  }
  const rest = groups.flatMap((group, i) => (group.floating === undefined ? [i] : []));
  for (const i of rest.slice(1)) {
    report(
      ["groups", i],
      `found two groups without floating (groups[${rest[0]}] is the other), accepted is one: it moves all addresses that no other names`,
    );
  }
  const orphan = all.find((address) => address !== undefined && !movers.has(address));
  if (rest.length === 0 && orphan !== undefined) {
    report(["groups"], `${orphan} is moved by nobody, accepted is that one of the groups moves it`);
  }
}
