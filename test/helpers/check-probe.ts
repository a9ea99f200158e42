/** Runs one probe of a checker as the runner would: with a deadline, and what is thrown made a result. */
import type { Endpoint } from "../../src/core/address.js";
import type { ServiceId } from "../../src/core/model.js";
import type { Checker, CheckResult, CheckTarget } from "../../src/health/checker.js";
import { failureOf } from "../../src/health/failure.js";

/** What may differ from a plain probe. */
export interface ProbeSettings {
  /** @default 5000: longer than any good answer takes */
  readonly timeoutMs?: number;
  readonly service?: ServiceId;
  readonly realserver?: Endpoint;
  readonly weight?: number;
  /** @default none */
  readonly proxyProtocol?: 1 | 2;
}

const VIP: ServiceId = { protocol: "tcp", address: "192.0.2.1", port: 80 };

/** Probes a target once. Never rejects. */
export async function runProbe(
  checker: Checker,
  target: CheckTarget,
  { timeoutMs = 5000, service = VIP, realserver = target, weight = 1, proxyProtocol }: ProbeSettings = {},
): Promise<CheckResult> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const context = { service, realserver, weight };
    return await checker.probe({
      target,
      proxyProtocol,
      context,
      timeoutMs,
      signal: controller.signal,
    });
  } catch (error) {
    return failureOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/** `failed L7STS: status 503`: a result in one line, to compare or match. */
export function told({ outcome, code, reason }: CheckResult): string {
  return `${outcome} ${code}: ${reason}`;
}
