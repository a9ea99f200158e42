/** A probe that is repeated: what it consists of, when two are the same, and how it is run once. */
import { realserverKey } from "../core/model.js";
import { type Checker, type CheckResult, type CheckTarget, failed, type ServiceContext } from "./checker.js";
import { failureOf } from "./failure.js";
import type { ProbeSignal } from "./probe-abort.js";
import type { CheckTiming } from "./spec.js";

/** What is to be probed. */
export interface ProbePlan {
  readonly checker: Checker;
  readonly shallow?: { readonly checker: Checker; readonly count: number };
  readonly target: CheckTarget;
  readonly proxyProtocol?: 1 | 2;
  readonly context: ServiceContext;
  readonly timing: CheckTiming;
  /** Text that tells services apart, for checkers that are `perService`. */
  readonly serviceKey: string;
}

/** The result of a probe that did not tell why it was late. */
export function timedOut({ timing }: ProbePlan): CheckResult {
  return failed("L7TOUT", `timed out after ${timing.timeoutMs} ms`);
}

/** One probe, with whatever it throws made a result. */
export async function runProbe(checker: Checker, plan: ProbePlan, signal: ProbeSignal): Promise<CheckResult> {
  const { target, context, timing, proxyProtocol } = plan;
  try {
    return await checker.probe({ target, proxyProtocol, context, timeoutMs: timing.timeoutMs, signal });
  } catch (error) {
    return failureOf(error);
  }
}

/** Plans with equal keys are one probe: same checker, target, header and timing. */
export function planKey({
  checker,
  shallow,
  target,
  proxyProtocol,
  context,
  timing,
  serviceKey,
}: ProbePlan): string {
  return JSON.stringify([
    checker.key,
    shallow && [shallow.checker.key, shallow.count],
    target.address,
    target.port,
    proxyProtocol ?? 0,
    timing,
    checker.perService || shallow?.checker.perService
      ? [serviceKey, realserverKey(context.realserver)]
      : null,
  ]);
}
