/**
 * One check at work: hears the results of its probe, and tells its alarm. It outlives a reload where the check is
 * unchanged; then it is only told of its new service.
 */
import { realserverKey, serviceKey } from "../core/model.js";
import { Alarm, type AlarmOwner } from "./alarm.js";
import type { CheckRecord, RecordedResult } from "./check-record.js";
import type { ProbeHandle, ProbeListener } from "./check-runner.js";
import type { CheckResult, CheckTarget, ServiceContext } from "./checker.js";
import type { ServiceHealth } from "./effects.js";
import type { ProbePlan } from "./probe-plan.js";
import type { RealserverHealth } from "./realserver-health.js";

/** What a watch reports to. */
export interface WatchOwner extends AlarmOwner {
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
  readonly #alarm: Alarm;

  constructor(owner: WatchOwner, service: ServiceHealth, server: RealserverHealth, record: CheckRecord) {
    this.#owner = owner;
    this.#alarm = new Alarm(owner);
    this.service = service;
    this.server = server;
    this.record = record;
    const { target } = record.spec;
    const { address, port } = server.endpoint;
    this.target = { address: target?.address ?? address, port: target?.port ?? port };
    this.move(service, server);
  }

  /** The service was configured anew. */
  move(service: ServiceHealth, server: RealserverHealth): void {
    this.service = service;
    this.server = server;
    this.#alarm.follow(service.spec.alerts);
  }

  /** What is to be probed. */
  plan(): ProbePlan {
    const { target, service, server } = this;
    const { checker, shallow, timing, proxyProtocol } = this.record.spec;
    // A reload may change it while the probe goes on.
    const weight = (): number => this.server.configuredWeight;
    const context: ServiceContext = {
      service: service.spec.service,
      realserver: server.endpoint,
      get weight() {
        return weight();
      },
    };
    const key = serviceKey(service.spec.service);
    return { checker, shallow, target, proxyProtocol, context, timing, serviceKey: key };
  }

  onResult(result: CheckResult, durationMs: number): void {
    const recorded = this.service.record(this.server, this.record, result, durationMs, this.#owner.nowMs());
    const { isUp } = this.record;
    // While it rises or falls, and where a result counts neither way, there is nothing to tell.
    if (this.#alarm.isWanted && result.outcome === (isUp ? "passed" : "failed")) this.#report(isUp, result);
    this.#owner.onRecorded(this, recorded);
  }

  intervalMs(): number {
    return this.record.state.intervalMs(this.record.spec.timing);
  }

  #report(isUp: boolean, result: CheckResult): void {
    this.#alarm.report(isUp, {
      service: this.service.spec.service,
      realserver: this.server.endpoint,
      check: this.record.spec.checker.kind,
      oldState: isUp ? "down" : this.record.flips > 0 ? "up" : "unknown",
      newState: isUp ? "up" : "down",
      reason: result.reason,
      output: outputOf(result, this.server),
    });
  }
}

/** What a monitor of mon would have printed: the failed host on the first line, then what is wrong. */
function outputOf({ output, reason }: CheckResult, { endpoint }: RealserverHealth): string {
  return output?.trim() ? output : `${endpoint.address}\n${realserverKey(endpoint)}: ${reason}\n`;
}
