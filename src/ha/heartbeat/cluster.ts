/**
 * The state machine of a heartbeat cluster, as one director sees it (reference: ha.md §9, §10). Pure: it is told what happened
 * and at what time, and answers with what is to be done; `deadlineMs` says when it wants `timer`.
 *
 * Every director reports all there is to know of it with each status message, and all derive the same placement of the groups
 * from the reports. Then the holder moves first: whoever holds a group that belongs elsewhere releases it, says to whom it is
 * given, and only then the other acquires it. What nobody holds is acquired by whom it belongs to. So no step needs an
 * answer, and a lost message only delays. Rules that keep a group from being held twice:
 * - Nothing is acquired as long as a director is unknown, one that was lost uncleanly has to be fenced, or any living
 *   director says that it hears somebody hold the group.
 * - With the policy `stop`, quorum counts who was heard, and says that it hears us, within the lease, which is shorter than the
 *   deadtime: a partition without quorum has released everything before the other one acquires.
 * - Where quorum counts, a group is claimed first, and acquired when most nodes have voted for it.
 * - A director that was itself silent for longer than the lease releases everything before it says anything.
 */
import { Acquisition } from "./acquisition.js";
import { Conflicts } from "./conflicts.js";
import type { ClusterEffect, ClusterEvent } from "./effects.js";
import { Holding } from "./holdings.js";
import type { Member } from "./member.js";
import { Membership, type MembershipSettings } from "./membership.js";
import { type MoveSettings, Moves } from "./moves.js";
import { type Candidate, isInScope, type PlacedGroup, scoreOf } from "./placement.js";
import type { Heard } from "./receive.js";
import type { NodeReport, Scope } from "./report.js";
import { Whereabouts } from "./whereabouts.js";

/** What a cluster is made with. Times in milliseconds. */
export interface ClusterSettings extends MembershipSettings, MoveSettings {
  readonly groups: readonly PlacedGroup[];
  /** What the configuration comes to, for comparison. */
  readonly configuration: string;
}

type Phase = "stopped" | "joining" | "active" | "leaving";

/** Groups that an operator means: one, or those of a scope. */
export interface Choice {
  readonly scope: Scope;
  readonly group?: string;
}

/** See the file's head. Every method that takes a time returns what is to be done, in order. */
export class Cluster {
  readonly #settings: ClusterSettings;
  readonly #membership: Membership;
  readonly #holdings: readonly Holding[];
  readonly #whereabouts: Whereabouts;
  readonly #acquisition: Acquisition;
  readonly #moves: Moves;
  readonly #conflicts: Conflicts;

  #phase: Phase = "stopped";
  #pings = 0;
  /** Nothing is acquired before: not everybody may have been heard. */
  #graceUntilMs = 0;
  #sentMs = 0;
  #lastReport = "";
  #deadlineMs: number | undefined;
  readonly #effects: ClusterEffect[] = [];
  readonly #do = (effect: ClusterEffect): void => void this.#effects.push(effect);

  constructor(settings: ClusterSettings) {
    this.#settings = settings;
    this.#membership = new Membership(settings, this.#do);
    this.#holdings = settings.groups.map((group) => new Holding(group));
    this.#whereabouts = new Whereabouts(settings, this.#membership, this.#holdings);
    this.#acquisition = new Acquisition(settings, this.#membership);
    this.#moves = new Moves(settings, this.#membership, this.#acquisition, this.#do);
    this.#conflicts = new Conflicts(settings.node, this.#membership, this.#do);
  }

  /** When `timer` is due; undefined: never. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** How long the other nodes surely count this one as alive after it has said something. */
  get leaseMs(): number {
    return this.#membership.leaseMs;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get hasQuorum(): boolean {
    return this.#membership.hasQuorum;
  }

  /** Directors that are heard, this one included, and can act. */
  get memberCount(): number {
    return this.members.filter(({ isActive }) => isActive).length + 1;
  }

  get members(): readonly Member[] {
    return this.#membership.all;
  }

  get holdings(): readonly Holding[] {
    return this.#holdings;
  }

  /** What is held here, in the words of an old heartbeat, which knows two nodes. */
  get heldScope(): Scope | "none" {
    const held = this.#holdings.filter(({ isHere }) => isHere).map(({ group }) => group.preferred);
    const { node } = this.#settings;
    const hasLocal = held.includes(node);
    const hasForeign = held.some((preferred) => preferred !== node);
    if (hasLocal && hasForeign) return "all";
    return hasLocal ? "local" : hasForeign ? "foreign" : "none";
  }

  /** What speaks for a group's being here; below 0: it must not be. */
  score(group: PlacedGroup): number {
    const { node, ping } = this.#settings;
    return scoreOf(group, this.#self(), this.#holding(group.name)?.isHere ? node : undefined, ping);
  }

  /** Where the groups should be, as far as this director knows. */
  places(): Map<string, string> {
    return this.#whereabouts.places(this.#phase === "active" ? this.#self() : undefined);
  }

  /** Begins to listen and to send. */
  start(nowMs: number): ClusterEffect[] {
    if (this.#phase !== "stopped") return [];
    this.#phase = "joining";
    this.#sentMs = nowMs;
    this.#membership.start(nowMs);
    return this.#settle(nowMs);
  }

  /**
   * Goes on where another one ends, because the configuration has changed.
   * @param kept groups that are what they were; the others are not held any more
   */
  succeed(nowMs: number, before: Cluster, kept: ReadonlySet<string>): ClusterEffect[] {
    this.#phase = before.#phase;
    this.#pings = before.#pings;
    this.#sentMs = before.#sentMs;
    this.#membership.succeed(nowMs, before.#membership);
    // What was said while one session ended and the other began was heard by neither.
    const isAlone = this.#membership.live.length === 0;
    this.#graceUntilMs = isAlone ? before.#graceUntilMs : nowMs + this.#membership.graceMs;
    for (const holding of this.#holdings) {
      const own = before.#holding(holding.name);
      if (own === undefined) continue;
      const isSame = kept.has(holding.name);
      holding.succeed(own, isSame);
      // The end of what is under way would be told to the other one.
      if (isSame && own.state === "leaving") this.#do({ do: "release", group: own.name, isUrgent: true });
    }
    return this.#settle(nowMs);
  }

  /** Leaves politely: releases everything, then says farewell. */
  stop(nowMs: number): ClusterEffect[] {
    if (this.#phase === "stopped" || this.#phase === "leaving") return [];
    this.#lookForStall(nowMs);
    this.#phase = "leaving";
    this.#membership.spareAll();
    return this.#settle(nowMs);
  }

  /** A message of another node was accepted. */
  heard(nowMs: number, node: string, heard: Heard): ClusterEffect[] {
    const member = this.#membership.get(node);
    if (member === undefined || this.#phase === "stopped") return [];
    this.#lookForStall(nowMs);
    // What a heartbeat sends after its goodbye comes from those of its processes that have not ended yet.
    if (member.state === "left" && !(heard.kind === "status" && heard.isRestart)) return this.#settle(nowMs);
    if (heard.kind === "shutdone") this.#membership.left(member);
    else if (heard.kind === "status") {
      this.#heardWishes(member, heard.report);
      if (member.isDead && !heard.isRestart) this.#announceAfter(heard.report);
      this.#membership.heard(nowMs, member, heard.report, heard.isRestart);
    } else this.#heardHoldings(member, heard.holds);
    return this.#settle(nowMs);
  }

  /** The deadline has passed. */
  timer(nowMs: number): ClusterEffect[] {
    if (this.#phase === "stopped") return [];
    this.#lookForStall(nowMs);
    return this.#settle(nowMs);
  }

  /** A group was released, as asked for. */
  released(nowMs: number, group: string): ClusterEffect[] {
    const holding = this.#holding(group);
    if (holding?.state !== "leaving") return [];
    holding.become("free", "released", this.#do);
    return this.#settle(nowMs);
  }

  /** A group cannot be here, or can again. @param trouble undefined: it can */
  setTrouble(nowMs: number, group: string, trouble: string | undefined): ClusterEffect[] {
    const holding = this.#holding(group);
    if (holding === undefined || holding.trouble === trouble) return [];
    holding.trouble = trouble;
    if (trouble !== undefined) holding.isWanted = false;
    return this.#settle(nowMs);
  }

  /** So many ping nodes and groups answer. */
  setPings(nowMs: number, pings: number): ClusterEffect[] {
    if (pings === this.#pings) return [];
    this.#pings = pings;
    return this.#settle(nowMs);
  }

  /** A node was fenced: it holds nothing any more. */
  fenced(nowMs: number, node: string): ClusterEffect[] {
    return this.#membership.fenced(node) ? this.#settle(nowMs) : [];
  }

  /** Why `standby` would leave a group without a director; undefined: it would not. */
  standbyRefusal(choice: Choice): string | undefined {
    const { ping } = this.#settings;
    const others = this.#whereabouts.others();
    const lost = this.#chosen(choice).filter(
      ({ state, group }) =>
        state === "held" && others.every((other) => scoreOf(group, other, undefined, ping) < 0),
    );
    if (lost.length === 0) return undefined;
    return `no other director can take ${lost.map(({ name }) => name).join(", ")}`;
  }

  /** The operator wants groups elsewhere, until `online` or `takeover`; see `standbyRefusal`. */
  standby(nowMs: number, choice: Choice): ClusterEffect[] {
    for (const holding of this.#chosen(choice)) {
      holding.isWanted = false;
      holding.isAway = true;
    }
    return this.#settle(nowMs);
  }

  /** Gives a group up, because it is to be another one, or none. */
  end(nowMs: number, group: string): ClusterEffect[] {
    const holding = this.#holding(group);
    if (holding === undefined) return [];
    holding.isEnding = true;
    holding.isWanted = false;
    return this.#settle(nowMs);
  }

  /** Ends `standby` and `takeover`, of one group or of all. */
  online(nowMs: number, choice: Choice): ClusterEffect[] {
    for (const holding of this.#chosen(choice)) {
      holding.isAway = false;
      holding.isWanted = false;
    }
    return this.#settle(nowMs);
  }

  /** The operator wants groups here, until another director gets them. */
  takeover(nowMs: number, choice: Choice): ClusterEffect[] {
    for (const holding of this.#chosen(choice)) {
      holding.isAway = false;
      holding.isWanted = true;
    }
    return this.#settle(nowMs);
  }

  /** What this director tells the others. */
  report(nowMs: number): NodeReport {
    const names = (wanted: (holding: Holding) => boolean): string[] =>
      this.#holdings.filter(wanted).map(({ name }) => name);
    return {
      status: this.#phase === "joining" ? "up" : "active",
      deadMs: this.#settings.deadMs,
      holds: names(({ state }) => state !== "free"),
      leaves: names(({ state }) => state === "leaving"),
      gives: this.#holdings.flatMap(({ name, give }) => (give ? [{ group: name, node: give.node }] : [])),
      ...this.#self(),
      hasQuorum: this.hasQuorum,
      claims: names(({ state }) => state === "claimed"),
      votes: this.#acquisition.votes(),
      hears: this.#membership.hears(nowMs),
      seen: this.#membership.live.flatMap((member) =>
        (member.report?.holds ?? [])
          .filter((group) => !member.claims(group))
          .map((group) => ({ group, node: member.name })),
      ),
      gone: this.#membership.gone(),
      configuration: this.#settings.configuration,
    };
  }

  /** A director that was cut off is back: it may have held groups and let go already, and clients may still follow it. */
  #announceAfter({ holds = [] }: NodeReport): void {
    for (const { name, state } of this.#holdings) {
      if (state === "held" && !holds.includes(name)) this.#do({ do: "announce", group: name });
    }
  }

  /** Of two operators who want a group on different directors, the later one gets it. */
  #heardWishes(member: Member, report: NodeReport): void {
    for (const holding of this.#holdings) {
      const { name } = holding;
      if (report.wants.includes(name) && !member.report?.wants.includes(name)) holding.isWanted = false;
    }
  }

  /** An old heartbeat says what it holds in a message of its own. */
  #heardHoldings(member: Member, scope: Scope | "none" | undefined): void {
    if (member.report === undefined || member.report.configuration !== "") return;
    const inScope = this.#settings.groups.filter(
      (group) => scope !== undefined && isInScope(group, member.name, scope),
    );
    const holds = scope === undefined ? undefined : inScope.map(({ name }) => name);
    member.report = { ...member.report, holds };
  }

  /** Another director may have taken over while this one stood still: it releases everything before it says anything. */
  #lookForStall(nowMs: number): void {
    const lateMs = nowMs - this.#sentMs - this.#settings.keepaliveMs;
    if (nowMs - this.#sentMs <= this.#membership.leaseMs) return;
    this.#tell({ kind: "stalled", lateMs });
    this.#sentMs = nowMs;
    this.#lastReport = "";
    this.#graceUntilMs = nowMs + this.#membership.graceMs;
    const couldBeReplaced = this.#membership.live.length > 0;
    this.#membership.excuse(nowMs, lateMs);
    if (!couldBeReplaced) return;
    for (const holding of this.#holdings) holding.release(true, "this director stood still", this.#do);
  }

  /** Brings everything into line with what is known now. Whatever happened, this follows. */
  #settle(nowMs: number): ClusterEffect[] {
    this.#membership.countSilence(nowMs);
    this.#join(nowMs);
    this.#membership.countQuorum(nowMs, this.#phase !== "joining", this.#pings > 0);
    if (this.#phase === "active") this.#membership.fence();
    this.#conflicts.resolve(nowMs, this.#holdings, this.#pings);
    const acquired = this.#phase === "joining" ? [] : this.#move(nowMs);
    this.#sendNews(nowMs);
    // The others are told before the first address is added.
    for (const { name } of acquired) this.#do({ do: "acquire", group: name });
    if (this.#phase === "leaving" && this.#holdings.every(({ isHere }) => !isHere)) {
      this.#phase = "stopped";
      this.#do({ do: "farewell" });
    }
    this.#deadlineMs = this.#phase === "stopped" ? undefined : this.#nextDeadline(nowMs);
    return this.#effects.splice(0);
  }

  #join(nowMs: number): void {
    if (this.#phase !== "joining" || !this.#membership.isKnown) return;
    this.#phase = "active";
    // Others who start at the same time get as far as this meanwhile.
    this.#graceUntilMs = nowMs + this.#membership.graceMs;
  }

  /** @returns what is to be acquired */
  #move(nowMs: number): Holding[] {
    return this.#moves.move(nowMs, this.#holdings, {
      own: this.#self(),
      places: this.places(),
      isLeaving: this.#phase === "leaving",
      isReady: this.#phase === "active" && nowMs >= this.#graceUntilMs,
    });
  }

  /** Sends what has changed at once, and everything each keepalive. */
  #sendNews(nowMs: number): void {
    const { hears, ...rest } = this.report(nowMs);
    const report = JSON.stringify([rest, hears?.map(({ node }) => node)]);
    if (report === this.#lastReport && nowMs < this.#sentMs + this.#settings.keepaliveMs) return;
    this.#lastReport = report;
    this.#sentMs = nowMs;
    this.#do({ do: "send" });
  }

  #self(): Candidate {
    const names = (wanted: (holding: Holding) => boolean): string[] =>
      this.#holdings.filter(wanted).map(({ name }) => name);
    return {
      node: this.#settings.node,
      standby: this.#phase === "leaving" ? "all" : "none",
      failed: names(({ isBarred }) => isBarred),
      wants: names(({ isWanted }) => isWanted),
      pings: this.#pings,
    };
  }

  /** The earliest of everything that time brings. */
  #nextDeadline(nowMs: number): number {
    const { keepaliveMs, dampenMs } = this.#settings;
    const times = [this.#sentMs + keepaliveMs, this.#graceUntilMs, ...this.#membership.deadlines()];
    for (const { better, give } of this.#holdings) {
      if (better !== undefined) times.push(better.sinceMs + dampenMs);
      if (give !== undefined) times.push(give.untilMs);
    }
    return Math.min(...times.filter((timeMs) => timeMs > nowMs));
  }

  #chosen({ scope, group }: Choice): Holding[] {
    return this.#holdings.filter(({ name, group: placed }) =>
      group === undefined ? isInScope(placed, this.#settings.node, scope) : group === name,
    );
  }

  #holding(group: string): Holding | undefined {
    return this.#holdings.find(({ name }) => name === group);
  }

  #tell(event: ClusterEvent): void {
    this.#do({ do: "tell", event });
  }
}
