/** Tells people of changes: the log, the history, and the hooks of a quorum. Each change once, with its reason. */
import type { HealthChange } from "../core/health-status.js";
import type { Logger } from "../core/logger.js";
import { type ServiceId, serviceKey } from "../core/model.js";
import type { Alerts } from "./alerts.js";
import type { CheckRecord } from "./check-record.js";
import type { ServiceHealth } from "./effects.js";
import type { RealserverChange } from "./evaluation.js";
import { HealthHistory } from "./history.js";
import type { RealserverHealth } from "./realserver-health.js";

/** How long a hook of the quorum may take. */
const HOOK_TIMEOUT_MS = 30_000;

/** Reports changes. */
export class HealthReporter {
  readonly history = new HealthHistory();
  readonly #logger: Logger;
  readonly #alerts: Alerts;
  readonly #wallMs: () => number;

  /** @param wallMs wall clock, milliseconds since 1970 */
  constructor(logger: Logger, alerts: Alerts, wallMs: () => number) {
    this.#logger = logger;
    this.#alerts = alerts;
    this.#wallMs = wallMs;
  }

  /** A check went up or down; the log hears of it where the realserver changes. */
  check(service: string, server: RealserverHealth, { isUp, spec, last }: CheckRecord): void {
    this.#keep({
      service,
      realserver: server.key,
      check: spec.checker.name,
      from: isUp ? "down" : "up",
      to: isUp ? "up" : "down",
      reason: last?.result.reason ?? "",
    });
  }

  /** A realserver stands differently. Steps of slow start are not worth a word. */
  realserver(service: ServiceId, { server, desired, before, now }: RealserverChange): void {
    const stateChanged = before?.state !== now.state;
    if (!stateChanged && before.askedWeight === now.askedWeight) return;
    const { key } = server;
    const from = stateChanged ? (before?.state ?? "new") : `weight ${before.askedWeight}`;
    const to = stateChanged ? now.state : `weight ${now.askedWeight}`;
    const change = { service: serviceKey(service), realserver: key, from, to, reason: desired.reason };
    this.#keep(change);
    this.#logger[to === "down" ? "warn" : "info"](
      { ...change, weight: desired.weight },
      `${key} of ${change.service}: ${from} -> ${to} (${desired.reason})`,
    );
  }

  /** Passive checking has ejected a realserver. */
  ejected(service: ServiceId, { key }: RealserverHealth, ejectedMs: number): void {
    this.#logger.warn(
      { service: serviceKey(service), realserver: key, ejectedMs },
      `${key} of ${serviceKey(service)} is ejected for ${ejectedMs} ms: connections to it fail`,
    );
  }

  /** Passive checking would have ejected a realserver, but too few are left. */
  spared(service: ServiceId, { key }: RealserverHealth): void {
    this.#logger.debug(
      { service: serviceKey(service), realserver: key },
      `${key} of ${serviceKey(service)} is not ejected, though connections to it fail: too few are left`,
    );
  }

  /** A quorum was lost or gained. @param weight of the realservers that are up */
  quorum({ spec, quorum }: ServiceHealth, weight: number): void {
    const up = quorum.isUp;
    const service = serviceKey(spec.service);
    const [from, to] = up ? ["down", "up"] : ["up", "down"];
    const reason = up
      ? `quorum gained: weight ${weight} of ${quorum.bounds.up}`
      : `quorum lost: weight ${weight} of ${quorum.bounds.down}`;
    this.#keep({ service, from, to, reason });
    this.#logger[up ? "info" : "warn"]({ service, from, to, weight }, `${service}: ${reason}`);
    this.#alerts.call(
      up ? spec.quorumUp : spec.quorumDown,
      {
        type: up ? "quorum-up" : "quorum-down",
        service: spec.service,
        oldState: from,
        newState: to,
        reason,
        output: `${reason}\n`,
        atMs: this.#wallMs(),
      },
      HOOK_TIMEOUT_MS,
      "hook",
    );
  }

  #keep(change: Omit<HealthChange, "at">): void {
    this.history.add({ at: new Date(this.#wallMs()).toISOString(), ...change });
  }
}
