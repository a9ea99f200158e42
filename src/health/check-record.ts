/** One check of one realserver in one service: its state, what it asks for, and what is told of it. */
import type { AdminCommand, CheckResult, DynamicWeight } from "./checker.js";
import { type CheckSpec, isInitiallyUp } from "./spec.js";
import { CheckState } from "./state-machine.js";

/** What became of a result. */
export interface RecordedResult {
  /** Whether the check went up or down. */
  readonly flipped: boolean;
  /** Whether anything changed that decides on the realserver: the state, a weight, a command, a limit. */
  readonly matters: boolean;
}

/** The last probe. */
export interface LastProbe {
  readonly result: CheckResult;
  readonly atMs: number;
  readonly durationMs: number;
}

/** State and counters of one check. */
export class CheckRecord {
  readonly spec: CheckSpec;
  readonly state: CheckState;
  last: LastProbe | undefined;
  /** Since when it is up or down. */
  sinceMs: number;
  passed = 0;
  failed = 0;
  /** Probes that counted neither way. */
  neutral = 0;
  /** Times it went up or down. */
  flips = 0;
  weight: DynamicWeight | undefined;
  admin: AdminCommand = "ready";
  connectionLimit: number | undefined;

  /** @param isServing whether the realserver is in service already: then it stays so until the check says otherwise */
  constructor(spec: CheckSpec, nowMs: number, isServing = false) {
    this.spec = spec;
    const { rules } = spec;
    this.state = new CheckState(
      isServing && !isInitiallyUp(rules.initial) ? { ...rules, initial: "up" } : rules,
    );
    this.sinceMs = nowMs;
  }

  get isUp(): boolean {
    return this.state.isUp;
  }

  /** `unknown` before the first result that counts. */
  get word(): "unknown" | "up" | "down" {
    if (this.passed + this.failed === 0) return "unknown";
    return this.isUp ? "up" : "down";
  }

  /** Begins with what another director knows, before it has a result of its own. @returns whether that changes anything */
  assume(isUp: boolean): boolean {
    if (this.word !== "unknown" || isUp === this.isUp) return false;
    this.state.assume(isUp);
    return true;
  }

  /** Takes a result in. What the result does not mention stays. */
  record(result: CheckResult, durationMs: number, nowMs: number): RecordedResult {
    const wasKnown = this.word !== "unknown";
    const wasHeld = this.state.isHeld;
    this.last = { result, atMs: nowMs, durationMs };
    this[result.outcome]++;
    const flipped = this.state.record(result.outcome, nowMs);
    if (flipped) this.#flip(nowMs);
    const asksAnew = this.#obey(result);
    const isNews = wasKnown !== (this.word !== "unknown") || wasHeld !== this.state.isHeld;
    return { flipped, matters: flipped || asksAnew || isNews };
  }

  /** Goes up although its flapping holds it down: it is needed. */
  release(nowMs: number): void {
    this.state.release();
    this.#flip(nowMs);
  }

  /** The check has gone up or down for another reason than a result. */
  flipOutside(nowMs: number): void {
    this.#flip(nowMs);
  }

  #flip(nowMs: number): void {
    this.flips++;
    this.sinceMs = nowMs;
  }

  #obey({ weight, admin, connectionLimit }: CheckResult): boolean {
    const before = [JSON.stringify(this.weight), this.admin, this.connectionLimit];
    this.weight = weight ?? this.weight;
    this.admin = admin ?? this.admin;
    this.connectionLimit = connectionLimit ?? this.connectionLimit;
    return (
      before[0] !== JSON.stringify(this.weight) ||
      before[1] !== this.admin ||
      before[2] !== this.connectionLimit
    );
  }
}

const identities = new WeakMap<CheckSpec, string>();

/** What makes two checks of a realserver the same, so that state and counters outlive a reload. */
export function checkIdentity(spec: CheckSpec): string {
  const known = identities.get(spec);
  if (known !== undefined) return known;
  const { checker, shallow, target, proxyProtocol, timing, rules } = spec;
  const identity = JSON.stringify([
    checker.key,
    shallow && [shallow.checker.key, shallow.count],
    target,
    proxyProtocol ?? 0,
    timing,
    rules,
  ]);
  // All realservers of a service share the specification: thousands of them are told apart at every change.
  identities.set(spec, identity);
  return identity;
}
