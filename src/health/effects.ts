/**
 * What results do to a service: each realserver's desired weight and whether it is in the table, the quorum, and whom
 * passive checking may eject. Nothing here runs a probe or touches a table; time comes in as numbers, and `evaluate` says
 * what has changed. It looks at those realservers only of which something was heard, unless they concern all.
 */
import { realserverKey } from "../core/model.js";
import type { CheckRecord, RecordedResult } from "./check-record.js";
import type { AdminCommand, CheckResult } from "./checker.js";
import { mostEjected } from "./ejection.js";
import type { Evaluation, PassiveVerdict, RealserverChange, Standing } from "./evaluation.js";
import { Quorum } from "./quorum.js";
import { RealserverHealth } from "./realserver-health.js";
import { Roster } from "./roster.js";
import type { DesiredRealserver, DesiredService } from "./sink.js";
import { nextSlowStartStep, slowStartFactor } from "./slow-start.js";
import type { RealserverHealthSpec, ServiceHealthSpec } from "./spec.js";
import { effectiveWeight } from "./weight.js";

/** How a realserver should stand; what it costs to say why is spent on changes only. */
interface Wanted extends Omit<DesiredRealserver, "closeSessions" | "reason"> {
  /** By the sorry server. */
  readonly isReplaced: boolean;
}

const NOTHING: PassiveVerdict = { hurry: false, spared: false };

/** The health of one virtual service. */
export class ServiceHealth {
  readonly spec: Omit<ServiceHealthSpec, "realservers">;
  readonly #servers = new Roster();
  readonly #said = new Map<string, Standing>();
  /** Realservers that were in full service at the last evaluation. */
  readonly #serving = new Set<RealserverHealth>();
  #quorum: Quorum;
  #isPanic = false;
  #isTakenOut = false;
  #saidService: DesiredService | undefined;

  /** @param previous the same service before a reload */
  constructor({ realservers, ...spec }: ServiceHealthSpec, nowMs: number, previous?: ServiceHealth) {
    this.spec = spec;
    for (const server of realservers) this.#put(server, nowMs, previous);
    if (previous !== undefined) this.#saidService = previous.#saidService;
    this.#quorum = this.#quorumNow(previous?.quorum.isUp);
  }

  /**
   * Takes over how some realservers are configured now, new ones among them, as a reload of the whole service would;
   * evaluate afterwards.
   * @param gone keys (`realserverKey`) of those that are no more
   */
  edit(changed: readonly RealserverHealthSpec[], gone: readonly string[], nowMs: number): void {
    for (const key of gone) this.#drop(key);
    for (const server of changed) this.#put(server, nowMs, this);
    this.#quorum = this.#quorumNow(this.#quorum.isUp);
  }

  get realservers(): IterableIterator<RealserverHealth> {
    return this.#servers.all();
  }

  get quorum(): Quorum {
    return this.#quorum;
  }

  /** The realserver of a key (`realserverKey`), or undefined. */
  realserver(key: string): RealserverHealth | undefined {
    return this.#servers.get(key);
  }

  /** What was last said of a realserver. */
  standing(server: RealserverHealth): Standing | undefined {
    return this.#said.get(server.key);
  }

  /** Takes the result of a check in; evaluate where it matters. */
  record(
    server: RealserverHealth,
    check: CheckRecord,
    result: CheckResult,
    durationMs: number,
    nowMs: number,
  ): RecordedResult {
    const recorded = server.record(check, result, durationMs, nowMs);
    const endsEjection =
      result.outcome === "passed" &&
      this.spec.passive?.activeEndsEjection === true &&
      server.areChecksUp &&
      server.ejection?.recover(nowMs) === true;
    const matters = recorded.matters || endsEjection;
    if (matters) this.#servers.touch(server);
    return endsEjection ? { ...recorded, matters } : recorded;
  }

  /** Takes an operator's order in; evaluate afterwards. */
  order(server: RealserverHealth, admin: AdminCommand, weight?: number): void {
    server.order = weight === undefined ? { admin } : { admin, weight };
    this.#servers.touch(server);
  }

  /** Lets a check begin with what another director knows. @returns whether that changes anything; then evaluate */
  assume(server: RealserverHealth, check: CheckRecord, isUp: boolean): boolean {
    const isChanged = check.assume(isUp);
    if (isChanged) this.#servers.touch(server);
    return isChanged;
  }

  /**
   * Takes in how connections to a realserver have gone since the last call; evaluate afterwards.
   * @param random 0 to below 1
   */
  count(
    server: RealserverHealth,
    failures: number,
    successes: number,
    nowMs: number,
    random: number,
  ): PassiveVerdict {
    const verdict = this.#judge(server, failures, successes, nowMs, random);
    this.#servers.touch(server);
    return verdict;
  }

  #judge(
    server: RealserverHealth,
    failures: number,
    successes: number,
    nowMs: number,
    random: number,
  ): PassiveVerdict {
    const { passive } = this.spec;
    const { ejection } = server;
    if (passive === undefined || ejection === undefined) return NOTHING;
    ejection.expire(nowMs);
    if (!ejection.count(failures, successes)) {
      if (successes > 0 && ejection.phase === "half-open") ejection.recover(nowMs);
      return NOTHING;
    }
    if (passive.onError !== "eject") {
      for (const check of server.checks) {
        if (!check.state.connectionsFail(passive.onError, nowMs)) continue;
        check.flipOutside(nowMs);
        server.hasFailed = true;
      }
      return { hurry: true, spared: false };
    }
    if (!this.#mayEject(server)) return { hurry: true, spared: server.isStanding };
    server.hasFailed = true;
    return { ejectedMs: ejection.eject(nowMs, random), hurry: true, spared: false };
  }

  /** Says what has changed. */
  evaluate(nowMs: number): Evaluation {
    for (const server of this.#servers.timed()) this.#servers.touch(server);
    for (const server of this.#servers.stale()) {
      if (server.ejection?.expire(nowMs)) this.#servers.touch(server);
    }
    this.#keepOneUsable(nowMs);
    const weight = this.weightUp;
    this.#quorum.update(weight);
    const concerned = this.#changeRegime() ? this.#servers.all() : this.#servers.stale();
    const realservers: RealserverChange[] = [];
    for (const server of concerned) {
      this.#followService(server, nowMs);
      const change = this.#changeOf(server, this.#desired(server, nowMs), nowMs);
      if (change !== undefined) realservers.push(change);
    }
    this.#servers.settle();
    return { realservers, ...this.#sayService({ up: this.#quorum.isUp, weight }) };
  }

  /** When something changes by itself: a step of slow start, the end of an ejection. Undefined where nothing does. */
  nextWakeMs(nowMs: number): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { slowStartMs, ejection } of this.#servers.timed()) {
      if (slowStartMs !== undefined) {
        const step = nextSlowStartStep(nowMs - slowStartMs, this.spec.slowStartMs);
        next = Math.min(next, slowStartMs + (step ?? this.spec.slowStartMs));
      }
      if (ejection?.phase === "ejected") next = Math.min(next, ejection.untilMs);
    }
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** Weight of the realservers that are up. */
  get weightUp(): number {
    return this.#servers.sums().weightUp;
  }

  /** @param previous whose realserver of the same key, if there is one, goes on in this one */
  #put(spec: RealserverHealthSpec, nowMs: number, previous: ServiceHealth | undefined): void {
    const before = previous?.realserver(realserverKey(spec.endpoint));
    const now = new RealserverHealth(spec, this.spec.passive, nowMs, before);
    if (previous !== undefined && before !== undefined) this.#inherit(previous, before, now);
    this.#servers.put(now);
  }

  #inherit(previous: ServiceHealth, before: RealserverHealth, now: RealserverHealth): void {
    const said = previous.#said.get(before.key);
    if (said !== undefined) this.#said.set(now.key, said);
    if (previous.#serving.delete(before)) this.#serving.add(now);
  }

  #drop(key: string): void {
    const server = this.#servers.get(key);
    if (server !== undefined) this.#serving.delete(server);
    this.#said.delete(key);
    this.#servers.remove(key);
  }

  #quorumNow(wasUp: boolean | undefined): Quorum {
    const { configuredWeight, weightUp } = this.#servers.sums();
    return new Quorum(this.spec.quorum, this.spec.hysteresis, configuredWeight, weightUp, wasUp);
  }

  #mayEject(server: RealserverHealth): boolean {
    if (!server.isStanding) return false;
    // Its own ejection may have ended just now.
    this.#servers.touch(server);
    const { usable, ejected } = this.#servers.sums();
    const othersUsable = usable - (server.isEjected ? 0 : 1);
    return othersUsable > 0 && ejected < mostEjected(this.spec.passive!, this.#servers.size);
  }

  /** Neither passive marks nor the damping of flaps leave a service without anyone whose checks pass. */
  #keepOneUsable(nowMs: number): void {
    const { standing, usable } = this.#servers.sums();
    if (usable > 0) return;
    for (const server of this.#servers.all()) {
      if (!server.isStanding) {
        if (standing > 0 || !server.isHeld) continue;
        for (const check of server.checks) if (!check.isUp) check.release(nowMs);
      }
      server.ejection?.recover(nowMs);
      this.#servers.touch(server);
    }
  }

  /** Panics and calms down, calls the sorry server and sends it away. @returns whether it has: then all stand differently */
  #changeRegime(): boolean {
    const share = (100 * this.#servers.sums().usable) / this.#servers.size;
    const isPanic = this.spec.panicPercent > 0 && share < this.spec.panicPercent;
    const isTakenOut = this.spec.hasSorry && !this.#quorum.isUp;
    const isChanged = isPanic !== this.#isPanic || isTakenOut !== this.#isTakenOut;
    this.#isPanic = isPanic;
    this.#isTakenOut = isTakenOut;
    return isChanged;
  }

  /** Begins and ends slow start. */
  #followService(server: RealserverHealth, nowMs: number): void {
    const isServing = server.areChecksUp && server.isPassiveOk;
    if (!isServing) {
      this.#serving.delete(server);
      server.slowStartMs = undefined;
    } else if (!this.#serving.has(server)) {
      this.#serving.add(server);
      server.enterService(nowMs);
    }
    const { slowStartMs } = server;
    if (slowStartMs !== undefined && nowMs - slowStartMs >= this.spec.slowStartMs)
      server.slowStartMs = undefined;
    this.#servers.setTimed(server, server.slowStartMs !== undefined || server.isEjected);
  }

  #desired(server: RealserverHealth, nowMs: number): Wanted {
    const isPanic = this.#isPanic;
    const isTakenOut = this.#isTakenOut;
    const isUsed = isPanic
      ? server.admin === "ready" && server.askedWeight > 0
      : server.isStanding && !server.isEjected;
    const usable = isUsed && !isTakenOut;
    const isDead = !server.areChecksUp && !isPanic;
    return {
      usable,
      weight: usable ? this.#weightOf(server, nowMs) : 0,
      present: !(this.spec.onDown === "remove" && (isDead || isTakenOut)),
      connectionLimit: server.connectionLimit,
      isReplaced: isUsed && isTakenOut,
    };
  }

  #weightOf(server: RealserverHealth, nowMs: number): number {
    if (server.ejection?.phase === "half-open") return 1;
    const { slowStartMs, askedWeight } = server;
    const factor =
      slowStartMs === undefined ? 1 : slowStartFactor(nowMs - slowStartMs, this.spec.slowStartMs);
    return effectiveWeight(askedWeight, factor);
  }

  #changeOf(server: RealserverHealth, wanted: Wanted, nowMs: number): RealserverChange | undefined {
    const { key } = server;
    const before = this.#said.get(key);
    const { state, askedWeight } = server;
    const isSame =
      before !== undefined &&
      before.state === state &&
      before.askedWeight === askedWeight &&
      before.desired.usable === wanted.usable &&
      before.desired.weight === wanted.weight &&
      before.desired.present === wanted.present &&
      before.desired.connectionLimit === wanted.connectionLimit;
    if (isSame) return undefined;
    const dies = state === "down" && before !== undefined && before.state !== "down";
    const { isReplaced, ...rest } = wanted;
    const reason = isReplaced ? "quorum lost, the sorry server serves" : server.reason;
    const said = { ...rest, reason, closeSessions: dies && this.spec.closeSessions };
    const sinceMs = before?.state === state ? before.sinceMs : nowMs;
    const now: Standing = { state, sinceMs, askedWeight, desired: said };
    this.#said.set(key, now);
    return { server, desired: said, before, now };
  }

  #sayService(now: DesiredService): Pick<Evaluation, "service" | "quorumFlipped"> {
    const before = this.#saidService;
    if (before !== undefined && before.up === now.up && before.weight === now.weight) {
      return { service: undefined, quorumFlipped: false };
    }
    this.#saidService = now;
    return { service: now, quorumFlipped: before !== undefined && before.up !== now.up };
  }
}
