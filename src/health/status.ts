/** Makes what `uvs health` shows (`core/health-status.ts`). */
import type { Endpoint } from "../core/address.js";
import type { CheckStatus, RealserverHealthStatus, ServiceHealthStatus } from "../core/health-status.js";
import { serviceKey } from "../core/model.js";
import type { RealserverHealthSummary } from "../core/status.js";
import type { CheckRecord } from "./check-record.js";
import type { ProbeHandle } from "./check-runner.js";
import type { CheckTarget } from "./checker.js";
import type { ServiceHealth } from "./effects.js";
import type { ToIso } from "./iso-time.js";
import type { RealserverHealth } from "./realserver-health.js";

/** A check's probe: where it goes and when. */
export interface ProbeView {
  readonly target: CheckTarget;
  readonly handle: ProbeHandle;
}

/** How a realserver stands, in short. */
export interface RealserverStanding {
  readonly endpoint: Endpoint;
  readonly health: RealserverHealthSummary;
}

/** The standings of a service's realservers, by realserverKey. */
export function standingsOf(health: ServiceHealth, toIso: ToIso): Map<string, RealserverStanding> {
  const standings = new Map<string, RealserverStanding>();
  for (const server of health.realservers) {
    const said = health.standing(server);
    if (said === undefined) continue;
    const { endpoint, key, state, reason } = server;
    const since = toIso(said.sinceMs);
    standings.set(key, { endpoint, health: { state, since, reason, weight: said.desired.weight } });
  }
  return standings;
}

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
  const { endpoint, key, ejection } = server;
  const standing = health.standing(server);
  return {
    key,
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
