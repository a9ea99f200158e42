/** What `uvs health` shows: plain objects, times as ISO 8601 text, everything foreign made safe already. */
import type { Endpoint } from "../core/address.js";
import { realserverKey, type ServiceId, serviceKey } from "../core/model.js";
import type { DurationSummary } from "../core/status.js";
import type { AlertCounters } from "./alerts.js";
import type { CheckRecord } from "./check-record.js";
import type { ProbeHandle } from "./check-runner.js";
import type { AdminCommand, CheckResult, CheckTarget } from "./checker.js";
import type { ServiceHealth } from "./effects.js";
import type { HealthChange } from "./history.js";
import type { RealserverHealth, RealserverState } from "./realserver-health.js";

/** One check as it is now. */
export interface CheckStatus {
  readonly kind: string;
  readonly name: string;
  readonly target: CheckTarget;
  readonly state: "unknown" | "up" | "down";
  readonly since: string;
  /** `3/3` up: three failures from down; `1/2` down: one success of two. */
  readonly progress: string;
  /** Flapping keeps it down until then. */
  readonly heldDownUntil?: string;
  readonly passed: number;
  readonly failed: number;
  readonly neutral: number;
  /** Times it went up or down. */
  readonly flips: number;
  readonly isRunning: boolean;
  readonly nextRun: string;
  readonly last?: {
    readonly at: string;
    readonly durationMs: number;
    readonly outcome: CheckResult["outcome"];
    readonly code: CheckResult["code"];
    readonly reason: string;
  };
}

/** One realserver as it is now. */
export interface RealserverHealthStatus {
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly state: RealserverState;
  readonly since: string;
  readonly reason: string;
  readonly admin: AdminCommand;
  readonly usable: boolean;
  readonly present: boolean;
  /** As it is now, and as configured. */
  readonly weight: number;
  readonly configuredWeight: number;
  readonly connectionLimit?: number;
  readonly passive?: { readonly phase: string; readonly errors: number; readonly ejectedUntil?: string };
  readonly checks: readonly CheckStatus[];
}

/** One service as it is now. */
export interface ServiceHealthStatus {
  readonly key: string;
  readonly id: ServiceId;
  readonly up: boolean;
  /** Weight of the realservers that are up, and the weights at which the quorum is lost and gained. */
  readonly weight: number;
  readonly quorum: { readonly down: number; readonly up: number };
  readonly realservers: readonly RealserverHealthStatus[];
}

/** All of health checking as it is now. */
export interface HealthStatus {
  readonly services: readonly ServiceHealthStatus[];
  /** Oldest first. */
  readonly changes: readonly HealthChange[];
  readonly probes: {
    /** Different probes that are repeated; identical ones of several services count once. */
    readonly repeated: number;
    readonly running: number;
    /** How late they start. */
    readonly lateness: DurationSummary;
  };
  readonly alerts: Readonly<AlertCounters>;
}

/** A check's probe: where it goes and when. */
export interface ProbeView {
  readonly target: CheckTarget;
  readonly handle: ProbeHandle;
}

/** Turns monotonic milliseconds into ISO 8601. */
export type ToIso = (monotonicMs: number) => string;

/** The status of one service. @param probe of a check of this service */
export function serviceStatus(
  health: ServiceHealth,
  probe: (check: CheckRecord) => ProbeView,
  toIso: ToIso,
  nowMs: number,
): ServiceHealthStatus {
  const realservers = [...health.realservers];
  return {
    key: serviceKey(health.spec.service),
    id: health.spec.service,
    up: health.quorum.isUp,
    weight: health.weightUp,
    quorum: health.quorum.bounds,
    realservers: realservers.map((server) => realserverStatus(health, server, probe, toIso, nowMs)),
  };
}

function realserverStatus(
  health: ServiceHealth,
  server: RealserverHealth,
  probe: (check: CheckRecord) => ProbeView,
  toIso: ToIso,
  nowMs: number,
): RealserverHealthStatus {
  const { endpoint, ejection } = server;
  const standing = health.standing(server);
  return {
    key: realserverKey(endpoint),
    endpoint,
    state: server.state,
    since: toIso(standing?.sinceMs ?? nowMs),
    reason: server.reason,
    admin: server.admin,
    usable: standing?.desired.usable ?? false,
    present: standing?.desired.present ?? false,
    weight: standing?.desired.weight ?? 0,
    configuredWeight: server.configuredWeight,
    connectionLimit: server.connectionLimit,
    passive: ejection && {
      phase: ejection.phase,
      errors: ejection.errors,
      ejectedUntil: ejection.untilMs > 0 ? toIso(ejection.untilMs) : undefined,
    },
    checks: server.checks.map((check) => checkStatus(check, probe(check), toIso, nowMs)),
  };
}

function checkStatus(check: CheckRecord, probe: ProbeView, toIso: ToIso, nowMs: number): CheckStatus {
  const { spec, state, last } = check;
  const heldUntil = state.heldDownUntil(nowMs);
  return {
    kind: spec.checker.kind,
    name: spec.checker.name,
    target: probe.target,
    state: check.word,
    since: toIso(check.sinceMs),
    progress: state.progress,
    heldDownUntil: heldUntil > 0 ? toIso(heldUntil) : undefined,
    passed: check.passed,
    failed: check.failed,
    neutral: check.neutral,
    flips: check.flips,
    isRunning: probe.handle.isRunning,
    nextRun: toIso(probe.handle.nextRunMs()),
    last: last && {
      at: toIso(last.atMs),
      durationMs: last.durationMs,
      outcome: last.result.outcome,
      code: last.result.code,
      reason: last.result.reason,
    },
  };
}
