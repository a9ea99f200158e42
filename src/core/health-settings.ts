/**
 * What the health of a service is set to, as plain values that survive JSON: the configuration and the control API make
 * them, the director turns them into what health checking runs. Times are milliseconds.
 */

/** An option of a check kind, by its name in `check-options.ts`. */
export type CheckOption =
  | string
  | number
  | boolean
  | readonly string[]
  | readonly Readonly<Record<string, string | boolean>>[]
  | Readonly<Record<string, string | number | boolean>>;

/** One check of each realserver of a service. */
export interface CheckSettings {
  /** Name of the kind: `http`, `tcp-expect`, ... */
  readonly type: string;
  /** Of the kind. */
  readonly options: Readonly<Record<string, CheckOption>>;
  /** Aims the check elsewhere. @default the realserver */
  readonly target?: CheckAim;
  /**
   * Version of the PROXY protocol header that a check over TCP begins with, 0 for none.
   * @default that of the realserver, none where the check is aimed elsewhere (as HAProxy has it) or asks an agent
   */
  readonly proxyProtocol?: 0 | 1 | 2;
  readonly timing: CheckTiming;
  readonly rules: CheckRules;
}

/** Where a check goes instead of to the realserver; what is left out is the realserver's. */
export interface CheckAim {
  readonly address?: string;
  readonly port?: number;
}

/** What is done for the health of a service. */
export interface HealthSettings {
  /** All must pass. */
  readonly checks: readonly CheckSettings[];
  /** What happens to a dead realserver: weight 0, or out of the table. @default "quiesce" */
  readonly onDown: "quiesce" | "remove";
  /** Whether its connections are reset as well. @default false */
  readonly closeSessions: boolean;
  /** Time in which the weight grows to its full after a return. @default 0 */
  readonly slowStartMs: number;
  /** Sum of weights that must be up; lowered to the total. @default 1 */
  readonly quorum: number;
  /** How far below the quorum it may sink, and above it must rise again; less than the quorum. @default 0 */
  readonly hysteresis: number;
  /** Below this share of usable realservers all are used; 0 is off. @default 0 */
  readonly panicPercent: number;
  readonly quorumUp: readonly AlertAction[];
  readonly quorumDown: readonly AlertAction[];
  readonly passive?: PassiveSpec;
  readonly alerts: readonly AlertSpec[];
}

/** When a check runs. Milliseconds. */
export interface CheckTiming {
  /** Between starts while the check is fully up. @default 2000 */
  readonly intervalMs: number;
  /** While on the way up or down. @default intervalMs */
  readonly fastIntervalMs: number;
  /** While fully down. @default intervalMs */
  readonly downIntervalMs: number;
  /** Of one whole probe. @default the interval, at most 5000 */
  readonly timeoutMs: number;
  /** Each interval is made longer or shorter by up to this share of it, at random; 0 to 50. @default 3 */
  readonly jitterPercent: number;
  /** First probes are spread evenly over this time. @default the interval, at most 2000 */
  readonly warmupMs: number;
  /** Whether the interval counts from the start of a probe (HAProxy, mon) or from its end (ldirectord). @default "start" */
  readonly countFrom: "start" | "end";
}

/** The state before the first result, in HAProxy's words: `up` is one failure from down, `down` one success from up. */
export type InitialState = "up" | "down" | "fully-up" | "fully-down";

/** Whether a realserver is used before its first check. */
export function isInitiallyUp(initial: InitialState): boolean {
  return initial === "up" || initial === "fully-up";
}

/** Keeps a check that flaps down for longer (the penalty of RFC 2439). */
export interface FlapDamping {
  /** Going down this often at once keeps it down. @default 4 */
  readonly limit: number;
  /** Half of what was counted is forgotten in this time. @default 60000 */
  readonly halfLifeMs: number;
  /** It is kept down no longer than this. @default 300000 */
  readonly maxMs: number;
}

/** How results become a state. */
export interface CheckRules {
  /** Passed probes in a row to go up. @default 2 */
  readonly rise: number;
  /** Failed probes in a row to go down. @default 3 */
  readonly fall: number;
  /** @default "down" */
  readonly initial: InitialState;
  /** @default none: flapping is not damped */
  readonly damping?: FlapDamping;
}

/** A program called on an event, or a URL that is told of it. */
export type AlertAction =
  | {
      readonly program: string;
      readonly args: readonly string[];
      /** Added to the environment. */
      readonly env?: Readonly<Record<string, string>>;
    }
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> };

/** When the people of a realserver are told (mon's period block, reference §3.4 and §3.6). */
export interface AlertSpec {
  /** Called while a realserver is down. */
  readonly down: readonly AlertAction[];
  /** Called when it is up again, after a `down` was called. */
  readonly up: readonly AlertAction[];
  /** Failed probes before the first call: that many in a row, that many in a time, or for longer than a time. @default 1 in a row */
  readonly after: { readonly count?: number; readonly windowMs?: number };
  /** Least time between two calls of one failure; without it each failed probe calls. */
  readonly every?: {
    readonly intervalMs: number;
    /** What lets the next call through before its time: a changed first line, any change of the output, nothing. @default "summary" */
    readonly unlessChanged: "summary" | "detail" | "nothing";
    /** The interval goes on counting over a success. @default false */
    readonly strict: boolean;
  };
  /** Calls per failure at most. @default no bound */
  readonly maxCalls?: number;
  /** The `up` call only after a failure of at least this. @default 0 */
  readonly upAfterMs?: number;
  /** The `up` call also where no `down` was called. @default false */
  readonly upAlways?: boolean;
  /** Of each call. @default 30000 */
  readonly timeoutMs: number;
}

/** Passive checks: what the data plane saw of connections (reference §6). */
export interface PassiveSpec {
  /** Failures in a row. @default 5 */
  readonly errorLimit: number;
  /** What they do: eject for a while, or one of HAProxy's `on-error` on the active checks. @default "eject" */
  readonly onError: "eject" | OnError;
  /** First ejection. @default 10000 */
  readonly baseMs: number;
  /** Longest ejection. @default 300000 */
  readonly maxMs: number;
  /** How further ejections grow: doubled, or by `baseMs` each (Envoy). @default "double" */
  readonly growth: "double" | "linear";
  /** Ejections vary by up to this share. @default 10 */
  readonly jitterPercent: number;
  /** Share of a service's realservers that may be ejected at once. @default 50 */
  readonly maxEjectedPercent: number;
  /** Whether one may be ejected even where the share allows none. The last usable one never is. @default true */
  readonly atLeastOne: boolean;
  /** A passed active check ends an ejection. @default true */
  readonly activeEndsEjection: boolean;
}

/** HAProxy's `on-error`: what many failed connections do to an active check. */
export type OnError = "fastinter" | "fail-check" | "sudden-death" | "mark-down";

/** Timing with defaults for what is not given. */
export function checkTiming(given: Partial<CheckTiming> = {}): CheckTiming {
  const intervalMs = given.intervalMs ?? 2000;
  return {
    intervalMs,
    fastIntervalMs: given.fastIntervalMs ?? intervalMs,
    downIntervalMs: given.downIntervalMs ?? intervalMs,
    timeoutMs: given.timeoutMs ?? Math.min(intervalMs, 5000),
    jitterPercent: given.jitterPercent ?? 3,
    warmupMs: given.warmupMs ?? Math.min(intervalMs, 2000),
    countFrom: given.countFrom ?? "start",
  };
}

export const DEFAULT_RULES: CheckRules = { rise: 2, fall: 3, initial: "down" };

export const DEFAULT_DAMPING: FlapDamping = { limit: 4, halfLifeMs: 60_000, maxMs: 300_000 };

export const DEFAULT_ALERT: AlertSpec = { down: [], up: [], after: { count: 1 }, timeoutMs: 30_000 };

export const DEFAULT_PASSIVE: PassiveSpec = {
  errorLimit: 5,
  onError: "eject",
  baseMs: 10_000,
  maxMs: 300_000,
  growth: "double",
  jitterPercent: 10,
  maxEjectedPercent: 50,
  atLeastOne: true,
  activeEndsEjection: true,
};

export const DEFAULT_HEALTH: HealthSettings = {
  checks: [],
  onDown: "quiesce",
  closeSessions: false,
  slowStartMs: 0,
  quorum: 1,
  hysteresis: 0,
  panicPercent: 0,
  quorumUp: [],
  quorumDown: [],
  alerts: [],
};
