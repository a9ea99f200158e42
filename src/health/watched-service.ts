/**
 * One service that is checked: its health, and the watches of its checks and of its passive checking. They follow what is
 * configured; what is unchanged goes on from where it is.
 */
import type { Endpoint } from "../core/address.js";
import { realserverKey } from "../core/model.js";
import type { CheckRecord, RecordedResult } from "./check-record.js";
import type { CheckRunner } from "./check-runner.js";
import { CheckWatch, type WatchOwner } from "./check-watch.js";
import { ServiceHealth } from "./effects.js";
import { PassiveWatch } from "./passive-watch.js";
import type { RealserverHealth } from "./realserver-health.js";
import type { RealserverHealthSpec, ServiceHealthSpec } from "./spec.js";
import type { CancelTimer } from "./timers.js";

/** What a watched service is constructed with. */
export interface WatchedServiceOptions extends Omit<WatchOwner, "onRecorded"> {
  readonly runner: CheckRunner;
  /** Called after each result that the service has taken in. */
  onRecorded(service: WatchedService, watch: CheckWatch, recorded: RecordedResult): void;
}

/** A service that is checked. */
export class WatchedService {
  readonly key: string;
  readonly #options: WatchedServiceOptions;
  readonly #owner: WatchOwner;
  readonly #watches = new Map<CheckRecord, CheckWatch>();
  /** Of realservers that are checked passively, by realserverKey. */
  readonly #passives = new Map<string, PassiveWatch>();
  #health: ServiceHealth;
  /** The next evaluation, and its timer. */
  wakeAtMs = Number.POSITIVE_INFINITY;
  cancelWake: CancelTimer = () => {};

  constructor(key: string, spec: ServiceHealthSpec, options: WatchedServiceOptions) {
    this.key = key;
    this.#options = options;
    this.#owner = { ...options, onRecorded: (watch, recorded) => options.onRecorded(this, watch, recorded) };
    this.#health = new ServiceHealth(spec, options.nowMs());
    this.#follow([], this.#health.realservers);
  }

  get health(): ServiceHealth {
    return this.#health;
  }

  /** Takes over how the whole service is configured now; evaluate afterwards. */
  set(spec: ServiceHealthSpec): void {
    const before = this.#health;
    this.#health = new ServiceHealth(spec, this.#options.nowMs(), before);
    this.#follow(before.realservers, this.#health.realservers);
  }

  /** The same for some realservers; evaluate afterwards. */
  edit(changed: readonly RealserverHealthSpec[], gone: readonly Endpoint[]): void {
    const standing = (keys: readonly string[]): RealserverHealth[] =>
      keys.flatMap((key) => this.#health.realserver(key) ?? []);
    const changedKeys = changed.map(({ endpoint }) => realserverKey(endpoint));
    const goneKeys = gone.map(realserverKey);
    const before = standing([...changedKeys, ...goneKeys]);
    this.#health.edit(changed, goneKeys, this.#options.nowMs());
    this.#follow(before, standing(changedKeys));
  }

  /** Ends all checks. */
  end(): void {
    this.cancelWake();
    for (const watch of this.#watches.values()) watch.handle.remove();
  }

  /** Of a check of this service. */
  watch(check: CheckRecord): CheckWatch {
    return this.#watches.get(check)!;
  }

  /** Runs the checks of a realserver at once. */
  checkNow(server: RealserverHealth): void {
    for (const check of server.checks) this.watch(check).handle.runSoon();
  }

  /** A realserver was ejected. */
  ejected(server: RealserverHealth, ejectedMs: number): void {
    this.#passives.get(server.key)?.ejected(ejectedMs);
  }

  /** Looks whether ejected realservers are back; call it after each evaluation. */
  look(): void {
    for (const passive of this.#passives.values()) passive.look();
  }

  /** Runs the checks of realservers as they are now, and none of those before that are left. */
  #follow(before: Iterable<RealserverHealth>, now: Iterable<RealserverHealth>): void {
    const left = new Set<CheckRecord>();
    const silent = new Set<string>();
    for (const server of before) {
      for (const check of server.checks) left.add(check);
      silent.add(server.key);
    }
    for (const server of now) {
      for (const check of server.checks) {
        left.delete(check);
        this.#followCheck(server, check);
      }
      if (server.ejection === undefined) continue;
      silent.delete(server.key);
      this.#followPassively(server);
    }
    // After the new ones have come: a probe that both need goes on.
    for (const check of left) {
      this.watch(check).handle.remove();
      this.#watches.delete(check);
    }
    for (const key of silent) this.#passives.delete(key);
  }

  #followCheck(server: RealserverHealth, check: CheckRecord): void {
    const known = this.#watches.get(check);
    if (known !== undefined) {
      known.move(this.#health, server);
      return;
    }
    const watch = new CheckWatch(this.#owner, this.#health, server, check);
    watch.handle = this.#options.runner.add(watch.plan(), watch);
    this.#watches.set(check, watch);
  }

  #followPassively(server: RealserverHealth): void {
    const known = this.#passives.get(server.key);
    if (known !== undefined) known.move(this.#health, server);
    else this.#passives.set(server.key, new PassiveWatch(this.#owner, this.#health, server));
  }
}
