/**
 * One check's state: how results become up and down. A single counter, HAProxy's `health`: 0 to rise + fall - 1, up from
 * `rise` on; a result against the state moves it one step, and reaching the other side moves it all the way. With
 * fall = failurecount and rise = 1 it is ldirectord's counter, with fall = retry + 1 keepalived's (reference §2.8, §4.4, §5.2).
 * Pure: time comes in as numbers.
 */
import type { CheckResult } from "./checker.js";
import { FlapPenalty } from "./flap-penalty.js";
import type { CheckRules, CheckTiming, OnError } from "./spec.js";

/** State of one check of one realserver in one service. */
export class CheckState {
  readonly #rules: CheckRules;
  readonly #penalty: FlapPenalty | undefined;
  #health: number;
  #isHurried = false;
  #isHeld = false;

  constructor(rules: CheckRules) {
    this.#rules = rules;
    this.#health = initialHealth(rules);
    this.#penalty = rules.damping && new FlapPenalty(rules.damping);
  }

  get isUp(): boolean {
    return this.#health >= this.#rules.rise;
  }

  /** Down for its flapping only: its probes pass. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** HAProxy's counter: 0 is fully down, rise + fall - 1 fully up. */
  get health(): number {
    return this.#health;
  }

  /** Of the side it is on: `3/3` up means three failures from down, `1/2` down means one success of two. */
  get progress(): string {
    const { rise, fall } = this.#rules;
    return this.isUp ? `${this.#health - rise + 1}/${fall}` : `${this.#health}/${rise}`;
  }

  /** Until when flapping keeps it down; 0 where it does not. */
  heldDownUntil(nowMs: number): number {
    return this.isUp ? 0 : (this.#penalty?.heldUntil(nowMs) ?? 0);
  }

  /** Goes up although it flaps: it is needed. */
  release(): void {
    this.#penalty?.release();
    this.#isHeld = false;
    this.assume(true);
  }

  /** Begins on this side, as if results had led there. */
  assume(isUp: boolean): void {
    this.#health = isUp ? this.#rules.rise + this.#rules.fall - 1 : 0;
  }

  /** Takes a result in; neutral ones change nothing. @returns whether it went up or down */
  record(outcome: CheckResult["outcome"], nowMs: number): boolean {
    const wasUp = this.isUp;
    this.#isHurried = false;
    if (outcome === "passed") this.#succeed(nowMs);
    else if (outcome === "failed") this.#failOnce();
    return this.#changed(wasUp, nowMs);
  }

  /** Connections to the realserver fail: HAProxy's `on-error` (reference §6.1). @returns whether it went down */
  connectionsFail(effect: OnError, nowMs: number): boolean {
    const wasUp = this.isUp;
    const { rise } = this.#rules;
    if (effect === "sudden-death" && this.#health > rise) this.#health = rise + 1;
    if (effect === "mark-down" && wasUp) this.#health = rise;
    if (effect !== "fastinter") this.#failOnce();
    this.#isHurried = true;
    return this.#changed(wasUp, nowMs);
  }

  /** Time to the next probe, by where the counter stands. */
  intervalMs({ intervalMs, fastIntervalMs, downIntervalMs }: CheckTiming): number {
    const { rise, fall } = this.#rules;
    if (this.#health === 0) return downIntervalMs;
    return this.#health === rise + fall - 1 && !this.#isHurried ? intervalMs : fastIntervalMs;
  }

  #succeed(nowMs: number): void {
    const { rise, fall } = this.#rules;
    this.#isHeld = this.#health >= rise - 1 && this.heldDownUntil(nowMs) > nowMs;
    if (this.#isHeld) {
      this.#health = rise - 1;
    } else if (this.#health < rise + fall - 1) {
      this.#health = this.#health + 1 >= rise ? rise + fall - 1 : this.#health + 1;
    }
  }

  #failOnce(): void {
    this.#isHeld = false;
    if (this.#health > 0) this.#health--;
    if (this.#health < this.#rules.rise) this.#health = 0;
  }

  #changed(wasUp: boolean, nowMs: number): boolean {
    if (wasUp && !this.isUp) this.#penalty?.add(nowMs);
    return wasUp !== this.isUp;
  }
}

/** HAProxy's `init-state` (reference §5.2). */
function initialHealth({ rise, fall, initial }: CheckRules): number {
  switch (initial) {
    case "fully-up":
      return rise + fall - 1;
    case "up":
      return rise;
    case "down":
      return rise - 1;
    case "fully-down":
      return 0;
  }
}
