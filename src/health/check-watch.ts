/**
 * One check at work: hears the results of its probe, and decides on alerts. It outlives a reload where the check is
 * unchanged; then it is only told of its new service.
 */
import { realserverKey } from "../core/model.js";
import { AlertDecision } from "./alert-decision.js";
import type { AlertEvent } from "./alert-event.js";
import type { Alerts } from "./alerts.js";
import type { CheckRecord, RecordedResult } from "./check-record.js";
import type { ProbeHandle, ProbeListener } from "./check-runner.js";
import type { CheckResult, CheckTarget } from "./checker.js";
import type { ServiceHealth } from "./effects.js";
import type { RealserverHealth } from "./realserver-health.js";
import type { AlertSpec } from "./spec.js";

/** What a watch reports to. */
export interface WatchOwner {
  readonly alerts: Pick<Alerts, "call">;
  nowMs(): number;
  /** Wall clock, milliseconds since 1970. */
  wallMs(): number;
  /** Called after each result that the service has taken in. */
  onRecorded(watch: CheckWatch, recorded: RecordedResult): void;
}

/** One check of one realserver in one service. */
export class CheckWatch implements ProbeListener {
  readonly record: CheckRecord;
  readonly target: CheckTarget;
  /** Set once the runner has taken it on. */
  handle!: ProbeHandle;
  service: ServiceHealth;
  server: RealserverHealth;
  readonly #owner: WatchOwner;
  #alerts: readonly { readonly spec: AlertSpec; readonly decision: AlertDecision }[] = [];
  #output = "";
  #reason = "";
  #firstFailureMs: number | undefined;
  #lastFailureMs: number | undefined;
  #firstSuccessMs: number | undefined;
  #lastSuccessMs: number | undefined;

  constructor(
    owner: WatchOwner,
    service: ServiceHealth,
    server: RealserverHealth,
    record: CheckRecord,
    target: CheckTarget,
  ) {
    this.#owner = owner;
    this.service = service;
    this.server = server;
    this.record = record;
    this.target = target;
    this.move(service, server);
  }

  /** The service was configured anew. Alerts that are as before remember what they have called. */
  move(service: ServiceHealth, server: RealserverHealth): void {
    this.service = service;
    this.server = server;
    const known = new Map(this.#alerts.map((alert) => [JSON.stringify(alert.spec), alert.decision]));
    this.#alerts = service.spec.alerts.map((spec) => ({
      spec,
      decision: known.get(JSON.stringify(spec)) ?? new AlertDecision(spec),
    }));
  }

  onResult(result: CheckResult, durationMs: number): void {
    const now = this.#owner.nowMs();
    const recorded = this.service.record(this.server, this.record, result, durationMs, now);
    // While it rises or falls, and where a result counts neither way, there is nothing to tell.
    const isTelling = result.outcome === (this.record.isUp ? "passed" : "failed");
    if (this.#alerts.length > 0 && isTelling) this.#alert(result, now);
    this.#owner.onRecorded(this, recorded);
  }

  intervalMs(): number {
    return this.record.state.intervalMs(this.record.spec.timing);
  }

  #alert(result: CheckResult, now: number): void {
    const { isUp } = this.record;
    const wall = this.#owner.wallMs();
    if (result.outcome === "failed") {
      this.#output = outputOf(result, this.server);
      this.#reason = result.reason;
    }
    this.#keepTimes(isUp, wall);
    const input = { isUp, summary: this.#output.split("\n", 1)[0], detail: this.#output };
    for (const { spec, decision } of this.#alerts) {
      const call = decision.decide(input, now);
      if (call === undefined) continue;
      const event = this.#event(call, call === "up" ? result.reason : this.#reason, wall, spec);
      this.#owner.alerts.call(spec[call], event, spec.timeoutMs, "alert");
    }
  }

  #event(type: "down" | "up", reason: string, atMs: number, { every }: AlertSpec): AlertEvent {
    return {
      type,
      service: this.service.spec.service,
      realserver: this.server.endpoint,
      check: this.record.spec.checker.kind,
      oldState: type === "up" ? "down" : this.record.flips > 0 ? "up" : "unknown",
      newState: type,
      reason,
      output: this.#output,
      atMs,
      firstFailureMs: this.#firstFailureMs,
      lastFailureMs: this.#lastFailureMs,
      firstSuccessMs: this.#firstSuccessMs,
      lastSuccessMs: this.#lastSuccessMs,
      nextMs: every?.intervalMs,
    };
  }

  #keepTimes(isUp: boolean, wall: number): void {
    if (isUp) {
      if (this.#lastSuccessMs === undefined || isAfter(this.#lastFailureMs, this.#lastSuccessMs)) {
        this.#firstSuccessMs = wall;
      }
      this.#lastSuccessMs = wall;
    } else {
      if (this.#lastFailureMs === undefined || isAfter(this.#lastSuccessMs, this.#lastFailureMs)) {
        this.#firstFailureMs = wall;
      }
      this.#lastFailureMs = wall;
    }
  }
}

function isAfter(time: number | undefined, other: number): boolean {
  return time !== undefined && time > other;
}

/** What a monitor of mon would have printed: the failed host on the first line, then what is wrong. */
function outputOf({ output, reason }: CheckResult, { endpoint }: RealserverHealth): string {
  return output?.trim() ? output : `${endpoint.address}\n${realserverKey(endpoint)}: ${reason}\n`;
}
