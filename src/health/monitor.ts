/**
 * Health checking as a whole, as the director uses it: is told services and their checks, runs the probes, and tells the
 * sink what should be. It joins the runner, the state of each service, alerts and history, and decides nothing itself.
 */
import { type Endpoint, formatEndpoint } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import type { HealthStatus } from "../core/health-status.js";
import type { Logger } from "../core/logger.js";
import { realserverKey, type ServiceId, serviceKey } from "../core/model.js";
import { Alerts } from "./alerts.js";
import type { RecordedResult } from "./check-record.js";
import { CheckRunner } from "./check-runner.js";
import type { CheckWatch } from "./check-watch.js";
import type { AdminCommand } from "./checker.js";
import { isoTimes, type ToIso } from "./iso-time.js";
import type { RealserverHealth } from "./realserver-health.js";
import { HealthReporter } from "./reporter.js";
import type { DesiredRealserver, HealthSink } from "./sink.js";
import type { RealserverHealthSpec, ServiceHealthSpec } from "./spec.js";
import { type RealserverStanding, serviceStatus, standingsOf } from "./status.js";
import { type CancelTimer, systemTimers, type Timers } from "./timers.js";
import { WatchedService, type WatchedServiceOptions } from "./watched-service.js";

/** What health checking is constructed with. */
export interface HealthMonitorOptions {
  readonly sink: HealthSink;
  readonly logger: Logger;
  /** @default the system's */
  readonly timers?: Timers;
  /** Wall clock for status, alerts and history, milliseconds since 1970. @default Date.now */
  readonly wallMs?: () => number;
  /** 0 to below 1. @default Math.random */
  readonly random?: () => number;
  /** Probes at once. @default 4096 */
  readonly maxRunning?: number;
}

/** Results are gathered for so long before a service is evaluated: many of its realservers may change together. */
const GATHER_MS = 10;
const ALERT_TICK_MS = 1000;

/** Checks the realservers of services. */
export class HealthMonitor {
  readonly #sink: HealthSink;
  readonly #timers: Timers;
  readonly #wallMs: () => number;
  readonly #random: () => number;
  readonly #runner: CheckRunner;
  readonly #alerts: Alerts;
  readonly #reporter: HealthReporter;
  readonly #watching: WatchedServiceOptions;
  readonly #services = new Map<string, WatchedService>();
  #cancelTick: CancelTimer = () => {};
  #isStopped = false;

  constructor(options: HealthMonitorOptions) {
    const { sink, logger, timers = systemTimers, wallMs = Date.now, random = Math.random } = options;
    this.#sink = sink;
    this.#timers = timers;
    this.#wallMs = wallMs;
    this.#random = random;
    this.#runner = new CheckRunner({ timers, random, maxRunning: options.maxRunning });
    this.#alerts = new Alerts({ timers, logger });
    this.#reporter = new HealthReporter(logger, this.#alerts, wallMs);
    this.#watching = {
      runner: this.#runner,
      alerts: this.#alerts,
      nowMs: () => timers.nowMs(),
      wallMs,
      onRecorded: (watched, watch, recorded) => this.#onRecorded(watched, watch, recorded),
    };
    this.#tick();
  }

  /** The runner, for bench and metrics. */
  get runner(): CheckRunner {
    return this.#runner;
  }

  /**
   * Checks exactly these services from now on. State and counters of checks that are unchanged go on; the sink is told of
   * each realserver that is new or stands differently before this returns.
   */
  apply(specs: readonly ServiceHealthSpec[]): void {
    const wanted = new Set(specs.map(({ service }) => serviceKey(service)));
    for (const spec of specs) this.set(spec);
    for (const key of this.#services.keys()) if (!wanted.has(key)) this.#remove(key);
  }

  /** Checks this service, as `apply` does. */
  set(spec: ServiceHealthSpec): void {
    const key = serviceKey(spec.service);
    const known = this.#services.get(key);
    known?.set(spec);
    const watched = known ?? new WatchedService(key, spec, this.#watching);
    this.#services.set(key, watched);
    this.#evaluate(watched);
  }

  /**
   * The same as `set` of the whole service would do, at the cost of the realservers that it concerns.
   * @param changed realservers that are new or configured otherwise than before
   * @throws UvsError NO_SERVICE
   */
  edit(service: ServiceId, changed: readonly RealserverHealthSpec[], gone: readonly Endpoint[]): void {
    const watched = this.#findService(service);
    watched.edit(changed, gone);
    this.#evaluate(watched);
  }

  /** Checks a service no longer; does nothing where there is none. The sink is not told. */
  remove(service: ServiceId): void {
    this.#remove(serviceKey(service));
  }

  /**
   * An operator's order for a realserver.
   * @param weight instead of the configured one and what checks add; undefined takes the order back
   * @throws UvsError NO_SERVICE, NO_SERVER
   */
  order(service: ServiceId, endpoint: Endpoint, admin: AdminCommand, weight?: number): void {
    const { watched, server } = this.#find(service, endpoint);
    watched.health.order(server, admin, weight);
    this.#evaluate(watched);
  }

  /**
   * What the data plane saw of a realserver since the last call. Of a realserver or service that is gone nothing is kept.
   * @param failures connections refused, timed out, or reset before the first byte came
   * @param successes connections of which a byte came, or that were at least established
   */
  count(service: ServiceId, endpoint: Endpoint, failures: number, successes: number): void {
    const watched = this.#services.get(serviceKey(service));
    const server = watched?.health.realserver(realserverKey(endpoint));
    if (watched === undefined || server?.ejection === undefined) return;
    if (failures === 0 && server.ejection.phase === "ok" && server.ejection.errors === 0) return;
    const { ejectedMs, hurry, spared } = watched.health.count(
      server,
      failures,
      successes,
      this.#timers.nowMs(),
      this.#random(),
    );
    if (ejectedMs !== undefined) {
      this.#reporter.ejected(service, server, ejectedMs);
      watched.ejected(server, ejectedMs);
    }
    if (spared) this.#reporter.spared(service, server);
    if (hurry) watched.checkNow(server);
    this.#wake(watched, this.#timers.nowMs() + GATHER_MS);
  }

  /** What the sink was last told of a realserver; undefined where nothing was. */
  desired(service: ServiceId, endpoint: Endpoint): DesiredRealserver | undefined {
    const health = this.#services.get(serviceKey(service))?.health;
    const server = health?.realserver(realserverKey(endpoint));
    return server && health?.standing(server)?.desired;
  }

  /**
   * Lets the checks of a realserver that have no result yet begin with what another director knows.
   * @param areUp one a check, in their order; undefined where nothing is known. Of another number of checks nothing is taken
   */
  assume(service: ServiceId, endpoint: Endpoint, areUp: readonly (boolean | undefined)[]): void {
    const watched = this.#services.get(serviceKey(service));
    const server = watched?.health.realserver(realserverKey(endpoint));
    if (watched === undefined || server === undefined || server.checks.length !== areUp.length) return;
    const { health } = watched;
    const changed = server.checks.filter((check, i) => {
      const isUp = areUp[i];
      return isUp !== undefined && health.assume(server, check, isUp);
    });
    if (changed.length > 0) this.#evaluate(watched);
  }

  /** How the realservers of a service stand, by realserverKey; undefined where it is not checked. */
  standings(service: ServiceId): Map<string, RealserverStanding> | undefined {
    const health = this.#services.get(serviceKey(service))?.health;
    return health && standingsOf(health, this.#toIso());
  }

  /** Whether a service, by serviceKey, has its quorum; undefined where it is not checked. */
  isUp(key: string): boolean | undefined {
    return this.#services.get(key)?.health.quorum.isUp;
  }

  /** Runs the checks of a realserver at once. @throws UvsError NO_SERVICE, NO_SERVER */
  checkNow(service: ServiceId, endpoint: Endpoint): void {
    const { watched, server } = this.#find(service, endpoint);
    watched.checkNow(server);
  }

  /** Everything as it is now. */
  status(): HealthStatus {
    const now = this.#timers.nowMs();
    const toIso = this.#toIso();
    return {
      services: [...this.#services.values()].map((watched) =>
        serviceStatus(watched.health, (check) => watched.watch(check), toIso, now),
      ),
      changes: this.#reporter.history.list(),
      probes: {
        repeated: this.#runner.jobs,
        running: this.#runner.running,
        lateness: this.#runner.lateness(),
      },
      alerts: { ...this.#alerts.counters },
    };
  }

  /** Aborts all probes and calls; the sink is told nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTick();
    this.#runner.stop();
    this.#alerts.stop();
    for (const watched of this.#services.values()) watched.cancelWake();
    this.#services.clear();
  }

  /** From monotonic time to ISO 8601. */
  #toIso(): ToIso {
    return isoTimes(this.#wallMs() - this.#timers.nowMs());
  }

  #remove(key: string): void {
    const watched = this.#services.get(key);
    if (watched === undefined) return;
    this.#services.delete(key);
    watched.end();
  }

  #onRecorded(watched: WatchedService, watch: CheckWatch, { flipped, matters }: RecordedResult): void {
    if (!matters) return;
    if (flipped) this.#reporter.check(watched.key, watch.server, watch.record);
    this.#wake(watched, this.#timers.nowMs() + GATHER_MS);
  }

  /** Sees to it that a service is evaluated at a time, or before. */
  #wake(watched: WatchedService, atMs: number): void {
    if (this.#isStopped || atMs >= watched.wakeAtMs) return;
    watched.cancelWake();
    watched.wakeAtMs = atMs;
    watched.cancelWake = this.#timers.after(atMs - this.#timers.nowMs(), () => this.#evaluate(watched));
  }

  #evaluate(watched: WatchedService): void {
    const { health } = watched;
    const now = this.#timers.nowMs();
    const evaluation = health.evaluate(now);
    const { service } = health.spec;
    for (const change of evaluation.realservers) {
      this.#sink.realserver(service, change.server.endpoint, change.desired);
      this.#reporter.realserver(service, change);
    }
    if (evaluation.service !== undefined) {
      this.#sink.service(service, evaluation.service);
      if (evaluation.quorumFlipped) this.#reporter.quorum(health, evaluation.service.weight);
    }
    watched.look();
    watched.cancelWake();
    watched.wakeAtMs = Number.POSITIVE_INFINITY;
    const next = health.nextWakeMs(now);
    if (next !== undefined) this.#wake(watched, next);
  }

  #findService(service: ServiceId): WatchedService {
    const key = serviceKey(service);
    const watched = this.#services.get(key);
    if (watched === undefined) throw new UvsError("NO_SERVICE", `${key}: no such service is checked`);
    return watched;
  }

  #find(service: ServiceId, endpoint: Endpoint): { watched: WatchedService; server: RealserverHealth } {
    const watched = this.#findService(service);
    const server = watched.health.realserver(realserverKey(endpoint));
    if (server === undefined) {
      throw new UvsError("NO_SERVER", `${formatEndpoint(endpoint)}: no such realserver in ${watched.key}`);
    }
    return { watched, server };
  }

  #tick(): void {
    this.#alerts.tick();
    this.#cancelTick = this.#timers.after(ALERT_TICK_MS, () => this.#tick());
  }
}
