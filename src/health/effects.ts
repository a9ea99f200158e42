/**
 * What results do to a service: each realserver's desired weight and whether it is in the table, the quorum, and whom
 * passive checking may eject. Nothing here runs a probe or touches a table; time comes in as numbers, and `evaluate` says
 * what has changed.
 */
import type { RealserverState } from "../core/health-status.js";
import { realserverKey } from "../core/model.js";
import type { CheckRecord, RecordedResult } from "./check-record.js";
import type { AdminCommand, CheckResult } from "./checker.js";
import { mostEjected } from "./ejection.js";
import { Quorum } from "./quorum.js";
import { RealserverHealth } from "./realserver-health.js";
import type { DesiredRealserver, DesiredService } from "./sink.js";
import { nextSlowStartStep, slowStartFactor } from "./slow-start.js";
import type { ServiceHealthSpec } from "./spec.js";
import { effectiveWeight } from "./weight.js";

/** A realserver whose standing has changed; `before` is undefined the first time. */
export interface RealserverChange {
  readonly server: RealserverHealth;
  readonly desired: DesiredRealserver;
  readonly before: Standing | undefined;
  readonly now: Standing;
}

/** What was last said of a realserver. */
export interface Standing {
  readonly state: RealserverState;
  /** Since when it is in this state. */
  readonly sinceMs: number;
  readonly askedWeight: number;
  readonly desired: DesiredRealserver;
}

/** How a realserver should stand; what it costs to say why is spent on changes only. */
interface Wanted extends Omit<DesiredRealserver, "closeSessions" | "reason"> {
  /** By the sorry server. */
  readonly isReplaced: boolean;
}

/** What has changed since the last evaluation. */
export interface Evaluation {
  readonly realservers: readonly RealserverChange[];
  /** Undefined where the service stands as before. */
  readonly service: DesiredService | undefined;
  /** Whether the quorum was lost or gained: not at the first evaluation. */
  readonly quorumFlipped: boolean;
}

/** What passive marks have led to. */
export interface PassiveVerdict {
  /** Ejected for so long; undefined: it was not. */
  readonly ejectedMs?: number;
  /** Checks of the realserver should run at once. */
  readonly hurry: boolean;
  /** An ejection was due, but too many are ejected or it is the last usable realserver. */
  readonly spared: boolean;
}

const NOTHING: PassiveVerdict = { hurry: false, spared: false };

/** The health of one virtual service. */
export class ServiceHealth {
  readonly spec: ServiceHealthSpec;
  readonly #servers: ReadonlyMap<string, RealserverHealth>;
  readonly #quorum: Quorum;
  readonly #said = new Map<string, Standing>();
  /** Realservers that were in full service at the last evaluation. */
  readonly #serving = new Set<RealserverHealth>();
  #saidService: DesiredService | undefined;

  /** @param previous the same service before a reload */
  constructor(spec: ServiceHealthSpec, nowMs: number, previous?: ServiceHealth) {
    this.spec = spec;
    this.#servers = new Map(
      spec.realservers.map((server) => {
        const key = realserverKey(server.endpoint);
        const before = previous?.realserver(key);
        const now = new RealserverHealth(server, spec.passive, nowMs, before);
        if (previous !== undefined && before !== undefined) this.#inherit(previous, key, before, now);
        return [key, now];
      }),
    );
    const total = spec.realservers.reduce((sum, { weight }) => sum + weight, 0);
    const wasUp = previous?.quorum.isUp;
    this.#quorum = new Quorum(spec.quorum, spec.hysteresis, total, this.weightUp, wasUp);
    if (previous !== undefined) this.#saidService = previous.#saidService;
  }

  get realservers(): IterableIterator<RealserverHealth> {
    return this.#servers.values();
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
    return this.#said.get(realserverKey(server.endpoint));
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
    return endsEjection ? { ...recorded, matters: true } : recorded;
  }

  /** Takes an operator's order in; evaluate afterwards. */
  order(server: RealserverHealth, admin: AdminCommand, weight?: number): void {
    server.order = weight === undefined ? { admin } : { admin, weight };
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
    for (const server of this.#servers.values()) server.ejection?.expire(nowMs);
    this.#keepOneUsable(nowMs);
    const weight = this.weightUp;
    this.#quorum.update(weight);
    const isPanic = this.#isPanic();
    const realservers: RealserverChange[] = [];
    for (const [key, server] of this.#servers) {
      this.#followService(server, nowMs);
      const change = this.#changeOf(key, server, this.#desired(server, isPanic, nowMs), nowMs);
      if (change !== undefined) realservers.push(change);
    }
    return { realservers, ...this.#sayService({ up: this.#quorum.isUp, weight }) };
  }

  /** When something changes by itself: a step of slow start, the end of an ejection. Undefined where nothing does. */
  nextWakeMs(nowMs: number): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { slowStartMs, ejection } of this.#servers.values()) {
      if (slowStartMs !== undefined) {
        const step = nextSlowStartStep(nowMs - slowStartMs, this.spec.slowStartMs);
        next = Math.min(next, slowStartMs + (step ?? this.spec.slowStartMs));
      }
      if (ejection?.phase === "ejected") next = Math.min(next, ejection.untilMs);
    }
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  #inherit(previous: ServiceHealth, key: string, before: RealserverHealth, now: RealserverHealth): void {
    const said = previous.#said.get(key);
    if (said !== undefined) this.#said.set(key, said);
    if (previous.#serving.has(before)) this.#serving.add(now);
  }

  /** Weight of the realservers that are up. Ejected ones count: passive marks must not cost the quorum. */
  get weightUp(): number {
    let sum = 0;
    for (const server of this.#servers.values()) if (server.isStanding) sum += server.askedWeight;
    return sum;
  }

  #mayEject(server: RealserverHealth): boolean {
    if (!server.isStanding) return false;
    let ejected = 0;
    let othersUsable = 0;
    for (const other of this.#servers.values()) {
      if (other.isEjected) ejected++;
      else if (other !== server && other.isStanding) othersUsable++;
    }
    return othersUsable > 0 && ejected < mostEjected(this.spec.passive!, this.#servers.size);
  }

  /** Takes the ejections back where checks have taken the others: passive marks never leave a service without anyone. */
  #keepOneUsable(nowMs: number): void {
    const standing = [...this.#servers.values()].filter((server) => server.isStanding);
    if (!standing.every((server) => server.isEjected)) return;
    for (const server of standing) server.ejection?.recover(nowMs);
  }

  #isPanic(): boolean {
    if (this.spec.panicPercent === 0) return false;
    let usable = 0;
    for (const server of this.#servers.values()) if (server.isStanding && !server.isEjected) usable++;
    return (100 * usable) / this.#servers.size < this.spec.panicPercent;
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
  }

  #desired(server: RealserverHealth, isPanic: boolean, nowMs: number): Wanted {
    const isTakenOut = this.spec.hasSorry && !this.#quorum.isUp;
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

  #changeOf(
    key: string,
    server: RealserverHealth,
    wanted: Wanted,
    nowMs: number,
  ): RealserverChange | undefined {
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
