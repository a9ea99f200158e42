/**
 * The interface of a check kind: one probe of one target within a deadline returns a result. Rise and fall, intervals,
 * retries and what a result does to a realserver are all outside of it (`state-machine.ts`, `check-runner.ts`,
 * `effects.ts`). A check kind is one file in `checks/`: its options as plain data, and a function that turns them into a
 * Checker or throws UvsError INVALID.
 */
import type { Endpoint } from "../core/address.js";
import type { ServiceId } from "../core/model.js";
import type { ProbeSignal } from "./probe-abort.js";

/** Where a probe goes. */
export interface CheckTarget {
  /** IP address in canonical text, or a host name where an operator aimed the check at one. */
  readonly address: string;
  /** 0 where the kind has no port (ping, file). */
  readonly port: number;
}

/** The service and realserver on whose behalf a probe runs: what external programs are told. */
export interface ServiceContext {
  readonly service: ServiceId;
  readonly realserver: Endpoint;
  /** Configured weight. */
  readonly weight: number;
}

/** One run of a check. */
export interface Probe {
  readonly target: CheckTarget;
  /** Of a probe that several services share: the first one, unless the checker says `perService`. */
  readonly context: ServiceContext;
  /** Time for the whole probe, name resolution included; `signal` is aborted when it is over. */
  readonly timeoutMs: number;
  /** Version of the PROXY protocol header to begin a TCP connection to the target with. @default none */
  readonly proxyProtocol?: 1 | 2;
  /** Aborted at the deadline, or when the check is taken out: let go of everything and settle at once. */
  readonly signal: ProbeSignal;
}

/** A check kind with its parameters. Without state: one checker serves any number of targets at the same time. */
export interface Checker {
  /** As users write it: `http`. */
  readonly kind: string;
  /** Printable, for people: `http GET /index.html`. No line breaks, no secrets. */
  readonly name: string;
  /**
   * Canonical text of the kind and all parameters. Checkers with equal keys do the same to a target, so that identical
   * probes run once. It is never shown.
   */
  readonly key: string;
  /**
   * True where the probe depends on the service and realserver (arguments of a program), so that they do not share it.
   * @default false
   */
  readonly perService?: boolean;
  /**
   * Probes once. What is normal (refused, wrong answer) may be returned as a failed result or thrown as any Error: the
   * runner makes a failed result of what is thrown (`failureOf`). Never writes logs.
   */
  probe(probe: Probe): Promise<CheckResult>;
}

/** Result codes, HAProxy's vocabulary: layer 4 (connect), 6 (TLS), 7 (answer), process; OK, time-out, or what failed. */
export type ResultCode =
  | "L4OK"
  | "L4TOUT"
  | "L4CON"
  | "L6OK"
  | "L6TOUT"
  | "L6RSP"
  | "L7OK"
  | "L7OKC"
  | "L7TOUT"
  | "L7RSP"
  | "L7STS"
  | "PROCOK"
  | "PROCERR"
  | "PROCTOUT"
  | "SOCKERR";

/**
 * A weight that a check asks for (agent-check, MISC_CHECK's exit status, FILE_CHECK). `absolute` replaces the configured
 * weight, `percent` is relative to it, `delta` is added; several checks of a realserver add up.
 */
export type DynamicWeight =
  | { readonly absolute: number }
  | { readonly percent: number }
  | { readonly delta: number };

/** What a check may ask for as an operator would: no new connections, none at all, or back in service. */
export type AdminCommand = "ready" | "drain" | "maint";

/** What one probe found. What a result does not mention stays as it was. */
export interface CheckResult {
  /** `neutral` counts neither way: an agent that did not answer, or did not speak of health. */
  readonly outcome: "passed" | "failed" | "neutral";
  readonly code: ResultCode;
  /** In words, for logs, status and alerts: `status 503`, `connection refused`. Make foreign text safe with `excerpt`. */
  readonly reason: string;
  /** What a program printed, several lines, bounded and unescaped: goes to the standard input of alert programs only. */
  readonly output?: string;
  readonly weight?: DynamicWeight;
  readonly admin?: AdminCommand;
  /** Connections at once that the realserver asks for; 0 is no limit. */
  readonly connectionLimit?: number;
}

/** A failure that names its result code; thrown inside of probes. The message is shown as it is: `excerpt` foreign text. */
export class CheckFailure extends Error {
  readonly code: ResultCode;

  constructor(code: ResultCode, reason: string) {
    super(reason);
    this.name = "CheckFailure";
    this.code = code;
  }
}

/** A passed result. */
export function passed(code: ResultCode, reason: string, more: Partial<CheckResult> = {}): CheckResult {
  return { ...more, outcome: "passed", code, reason };
}

/** A failed result. */
export function failed(code: ResultCode, reason: string, more: Partial<CheckResult> = {}): CheckResult {
  return { ...more, outcome: "failed", code, reason };
}
