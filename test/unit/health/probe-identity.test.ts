/** What the runner owes to checks that are told of their realserver, and to those that count neither way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckRunner } from "../../../src/health/check-runner.js";
import type { Checker, CheckResult, ServiceContext } from "../../../src/health/checker.js";
import { checkTiming } from "../../../src/health/spec.js";
import { FakeTimers } from "../../helpers/fake-timers.js";
import { HeldChecker, ScriptedChecker } from "../../helpers/scripted-checker.js";

const SERVICE = { protocol: "tcp", address: "192.0.2.1", port: 80 } as const;

/** Adds a check that is aimed at one target on behalf of each of these realservers. */
function setup(checker: Checker, ...hosts: readonly string[]) {
  const timers = new FakeTimers();
  const runner = new CheckRunner({ timers });
  const results: CheckResult[] = [];
  const timing = checkTiming({ intervalMs: 1000, timeoutMs: 300, jitterPercent: 0, warmupMs: 0 });
  for (const address of hosts) {
    const context: ServiceContext = { service: SERVICE, realserver: { address, port: 80 }, weight: 1 };
    const target = { address: "10.0.0.100", port: 9000 };
    runner.add(
      { checker, target, context, timing, serviceKey: "a" },
      { onResult: (result) => results.push(result), intervalMs: () => 1000 },
    );
  }
  return { timers, runner, results };
}

test("realservers whose checks are aimed at one address share a probe, but not a program that is told of them", () => {
  const shared = new ScriptedChecker(() => 0);
  assert.equal(setup(shared, "10.0.0.1", "10.0.0.2").runner.jobs, 1);
  const told = new ScriptedChecker(() => 0, ".", "program", true);
  assert.equal(setup(told, "10.0.0.1", "10.0.0.2").runner.jobs, 2);
});

test("a probe that counts neither way does so at its deadline too: a silent agent changes nothing", async () => {
  const checker = new HeldChecker();
  const { timers, results } = setup(checker, "10.0.0.1");
  await timers.advance(0);
  const { probe, answer } = checker.asked[0];
  const silent: CheckResult = { outcome: "neutral", code: "L7TOUT", reason: "agent not asked" };
  probe.signal.addEventListener("abort", () => answer(silent));
  await timers.advance(300);
  assert.deepEqual(results, [silent]);
});
