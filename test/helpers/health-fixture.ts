import { type Endpoint, formatEndpoint } from "../../src/core/address.js";
import { realserverKey, type ServiceId } from "../../src/core/model.js";
import type { CheckResult } from "../../src/health/checker.js";
import { ServiceHealth } from "../../src/health/effects.js";
import type { DesiredRealserver, DesiredService, HealthSink } from "../../src/health/sink.js";
import {
  type CheckRules,
  type CheckSpec,
  checkTiming,
  type RealserverHealthSpec,
  type ServiceHealthSpec,
  serviceHealth,
} from "../../src/health/spec.js";
import { fails, passes, ScriptedChecker } from "./scripted-checker.js";

export const SERVICE: ServiceId = { protocol: "tcp", address: "192.0.2.1", port: 80 };

/** The nth realserver. */
export function endpoint(n: number): Endpoint {
  return { address: `10.0.0.${n}`, port: 80 };
}

/** A check that flips at each result and begins down. */
export function checkSpec(rules: Partial<CheckRules> = {}, key = "scripted"): CheckSpec {
  return {
    checker: new ScriptedChecker(() => 0, ".", key),
    timing: checkTiming({ jitterPercent: 0, warmupMs: 0 }),
    rules: { rise: 1, fall: 1, initial: "down", ...rules },
  };
}

/** A realserver with one check. */
export function server(n: number, given: Partial<RealserverHealthSpec> = {}): RealserverHealthSpec {
  return { endpoint: endpoint(n), weight: 1, checks: [checkSpec()], ...given };
}

/** A service's health with its realservers by number, and time that the test moves. */
export class HealthFixture {
  nowMs = 1000;
  health: ServiceHealth;

  constructor(servers: readonly RealserverHealthSpec[], given: Partial<ServiceHealthSpec> = {}) {
    this.health = new ServiceHealth(
      serviceHealth({ service: SERVICE, realservers: servers, ...given }),
      this.nowMs,
    );
  }

  server(n: number) {
    return this.health.realserver(realserverKey(endpoint(n)))!;
  }

  /** Feeds results to a check: `.` passes, `x` fails. */
  feed(n: number, results: string | CheckResult, check = 0): this {
    const list =
      typeof results === "string" ? [...results].map((c) => (c === "." ? passes : fails)) : [results];
    for (const result of list) {
      this.health.record(this.server(n), this.server(n).checks[check], result, 1, this.nowMs);
    }
    return this;
  }

  /** Passive marks of a realserver. */
  count(n: number, failures: number, successes = 0) {
    return this.health.count(this.server(n), failures, successes, this.nowMs, 0.5);
  }

  /** What is desired of every realserver after an evaluation, by number of the realserver. */
  desired(): Record<number, DesiredRealserver> {
    this.health.evaluate(this.nowMs);
    return Object.fromEntries(
      [...this.health.realservers].map((one) => [
        Number(one.endpoint.address.split(".")[3]),
        this.health.standing(one)!.desired,
      ]),
    );
  }

  /** Weights in the order of the realservers. */
  weights(): number[] {
    return Object.values(this.desired()).map(({ weight }) => weight);
  }
}

/** A sink that keeps what it is told. */
export class RecordingSink implements HealthSink {
  readonly realservers = new Map<string, DesiredRealserver>();
  readonly services: DesiredService[] = [];
  /** Every change: `10.0.0.1:80 weight`. */
  readonly log: string[] = [];

  realserver(_service: ServiceId, endpoint: Endpoint, desired: DesiredRealserver): void {
    this.realservers.set(formatEndpoint(endpoint), desired);
    this.log.push(`${formatEndpoint(endpoint)} ${desired.weight}`);
  }

  service(_service: ServiceId, desired: DesiredService): void {
    this.services.push(desired);
  }
}
