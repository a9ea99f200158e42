/**
 * What a director tells the others with each status message: everything that they need to know of it, so that a lost message
 * is made up for by the next one. Linux-HA's own fields are sent as it sends them; what it has no field for stands in fields
 * that begin with `uvs_`, which it ignores.
 */
import { hexField, listField, listText, type Message, textField } from "./message.js";

/** Which groups: all, those that prefer this director, or the others (heartbeat's hb_standby, hb_takeover). */
export const SCOPES = ["all", "foreign", "local"] as const;

/** One of them. */
export type Scope = (typeof SCOPES)[number];

/** A group and a node: who holds it, or who is to have it. */
export interface GroupAt {
  readonly group: string;
  readonly node: string;
}

/** A node that was heard, and how long ago. */
export interface HeardNode {
  readonly node: string;
  readonly ageMs: number;
}

/** See the file's head. */
export interface NodeReport {
  /** `up`: it listens, and does not know all others yet. `active`: it can hold groups. */
  readonly status: "up" | "active";
  /** After such a silence it is to be declared dead. */
  readonly deadMs: number;
  /** Groups that it holds or is releasing; undefined: an old heartbeat, that does not say so. */
  readonly holds: readonly string[] | undefined;
  /** Those of them that it is releasing. */
  readonly leaves: readonly string[];
  /** To whom it has given or is giving groups. */
  readonly gives: readonly GroupAt[];
  /** Groups that its operator wants on it. */
  readonly wants: readonly string[];
  /** Groups that it must not hold, as its operator wants it. */
  readonly standby: Scope | "none";
  /** Groups that have failed on it. */
  readonly failed: readonly string[];
  /** Ping nodes and groups that answer it. */
  readonly pings: number;
  readonly hasQuorum: boolean;
  /** Those of them that it has not acquired yet: it asks for votes. */
  readonly claims: readonly string[];
  /** For whom it has voted. */
  readonly votes: readonly GroupAt[];
  /** Nodes that it has heard within the lease; undefined: an old heartbeat, that does not say so. */
  readonly hears: readonly HeardNode[] | undefined;
  /** Groups that it hears others hold. */
  readonly seen: readonly GroupAt[];
  /** Nodes that hold nothing for certain, as far as it knows: they said goodbye, were fenced, or are dead without fencing. */
  readonly gone: readonly string[];
  /** What its configuration comes to; empty: it does not say. */
  readonly configuration: string;
}

/** Deadtimes that are believed. */
const MIN_DEAD_MS = 10;
const MAX_DEAD_MS = 3_600_000;
const MAX_ITEMS = 64;

/** The fields of a status message, without those that every message has. */
export function statusFields(report: NodeReport): Map<string, string> {
  const pairs = (list: readonly GroupAt[]): string =>
    listText(list.map(({ group, node }) => `${group}@${node}`));
  return new Map([
    ["t", "status"],
    ["st", report.status],
    ["dt", Math.round(report.deadMs).toString(16)],
    ["protocol", "1"],
    ["uvs_hold", listText(report.holds ?? [])],
    ["uvs_leave", listText(report.leaves)],
    ["uvs_give", pairs(report.gives)],
    ["uvs_want", listText(report.wants)],
    ["uvs_standby", report.standby],
    ["uvs_failed", listText(report.failed)],
    ["uvs_pings", String(report.pings)],
    ["uvs_quorum", report.hasQuorum ? "1" : "0"],
    ["uvs_claim", listText(report.claims)],
    ["uvs_vote", pairs(report.votes)],
    ["uvs_hears", listText((report.hears ?? []).map(({ node, ageMs }) => `${node}:${Math.round(ageMs)}`))],
    ["uvs_seen", pairs(report.seen)],
    ["uvs_gone", listText(report.gone)],
    ["uvs_conf", report.configuration],
  ]);
}

/** Reads a status message. @returns undefined where a field is wrong */
export function readStatus(message: Message): NodeReport | undefined {
  const st = textField(message, "st");
  const deadMs = hexField(message, "dt");
  const standby = textField(message, "uvs_standby") ?? "none";
  const pings = textField(message, "uvs_pings") ?? "0";
  const lists = ["uvs_leave", "uvs_claim", "uvs_want", "uvs_failed", "uvs_gone"].map(
    (name) => listField(message, name) ?? [],
  );
  const holds = listField(message, "uvs_hold");
  const hears = heardList(message, "uvs_hears");
  const gives = pairList(message, "uvs_give");
  const seen = pairList(message, "uvs_seen");
  const votes = pairList(message, "uvs_vote");
  const isWrong =
    (st !== "up" && st !== "active" && st !== "init") ||
    deadMs === undefined ||
    deadMs < MIN_DEAD_MS ||
    deadMs > MAX_DEAD_MS ||
    !isStandby(standby) ||
    !/^\d{1,3}$/.test(pings) ||
    [...lists, holds ?? []].some((list) => list.length > MAX_ITEMS || list.includes(""));
  if (isWrong || hears === "wrong" || !gives || !seen || !votes) return undefined;
  const [leaves, claims, wants, failed, gone] = lists;
  return {
    status: st === "active" ? "active" : "up",
    deadMs,
    holds,
    leaves,
    claims,
    votes,
    gives,
    wants,
    standby,
    failed,
    pings: Number(pings),
    hasQuorum: textField(message, "uvs_quorum") === "1",
    hears,
    seen,
    gone,
    configuration: textField(message, "uvs_conf") ?? "",
  };
}

function isStandby(text: string): text is Scope | "none" {
  return text === "none" || SCOPES.some((scope) => scope === text);
}

function pairList(message: Message, name: string): GroupAt[] | undefined {
  const words = listField(message, name) ?? [];
  if (words.length > MAX_ITEMS) return undefined;
  const pairs: GroupAt[] = [];
  for (const word of words) {
    const [group, node, more] = word.split("@");
    if (!group || !node || more !== undefined) return undefined;
    pairs.push({ group, node });
  }
  return pairs;
}

function heardList(message: Message, name: string): HeardNode[] | "wrong" | undefined {
  const words = listField(message, name);
  if (words === undefined) return undefined;
  if (words.length > MAX_ITEMS) return "wrong";
  const heard: HeardNode[] = [];
  for (const word of words) {
    const [whole, node, age] = /^([^:]+):(\d{1,7})$/.exec(word) ?? [];
    if (whole === undefined) return "wrong";
    heard.push({ node, ageMs: Number(age) });
  }
  return heard;
}
