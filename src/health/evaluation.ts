/** What an evaluation of a service's health comes to, and what passive marks do. */
import type { RealserverState } from "../core/health-status.js";
import type { RealserverHealth } from "./realserver-health.js";
import type { DesiredRealserver, DesiredService } from "./sink.js";

/** What was last said of a realserver. */
export interface Standing {
  readonly state: RealserverState;
  /** Since when it is in this state. */
  readonly sinceMs: number;
  readonly askedWeight: number;
  readonly desired: DesiredRealserver;
}

/** A realserver whose standing has changed; `before` is undefined the first time. */
export interface RealserverChange {
  readonly server: RealserverHealth;
  readonly desired: DesiredRealserver;
  readonly before: Standing | undefined;
  readonly now: Standing;
}

/** What has changed since the last evaluation. */
export interface Evaluation {
  readonly realservers: readonly RealserverChange[];
  /** Undefined where the service stands as before. */
  readonly service: DesiredService | undefined;
  /** Whether the quorum was lost or gained: not at the first evaluation. */
  readonly quorumFlipped: boolean;
}

/** What passive marks have led to. */
export interface PassiveVerdict {
  /** Ejected for so long; undefined: it was not. */
  readonly ejectedMs?: number;
  /** Checks of the realserver should run at once. */
  readonly hurry: boolean;
  /** An ejection was due, but too many are ejected or it is the last usable realserver. */
  readonly spared: boolean;
}
