/**
 * The alerts of one subject, a check or the passive checking of a realserver: decides by each of the service's alert
 * specifications whether to call, and keeps the times that mon's alerts are told.
 */
import { AlertDecision } from "./alert-decision.js";
import type { AlertEvent } from "./alert-event.js";
import type { Alerts } from "./alerts.js";
import type { AlertSpec } from "./spec.js";

/** Who calls, and the clocks. */
export interface AlarmOwner {
  readonly alerts: Pick<Alerts, "call">;
  nowMs(): number;
  /** Wall clock, milliseconds since 1970. */
  wallMs(): number;
}

/** How the subject stands now. */
export interface AlarmNews extends Pick<AlertEvent, "service" | "realserver" | "check" | "oldState"> {
  readonly newState: string;
  /** In words, safe to show. */
  readonly reason: string;
  /** What a monitor of mon would print. Read of failures only. */
  readonly output: string;
}

/** Alerts of one subject. */
export class Alarm {
  readonly #owner: AlarmOwner;
  #specs: readonly AlertSpec[] = [];
  #alerts: readonly { readonly spec: AlertSpec; readonly decision: AlertDecision }[] = [];
  #output = "";
  #reason = "";
  #firstFailureMs: number | undefined;
  #lastFailureMs: number | undefined;
  #firstSuccessMs: number | undefined;
  #lastSuccessMs: number | undefined;

  constructor(owner: AlarmOwner) {
    this.#owner = owner;
  }

  /** Whether there is anybody to call. */
  get isWanted(): boolean {
    return this.#alerts.length > 0;
  }

  /** The service was configured anew. Alerts that are as before remember what they have called. */
  follow(specs: readonly AlertSpec[]): void {
    if (specs === this.#specs) return;
    this.#specs = specs;
    const known = new Map(this.#alerts.map((alert) => [JSON.stringify(alert.spec), alert.decision]));
    this.#alerts = specs.map((spec) => ({
      spec,
      decision: known.get(JSON.stringify(spec)) ?? new AlertDecision(spec),
    }));
  }

  /** Takes in that the subject is up or down, at each result that says so; calls whom it concerns. */
  report(isUp: boolean, news: AlarmNews): void {
    const now = this.#owner.nowMs();
    const wall = this.#owner.wallMs();
    if (!isUp) {
      this.#output = news.output;
      this.#reason = news.reason;
    }
    this.#keepTimes(isUp, wall);
    const input = { isUp, summary: this.#output.split("\n", 1)[0], detail: this.#output };
    for (const { spec, decision } of this.#alerts) {
      const call = decision.decide(input, now);
      if (call === undefined) continue;
      const event: AlertEvent = {
        ...news,
        type: call,
        reason: call === "up" ? news.reason : this.#reason,
        output: this.#output,
        atMs: wall,
        firstFailureMs: this.#firstFailureMs,
        lastFailureMs: this.#lastFailureMs,
        firstSuccessMs: this.#firstSuccessMs,
        lastSuccessMs: this.#lastSuccessMs,
        nextMs: spec.every?.intervalMs,
      };
      this.#owner.alerts.call(spec[call], event, spec.timeoutMs, "alert");
    }
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
