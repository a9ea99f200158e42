/**
 * Joins health checking to the director: follows the record of services, and lets realservers stand in the forwarder as
 * their checks say. What a realserver is set to stays in the record; drains and edits change that, and health follows.
 */
import { isDeepStrictEqual } from "node:util";
import type { ServiceBook } from "../balancer/service-book.js";
import type { Endpoint } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import {
  type CheckOption,
  type CheckSettings,
  type HealthSettings,
  isInitiallyUp,
} from "../core/health-settings.js";
import type { HealthStatus } from "../core/health-status.js";
import type { Logger } from "../core/logger.js";
import {
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import type { RealserverStatus, ServiceStatus } from "../core/status.js";
import type { PassiveReport } from "../forwarder/messages.js";
import type { Checker } from "../health/checker.js";
import { type CheckKind, createChecker } from "../health/checks/registry.js";
import { HealthMonitor } from "../health/monitor.js";
import { Programs } from "../health/program.js";
import type { DesiredRealserver, HealthSink } from "../health/sink.js";
import { type RealserverHealthSpec, type ServiceHealthSpec, serviceHealth } from "../health/spec.js";
import { systemTimers } from "../health/timers.js";
import type { Editor } from "./editor.js";
import type { Standing } from "./standings.js";

/** What the health of a director is constructed with. */
export interface DirectorHealthOptions {
  readonly book: ServiceBook;
  readonly editor: Editor;
  readonly logger: Logger;
  /** Runs a change when those before it are through. */
  readonly serially: (change: () => Promise<void>) => Promise<void>;
  /** A service has come to its quorum, or lost it. */
  readonly onService: () => void;
  /** Resets the connections of a realserver. */
  readonly reset: (service: ServiceId, realserver: Endpoint) => void;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What is done for a service now. */
interface Followed {
  readonly service: VirtualService;
  readonly specOf: SpecOf;
}

interface Verdict {
  readonly service: ServiceId;
  readonly endpoint: Endpoint;
  readonly desired: DesiredRealserver;
}

const tools = { programs: new Programs(systemTimers) };

/** Makes the checker of a kind; the one way to learn whether options are accepted. @throws UvsError INVALID */
export function makeChecker(kind: string, options: Readonly<Record<string, CheckOption>>): Checker {
  return createChecker(kind as CheckKind, options as never, tools);
}

/** Tries the options of all checks of a service. @throws UvsError INVALID */
export function tryChecks({ health }: ServiceSettings): void {
  for (const { type, options } of health?.checks ?? []) makeChecker(type, options);
}

/** Health checking of the director's services. */
export class DirectorHealth implements HealthSink {
  readonly #options: DirectorHealthOptions;
  readonly #monitor: HealthMonitor;
  readonly #followed = new Map<string, Followed>();
  /** Realservers of services without health: they are in service, and stay so when checks come. */
  readonly #unchecked = new Map<string, readonly Realserver[]>();
  /** Verdicts that are not in effect yet. */
  #verdicts: Verdict[] = [];
  #isFollowing = false;

  constructor(options: DirectorHealthOptions) {
    this.#options = options;
    this.#monitor = new HealthMonitor({ sink: this, logger: options.logger });
  }

  /** Checks what the record says now; resolves when the forwarder obeys. Call it within the queue of changes. */
  async follow(): Promise<void> {
    const { book, editor } = this.#options;
    const gone = new Set(this.#followed.keys());
    const unchecked = new Map(this.#unchecked);
    this.#unchecked.clear();
    this.#isFollowing = true;
    for (const service of book.services()) {
      const key = serviceKey(service.id);
      const { health } = service.settings;
      if (health === undefined) {
        this.#unchecked.set(key, service.realservers);
        continue;
      }
      gone.delete(key);
      this.#followService(key, service, health, unchecked.get(key));
    }
    this.#isFollowing = false;
    for (const key of gone) {
      const { id, realservers } = this.#followed.get(key)!.service;
      this.#followed.delete(key);
      this.#monitor.remove(id);
      for (const server of realservers) await editor.setStanding(id, server, undefined);
    }
    await this.#obey();
  }

  /**
   * How a realserver stands that the forwarder is about to get: as health knows it, or before its first check as `initial`
   * says. Undefined: as it is set.
   */
  firstStanding({ id, settings }: VirtualService, server: Realserver): Standing | undefined {
    const { health } = settings;
    if (health === undefined) return undefined;
    const desired = this.#monitor.desired(id, server);
    if (desired !== undefined) return standingOf(desired);
    const beginsUp = health.checks.every(({ rules }) => isInitiallyUp(rules.initial));
    return beginsUp ? undefined : { weight: 0, present: health.onDown !== "remove" };
  }

  realserver(service: ServiceId, endpoint: Endpoint, desired: DesiredRealserver): void {
    this.#verdicts.push({ service, endpoint, desired });
    if (this.#isFollowing || this.#verdicts.length > 1) return;
    this.#options
      .serially(() => this.#obey())
      .catch((error: unknown) => {
        this.#options.logger.error({ err: error }, "what health checks say could not be carried out");
      });
  }

  /** The weights of the realservers say it all: the data plane takes the sorry server where none is left. */
  service(): void {
    this.#options.onService();
  }

  /** Whether a service has its quorum; undefined: nobody checks it. */
  isUp(key: string): boolean | undefined {
    return this.#monitor.isUp(key);
  }

  /** Takes in what the data plane saw of connections. */
  count(report: PassiveReport): void {
    for (const [key, { service }] of this.#followed) {
      const seen = report[key];
      if (seen === undefined) continue;
      for (const server of service.realservers) {
        const counts = seen[realserverKey(server)];
        if (counts !== undefined) this.#monitor.count(service.id, server, counts[0], counts[1]);
      }
    }
  }

  /** Lets checks without a result begin with what another director knows; as HealthMonitor.assume has it. */
  assume(service: ServiceId, endpoint: Endpoint, areUp: readonly (boolean | undefined)[]): void {
    this.#monitor.assume(service, endpoint, areUp);
  }

  status(): HealthStatus {
    return this.#monitor.status();
  }

  /**
   * Adds to the status of services what health says of their realservers. Of one that is in the record, but not in the
   * forwarder's table, it shows that too.
   * @param services made for this answer: they are written to, as copies of thousands of realservers take their time
   * @param absent status of a realserver without counts
   */
  describe(
    services: readonly ServiceStatus[],
    absent: (server: Realserver) => RealserverStatus,
  ): ServiceStatus[] {
    return services.map((service) => {
      const left = this.#monitor.standings(service.id);
      if (left === undefined) return service;
      const withHealth = (server: Writable<RealserverStatus>): RealserverStatus => {
        const key = realserverKey(server);
        const found = left.get(key);
        if (found === undefined) return server;
        left.delete(key);
        server.health = found.health;
        return server;
      };
      const listed = service.realservers.map(withHealth);
      const missing = [...left.values()]
        .flatMap(({ endpoint }) => this.#options.book.find(service.id, endpoint) ?? [])
        .map((server) => withHealth({ ...absent(server), weight: 0 }));
      return { ...service, realservers: [...listed, ...missing] };
    });
  }

  /** Whether somebody waits for an answer, which goes before starts of checks. */
  setYielding(isYielding: boolean): void {
    this.#monitor.runner.setYielding(isYielding);
  }

  stop(): void {
    this.#monitor.stop();
  }

  /** Of a service whose checks are as before only those realservers are looked at that have changed. */
  #followService(
    key: string,
    service: VirtualService,
    health: HealthSettings,
    serving: readonly Realserver[] | undefined,
  ): void {
    const before = this.#followed.get(key);
    if (before !== undefined && isCheckedAlike(before.service, service)) {
      const { changed, gone } = differenceOf(before.service.realservers, service.realservers);
      if (changed.length === 0 && gone.length === 0) return;
      this.#followed.set(key, { ...before, service });
      this.#monitor.edit(service.id, changed.map(before.specOf), gone);
    } else {
      const specOf = specMaker(health);
      this.#followed.set(key, { service, specOf });
      this.#monitor.set(serviceSpec(service, health, specOf, serving));
    }
  }

  async #obey(): Promise<void> {
    const { book, editor, reset } = this.#options;
    const verdicts = this.#verdicts;
    this.#verdicts = [];
    // Sent in one go, and taken in order: thousands may change at once, and other changes wait for them.
    await Promise.all(
      verdicts.map(async ({ service, endpoint, desired }) => {
        const isGone = !this.#followed.has(serviceKey(service)) || book.find(service, endpoint) === undefined;
        if (isGone) return;
        await editor.setStanding(service, endpoint, standingOf(desired));
        if (desired.closeSessions) reset(service, endpoint);
      }),
    );
  }
}

function standingOf({ weight, present, connectionLimit }: DesiredRealserver): Standing {
  return { weight, present, connectionLimit };
}

/** Whether the checks of a service, and what their results do, are the same. */
function isCheckedAlike({ settings: before }: VirtualService, { settings: now }: VirtualService): boolean {
  if (before === now) return true;
  if ((before.sorry !== undefined) !== (now.sorry !== undefined)) return false;
  return isDeepStrictEqual(before.health, now.health);
}

/** Realservers that are new or set otherwise than before, and those that are gone. The record replaces what it changes. */
function differenceOf(before: readonly Realserver[], now: readonly Realserver[]) {
  const left = new Set(before);
  const changed = now.filter((server) => !left.delete(server));
  const kept = new Set(changed.map(realserverKey));
  return { changed, gone: [...left].filter((server) => !kept.has(realserverKey(server))) };
}

/** Makes the specification of a realserver's checks. */
type SpecOf = (server: Realserver) => RealserverHealthSpec;

function specMaker({ checks }: HealthSettings): SpecOf {
  const made = checks.map((check) => ({ check, checker: makeChecker(check.type, check.options) }));
  // By version: realservers that are sent the same header share their specs.
  const specs = ([undefined, 1, 2] as const).map((version) =>
    made.map(({ check, checker }) => ({
      checker,
      target: check.target,
      proxyProtocol: checkHeader(check, version),
      timing: check.timing,
      rules: check.rules,
    })),
  );
  return ({ address, port, weight, proxyProtocol }) => ({
    endpoint: { address, port },
    weight,
    checks: specs[proxyProtocol?.version ?? 0],
  });
}

/** @param serving realservers that are in service without checks until now */
function serviceSpec(
  { id, settings, realservers }: VirtualService,
  { checks: _, ...rest }: HealthSettings,
  specOf: SpecOf,
  serving: readonly Realserver[] = [],
): ServiceHealthSpec {
  const keys = new Set(serving.map(realserverKey));
  return serviceHealth({
    ...rest,
    service: id,
    hasSorry: settings.sorry !== undefined,
    realservers: realservers.map((server) => ({
      ...specOf(server),
      isServing: keys.has(realserverKey(server)),
    })),
  });
}

/** The header of a check: its own, else that of the realserver where it goes there, as HAProxy's check-send-proxy has it. */
function checkHeader(check: CheckSettings, ofServer: 1 | 2 | undefined): 1 | 2 | undefined {
  if (check.proxyProtocol !== undefined) return check.proxyProtocol || undefined;
  return check.target === undefined && check.type !== "agent" ? ofServer : undefined;
}

/** @throws UvsError INVALID where a change asks for checks that cannot be made */
export function refuseChecks(where: string, settings: ServiceSettings): void {
  try {
    tryChecks(settings);
  } catch (error) {
    const { message, details } = UvsError.from(error);
    throw new UvsError("INVALID", `${where}: health: ${message}`, { details });
  }
}
