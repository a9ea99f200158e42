/**
 * Who belongs to the cluster now, as one director sees it: which nodes live, whether those that hear one another are enough,
 * and which of the lost ones have to be fenced. It knows nothing of groups but who said to hold them.
 */
import type { ClusterEffect, ClusterEvent, FenceState, NodeState } from "./effects.js";
import { Member } from "./member.js";
import { hasMajority, type NoQuorumPolicy, type TieBreaker } from "./quorum.js";
import type { HeardNode, NodeReport } from "./report.js";

/** What it is made with. Times in milliseconds. */
export interface MembershipSettings {
  readonly node: string;
  /** All nodes, this one included, two to nine. */
  readonly nodes: readonly string[];
  readonly keepaliveMs: number;
  readonly deadMs: number;
  readonly warnMs: number;
  readonly initDeadMs: number;
  readonly noQuorum: NoQuorumPolicy;
  readonly tieBreaker: TieBreaker;
  /** Nodes that can be fenced. */
  readonly fenceable: ReadonlySet<string>;
}

/** Keepalives between the lease and the deadtime: one that was sent just before the cut, and one for releasing. */
const LEASE_MARGIN_KEEPALIVES = 2;
/** Keepalives within which everybody who lives is heard. */
const GRACE_KEEPALIVES = 2;

/** See the file's head. */
export class Membership {
  /**
   * Silence of the others, or of this director itself, after which it must not act as if it were heard; shorter than their
   * deadtime for it, as far as that allows.
   */
  readonly leaseMs: number;
  /** Within this, everybody who lives is heard. */
  readonly graceMs: number;
  readonly #settings: MembershipSettings;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #do: (effect: ClusterEffect) => void;
  #hasQuorum = false;
  /** Since when there would be quorum; undefined: there would not. */
  #majoritySinceMs: number | undefined;

  /** @param perform told what is to be done */
  constructor(settings: MembershipSettings, perform: (effect: ClusterEffect) => void) {
    const { node, nodes, keepaliveMs, deadMs, initDeadMs } = settings;
    this.leaseMs = Math.max(deadMs - LEASE_MARGIN_KEEPALIVES * keepaliveMs, (deadMs + keepaliveMs) / 2);
    this.graceMs = GRACE_KEEPALIVES * keepaliveMs;
    this.#settings = settings;
    this.#do = perform;
    const others = nodes.filter((name) => name !== node);
    this.#members = new Map(others.map((name) => [name, new Member(name, 0, initDeadMs)]));
  }

  /** The other nodes. */
  get all(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Those that are heard. */
  get live(): readonly Member[] {
    return this.all.filter(({ isLive }) => isLive);
  }

  /** Whether every node was heard, or given up. */
  get isKnown(): boolean {
    return this.all.every(({ state }) => state !== "unknown");
  }

  get hasQuorum(): boolean {
    return this.#hasQuorum;
  }

  /** Whether this partition may acquire and fence. */
  get mayAct(): boolean {
    return this.#hasQuorum || this.#settings.noQuorum === "ignore";
  }

  get(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** Listening begins. */
  start(nowMs: number): void {
    for (const member of this.all) member.heardMs = nowMs;
  }

  /** Goes on where another one ends; nodes that it did not have are not known yet. */
  succeed(nowMs: number, before: Membership): void {
    this.start(nowMs);
    this.#hasQuorum = before.#hasQuorum;
    this.#majoritySinceMs = before.#majoritySinceMs;
    for (const member of this.all) {
      const known = before.get(member.name);
      if (known === undefined || known.state === "unknown") continue;
      const { state, heardMs, heardUsMs, deadMs, report, fence } = known;
      const isFencing = fence === "running" && this.#settings.fenceable.has(member.name);
      Object.assign(member, {
        state,
        heardMs,
        heardUsMs,
        deadMs,
        report,
        fence: isFencing ? "wanted" : fence,
      });
    }
  }

  /** A status message. */
  heard(nowMs: number, member: Member, report: NodeReport, isRestart: boolean): void {
    const gapMs = nowMs - member.heardMs;
    if (member.isLive && !isRestart && gapMs > this.#settings.warnMs) {
      this.#tell({ kind: "late", node: member.name, gapMs });
    }
    const holds = report.holds ?? (isRestart ? undefined : member.report?.holds);
    const age = report.hears?.find(({ node }) => node === this.#settings.node)?.ageMs ?? 0;
    member.report = { ...report, holds };
    member.heardMs = nowMs;
    member.heardUsMs = nowMs - age;
    member.deadMs = report.deadMs;
    this.#spare(member);
    const reason = isRestart ? "it has restarted" : member.isDead ? "it is heard again" : "it is heard";
    this.#setState(member, report.status, reason);
  }

  /** A goodbye. */
  left(member: Member): void {
    this.#spare(member);
    member.report = undefined;
    this.#setState(member, "left", "it said goodbye");
  }

  /** This director stood still: who could not be heard was not silent. */
  excuse(nowMs: number, lateMs: number): void {
    for (const member of this.all) {
      if (member.isLive || member.state === "unknown")
        member.heardMs = Math.min(member.heardMs + lateMs, nowMs);
    }
  }

  /** Finds out who is dead by now, and who is known to others to be. */
  countSilence(nowMs: number): void {
    for (const member of this.all) {
      if (member.isDead || member.state === "left" || nowMs - member.heardMs < member.deadMs) continue;
      const isNeeded = this.#settings.fenceable.has(member.name) && !member.holdsNothing;
      this.#setState(member, "dead", `silent for ${Math.round(nowMs - member.heardMs)} ms`);
      this.#setFence(member, isNeeded ? "wanted" : "not needed");
    }
    for (const { report, isActive } of this.all) {
      for (const name of isActive ? (report?.gone ?? []) : []) this.#heardGone(name);
    }
  }

  /** Counts who hears us and is heard. @param takesPart whether this director itself counts */
  countQuorum(nowMs: number, takesPart: boolean, reachesPing: boolean): void {
    const { nodes, tieBreaker } = this.#settings;
    const members = this.all.filter((member) => this.isFresh(nowMs, member)).length + 1;
    const isMajority = takesPart && hasMajority(members, nodes.length, tieBreaker, reachesPing);
    this.#majoritySinceMs = isMajority ? (this.#majoritySinceMs ?? nowMs) : undefined;
    // It comes back with a delay: two directors that hear each other again compare what they had while they did not.
    const hasQuorum = this.#majoritySinceMs !== undefined && nowMs >= this.#majoritySinceMs + this.graceMs;
    if (hasQuorum === this.#hasQuorum) return;
    this.#hasQuorum = hasQuorum;
    this.#tell({ kind: "quorum", hasQuorum, members, nodes: nodes.length });
  }

  /** Whether a node has heard us, and we have heard that, within the lease. */
  isFresh(nowMs: number, member: Member): boolean {
    const { isActive, heardMs, heardUsMs } = member;
    return (
      isActive && member.hears(this.#settings.node) && nowMs - Math.min(heardMs, heardUsMs) < this.leaseMs
    );
  }

  /** One director fences: the first in the configured order that lives. */
  fence(): void {
    const { node, nodes } = this.#settings;
    if (!this.mayAct) return;
    if (nodes.find((name) => name === node || this.get(name)?.isActive) !== node) return;
    for (const member of this.all) {
      if (member.fence !== "wanted") continue;
      this.#setFence(member, "running");
      this.#do({ do: "fence", node: member.name });
    }
  }

  /** A node was fenced. @returns whether that was wanted */
  fenced(node: string): boolean {
    const member = this.get(node);
    if (member?.fence !== "running") return false;
    this.#setFence(member, "done");
    return true;
  }

  /** Fences nobody any more: this director leaves. */
  spareAll(): void {
    for (const member of this.all)
      if (member.fence === "running") this.#do({ do: "spare", node: member.name });
  }

  /** Nodes that were heard within the lease. */
  hears(nowMs: number): HeardNode[] {
    return this.live
      .map(({ name, heardMs }) => ({ node: name, ageMs: nowMs - heardMs }))
      .filter(({ ageMs }) => ageMs < this.leaseMs);
  }

  /** Nodes that hold nothing for certain. */
  gone(): string[] {
    return this.all
      .filter(({ state, isUnfenced }) => state === "left" || (state === "dead" && !isUnfenced))
      .map(({ name }) => name);
  }

  /** Moments that change something. */
  deadlines(): number[] {
    const times = this.all
      .filter(({ state }) => state !== "dead" && state !== "left")
      .flatMap(({ heardMs, heardUsMs, deadMs }) => [
        heardMs + deadMs,
        heardMs + this.leaseMs,
        heardUsMs + this.leaseMs,
      ]);
    if (this.#majoritySinceMs !== undefined) times.push(this.#majoritySinceMs + this.graceMs);
    return times;
  }

  /** A director in office knows that a node holds nothing. */
  #heardGone(name: string): void {
    const member = this.get(name);
    if (member === undefined) return;
    if (member.state === "unknown") this.#setState(member, "dead", "another director says so");
    if (!member.isDead || !member.isUnfenced) return;
    if (member.fence === "running") this.#do({ do: "spare", node: name });
    this.#setFence(member, "done");
  }

  /** It is heard: there is nothing to fence. */
  #spare(member: Member): void {
    if (member.fence === "running") this.#do({ do: "spare", node: member.name });
    this.#setFence(member, "not needed");
  }

  #setState(member: Member, to: NodeState, reason: string): void {
    const from = member.state;
    if (from === to) return;
    member.state = to;
    this.#tell({ kind: "node", node: member.name, from, to, reason });
  }

  #setFence(member: Member, state: FenceState): void {
    if (member.fence === state) return;
    member.fence = state;
    this.#tell({ kind: "fencing", node: member.name, state });
  }

  #tell(event: ClusterEvent): void {
    this.#do({ do: "tell", event });
  }
}
