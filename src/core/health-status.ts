/** What `uvs health` shows: plain objects, times as ISO 8601 text, everything foreign made safe already. */
import type { Endpoint } from "./address.js";
import type { ServiceId } from "./model.js";
import type { DurationSummary } from "./status.js";

/** How a realserver stands with its checks, passive marks and operators taken together. */
export type RealserverState = "up" | "down" | "unknown" | "drain" | "maint" | "ejected" | "half-open";

/** One check as it is now. */
export interface CheckStatus {
  readonly kind: string;
  readonly name: string;
  readonly target: { readonly address: string; readonly port: number };
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
    readonly outcome: "passed" | "failed" | "neutral";
    readonly code: string;
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
  readonly admin: "ready" | "drain" | "maint";
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
    /** How late they started, of the last 10 to 20 s. */
    readonly lateness: DurationSummary;
  };
  readonly alerts: { readonly called: number; readonly failed: number; readonly dropped: number };
}

/** One change. */
export interface HealthChange {
  /** ISO 8601. */
  readonly at: string;
  /** Key of the service. */
  readonly service: string;
  /** Key of the realserver; undefined where the service itself has changed. */
  readonly realserver?: string;
  /** Name of the check; undefined where the realserver or service has changed. */
  readonly check?: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}
