/**
 * One realserver of one service: its axes of state, kept apart (reference §1.1). What an operator says, what each check
 * says, what passive checking says, and the weight; what follows from them for the service is in `effects.ts`.
 */
import { isDeepStrictEqual } from "node:util";
import type { Endpoint } from "../core/address.js";
import type { RealserverState } from "../core/health-status.js";
import { realserverKey } from "../core/model.js";
import { CheckRecord, checkIdentity, type RecordedResult } from "./check-record.js";
import type { AdminCommand, CheckResult } from "./checker.js";
import { Ejection } from "./ejection.js";
import type { PassiveSpec, RealserverHealthSpec } from "./spec.js";
import { askedWeight, weightDelta } from "./weight.js";

/** What an operator has said of a realserver. */
export interface OperatorOrder {
  readonly admin: AdminCommand;
  /** Instead of the configured weight and what checks add to it. */
  readonly weight?: number;
}

const ADMIN_RANK: Readonly<Record<AdminCommand, number>> = { ready: 0, drain: 1, maint: 2 };

const isUpOrUnknown = (check: CheckRecord): boolean => check.isUp || check.word === "unknown";

/** State of one realserver. */
export class RealserverHealth {
  readonly endpoint: Endpoint;
  /** Its `realserverKey`. */
  readonly key: string;
  readonly checks: readonly CheckRecord[];
  readonly ejection: Ejection | undefined;
  order: OperatorOrder = { admin: "ready" };
  /** When slow start began; undefined where there is none. */
  slowStartMs: number | undefined;
  /** Whether it failed since it was last in full service: then a return is slow. */
  hasFailed = false;
  #configuredWeight: number;

  /** @param previous the same realserver before a reload: unchanged checks go on from where they were, others from up or down */
  constructor(
    spec: RealserverHealthSpec,
    passive: PassiveSpec | undefined,
    nowMs: number,
    previous?: RealserverHealth,
  ) {
    this.endpoint = spec.endpoint;
    this.key = realserverKey(spec.endpoint);
    this.#configuredWeight = spec.weight;
    const known = new Map(previous?.checks.map((check) => [checkIdentity(check.spec), check]));
    const isServing = previous?.areChecksUp ?? spec.isServing;
    this.checks = spec.checks.map((check) => {
      const record = known.get(checkIdentity(check));
      return record ?? new CheckRecord(check, nowMs, isServing);
    });
    const ejection = previous?.ejection;
    this.ejection = isDeepStrictEqual(ejection?.spec, passive) ? ejection : passive && new Ejection(passive);
    this.order = previous?.order ?? this.order;
    this.slowStartMs = previous?.slowStartMs;
    this.hasFailed = previous?.hasFailed ?? false;
  }

  get configuredWeight(): number {
    return this.#configuredWeight;
  }

  /** The strictest of what the operator and the checks say. */
  get admin(): AdminCommand {
    let strictest = this.order.admin;
    for (const { admin } of this.checks) if (ADMIN_RANK[admin] > ADMIN_RANK[strictest]) strictest = admin;
    return strictest;
  }

  /** Several checks are AND-ed: up only if none is down. Without any it is up. */
  get areChecksUp(): boolean {
    return this.checks.every((check) => check.isUp);
  }

  /** It would stand, were it not for the flapping of its checks. */
  get isHeld(): boolean {
    if (this.admin !== "ready" || this.askedWeight === 0 || this.areChecksUp) return false;
    return this.checks.every(({ isUp, state }) => isUp || state.isHeld);
  }

  /** Whether passive checking has nothing against it. */
  get isPassiveOk(): boolean {
    return this.ejection === undefined || this.ejection.phase === "ok";
  }

  /** In service as far as the operator and its checks go: it could be used, ejected or not. */
  get isStanding(): boolean {
    return this.admin === "ready" && this.areChecksUp && this.askedWeight > 0;
  }

  get isEjected(): boolean {
    return this.ejection?.phase === "ejected";
  }

  /** Before slow start. */
  get askedWeight(): number {
    const deltas = this.checks.map(({ weight }) =>
      weight ? weightDelta(weight, this.#configuredWeight) : 0,
    );
    return askedWeight(this.#configuredWeight, deltas, this.order.weight);
  }

  /** The least limit of connections that checks ask for; 0 is none, undefined where no check speaks of it. */
  get connectionLimit(): number | undefined {
    let least: number | undefined;
    for (const { connectionLimit: limit } of this.checks) {
      if (limit !== undefined && (!least || (limit > 0 && limit < least))) least = limit;
    }
    return least;
  }

  get state(): RealserverState {
    const { admin } = this;
    if (admin !== "ready") return admin;
    if (!this.areChecksUp) return this.checks.every(isUpOrUnknown) ? "unknown" : "down";
    return this.ejection === undefined || this.ejection.phase === "ok" ? "up" : this.ejection.phase;
  }

  /** Why it stands so, in words that are safe to show. */
  get reason(): string {
    const { state } = this;
    if (state === "maint" || state === "drain") {
      const check = this.checks.find(({ admin }) => admin === state);
      return check?.last ? `${check.spec.checker.name}: ${check.last.result.reason}` : "by operator";
    }
    if (state === "unknown") return "not checked yet";
    if (state === "ejected") return "connections to it fail";
    if (state === "half-open") return "on trial after an ejection";
    const telling =
      this.checks.find((check) => !check.isUp && check.last) ?? this.checks.find(({ last }) => last);
    if (telling?.last) return `${telling.spec.checker.name}: ${telling.last.result.reason}`;
    return this.checks.length > 0 ? "not checked yet" : "without checks";
  }

  /** Takes the result of a check in. */
  record(check: CheckRecord, result: CheckResult, durationMs: number, nowMs: number): RecordedResult {
    const recorded = check.record(result, durationMs, nowMs);
    if (result.outcome === "failed" && !check.isUp) this.hasFailed = true;
    return recorded;
  }

  /** Back in full service: begins slow start where it has failed before. */
  enterService(nowMs: number): void {
    if (this.hasFailed) this.slowStartMs = nowMs;
    this.hasFailed = false;
  }
}
