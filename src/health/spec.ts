/**
 * What the health part is told: the checks of each realserver, and what results do. Plain values that the director makes
 * of the configuration; defaults are applied already (`DEFAULT_*`).
 */
import type { Endpoint } from "../core/address.js";
import type {
  AlertAction,
  AlertSpec,
  CheckAim,
  CheckRules,
  CheckTiming,
  PassiveSpec,
} from "../core/health-settings.js";
import type { ServiceId } from "../core/model.js";
import type { Checker } from "./checker.js";

export {
  type AlertAction,
  type AlertSpec,
  type CheckRules,
  type CheckTiming,
  checkTiming,
  DEFAULT_ALERT,
  DEFAULT_DAMPING,
  DEFAULT_PASSIVE,
  DEFAULT_RULES,
  type FlapDamping,
  type InitialState,
  isInitiallyUp,
  type OnError,
  type PassiveSpec,
} from "../core/health-settings.js";

/** One check of a realserver. */
export interface CheckSpec {
  readonly checker: Checker;
  /** ldirectord's mixed check: after each passed probe of `checker`, so many of this one. */
  readonly shallow?: { readonly checker: Checker; readonly count: number };
  /** Aims the check elsewhere. @default the realserver */
  readonly target?: CheckAim;
  /** PROXY protocol header that it begins with. @default none */
  readonly proxyProtocol?: 1 | 2;
  readonly timing: CheckTiming;
  readonly rules: CheckRules;
}

/** One realserver and its checks; without any it is always up. */
export interface RealserverHealthSpec {
  readonly endpoint: Endpoint;
  /** As configured. */
  readonly weight: number;
  readonly checks: readonly CheckSpec[];
  /** Whether it is in service already, without checks: then it stays so until one says otherwise. @default false */
  readonly isServing?: boolean;
}

/** The health of one virtual service. */
export interface ServiceHealthSpec {
  readonly service: ServiceId;
  readonly realservers: readonly RealserverHealthSpec[];
  /** What happens to a dead realserver: weight 0, or out of the table. @default "quiesce" */
  readonly onDown: "quiesce" | "remove";
  /** Whether its connections are reset as well. @default false */
  readonly closeSessions: boolean;
  /** Time in which the weight grows to its full after a return. @default 0 */
  readonly slowStartMs: number;
  /** Sum of weights that must be up; lowered to the total (keepalived). @default 1 */
  readonly quorum: number;
  /** How far below the quorum it may sink, and above it must rise again; less than the quorum. @default 0 */
  readonly hysteresis: number;
  /** With a sorry server the realservers left are taken out while the quorum is missed. @default false */
  readonly hasSorry: boolean;
  /** Below this share of usable realservers all are used, whatever their checks say; 0 is off. @default 0 */
  readonly panicPercent: number;
  readonly quorumUp: readonly AlertAction[];
  readonly quorumDown: readonly AlertAction[];
  readonly passive?: PassiveSpec;
  readonly alerts: readonly AlertSpec[];
}

/** The health of a service with defaults for what is not given. */
export function serviceHealth(
  given: Pick<ServiceHealthSpec, "service" | "realservers"> & Partial<ServiceHealthSpec>,
): ServiceHealthSpec {
  return {
    onDown: "quiesce",
    closeSessions: false,
    slowStartMs: 0,
    quorum: 1,
    hysteresis: 0,
    hasSorry: false,
    panicPercent: 0,
    quorumUp: [],
    quorumDown: [],
    alerts: [],
    ...given,
  };
}
