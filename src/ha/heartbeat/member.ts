/** Another director, as it was heard last. */
import type { FenceState, NodeState } from "./effects.js";
import type { NodeReport } from "./report.js";

/** See the file's head. */
export class Member {
  readonly name: string;
  state: NodeState = "unknown";
  /** When it was heard last; before that, when listening began. */
  heardMs: number;
  /** When it has heard us last, as far as it says. */
  heardUsMs = 0;
  /** Silence after which it is dead. */
  deadMs: number;
  /** Its last report; kept when it is dead, as it says what it held. */
  report: NodeReport | undefined;
  fence: FenceState = "not needed";

  /** @param initDeadMs silence after which it is dead as long as it was never heard */
  constructor(name: string, nowMs: number, initDeadMs: number) {
    this.name = name;
    this.heardMs = nowMs;
    this.deadMs = initDeadMs;
  }

  /** Whether it is heard. */
  get isLive(): boolean {
    return this.state === "up" || this.state === "active";
  }

  get isDead(): boolean {
    return this.state === "dead";
  }

  /** Whether it can hold groups. */
  get isActive(): boolean {
    return this.state === "active";
  }

  /** Whether something must be done before what it held may be taken. */
  get isUnfenced(): boolean {
    return this.fence === "wanted" || this.fence === "running";
  }

  /** Whether it hears a node, as far as it says. */
  hears(node: string): boolean {
    return this.report?.hears?.some((heard) => heard.node === node) ?? true;
  }

  /** Whether it is known to hold nothing. What it has not said counts as something. */
  get holdsNothing(): boolean {
    return this.report?.holds?.length === 0;
  }

  /** Whether it holds a group, or may: an old heartbeat that has not said so. */
  mayHold(group: string): boolean {
    return this.report === undefined || this.report.holds === undefined || this.report.holds.includes(group);
  }

  /** Whether it holds a group, or has asked for votes to. */
  hasOrClaims(group: string): boolean {
    return this.report?.holds?.includes(group) ?? false;
  }

  /** Whether it asks for votes. */
  claims(group: string): boolean {
    return this.report?.claims.includes(group) ?? false;
  }

  /** Whether it has voted for a node. */
  hasVotedFor(node: string, group: string): boolean {
    return this.report?.votes.some((vote) => vote.group === group && vote.node === node) ?? false;
  }

  /** Whether a group is on it, also while it is being released. */
  holdsNow(group: string): boolean {
    return this.hasOrClaims(group) && !this.claims(group);
  }

  /** Whether it holds a group and means to keep it. */
  keeps(group: string): boolean {
    return this.holdsNow(group) && !this.report?.leaves.includes(group);
  }
}
