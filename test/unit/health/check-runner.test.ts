import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CheckRunner, type ProbeHandle } from "../../../src/health/check-runner.js";
import type { Checker, CheckResult } from "../../../src/health/checker.js";
import { type CheckTiming, checkTiming } from "../../../src/health/spec.js";
import { type Timed, TimerHeap } from "../../../src/health/timer-heap.js";
import { FakeTimers } from "../../helpers/fake-timers.js";
import { HeldChecker, passes, ScriptedChecker } from "../../helpers/scripted-checker.js";

const SERVICE = { protocol: "tcp", address: "192.0.2.1", port: 80 } as const;
const STEADY = { jitterPercent: 0, warmupMs: 0 };

interface Setup {
  readonly timers: FakeTimers;
  readonly runner: CheckRunner;
  readonly results: CheckResult[];
  add(checker: Checker, timing?: Partial<CheckTiming>, port?: number, serviceKey?: string): ProbeHandle;
}

function setup(options: { maxRunning?: number; random?: () => number } = {}): Setup {
  const timers = new FakeTimers(1000);
  const runner = new CheckRunner({ timers, random: () => 0.5, ...options });
  const results: CheckResult[] = [];
  return {
    timers,
    runner,
    results,
    add(checker, timing = {}, port = 80, serviceKey = "a") {
      const target = { address: "10.0.0.1", port };
      const full = checkTiming({ ...STEADY, ...timing });
      return runner.add(
        {
          checker,
          target,
          context: { service: SERVICE, realserver: target, weight: 1 },
          timing: full,
          serviceKey,
        },
        { onResult: (result) => results.push(result), intervalMs: () => full.intervalMs },
      );
    },
  };
}

test("a probe starts every interval, counted from its start", async () => {
  const { timers, add, runner } = setup();
  const checker = new ScriptedChecker(() => timers.nowMs());
  add(checker, { intervalMs: 2000 });
  await timers.advance(6000);
  assert.deepEqual(checker.startsMs, [1000, 3000, 5000, 7000]);
  assert.deepEqual(runner.lateness(), { count: 4, p50Ms: 0, p99Ms: 0, maxMs: 0 });
});

test("a probe that is still running when the next is due puts that off to its end", async () => {
  const { timers, add } = setup();
  const checker = new HeldChecker();
  add(checker, { intervalMs: 1000, timeoutMs: 10_000 });
  await timers.advance(2500);
  assert.equal(checker.asked.length, 1);
  checker.asked[0].answer(passes);
  await timers.advance(1);
  assert.equal(checker.asked.length, 2, "the next one starts at once");
});

test("with countFrom end the interval counts from the end of a probe", async () => {
  const { timers, add } = setup();
  const checker = new HeldChecker();
  add(checker, { intervalMs: 1000, timeoutMs: 10_000, countFrom: "end" });
  await timers.advance(500);
  checker.asked[0].answer(passes);
  await timers.advance(999);
  assert.equal(checker.asked.length, 1);
  await timers.advance(1);
  assert.equal(checker.asked.length, 2);
});

test("identical probes run once and each listener hears the result", async () => {
  const { timers, add, runner, results } = setup();
  const checker = new ScriptedChecker(() => timers.nowMs());
  add(checker);
  add(new ScriptedChecker(() => timers.nowMs()), {}, 80, "b");
  await timers.advance(0);
  assert.equal(runner.jobs, 1);
  assert.equal(checker.startsMs.length, 1);
  assert.equal(results.length, 2);
});

test("probes that differ in port, timing or parameters run each on their own", async () => {
  const { timers, add, runner } = setup();
  add(new ScriptedChecker(() => timers.nowMs()));
  add(new ScriptedChecker(() => timers.nowMs()), {}, 81);
  add(new ScriptedChecker(() => timers.nowMs()), { intervalMs: 3000 });
  add(new ScriptedChecker(() => timers.nowMs(), ".", "other"));
  assert.equal(runner.jobs, 4);
});

test("a checker that depends on the service runs for each service", async () => {
  const { timers, add, runner } = setup();
  for (const service of ["a", "a", "b"]) {
    add(new ScriptedChecker(() => timers.nowMs(), ".", "program", true), {}, 80, service);
  }
  assert.equal(runner.jobs, 2);
});

test("a shared probe goes on until its last listener leaves", async () => {
  const { timers, add, runner, results } = setup();
  const checker = new ScriptedChecker(() => timers.nowMs());
  const first = add(checker);
  const second = add(checker);
  first.remove();
  await timers.advance(0);
  assert.equal(results.length, 1);
  second.remove();
  await timers.advance(10_000);
  assert.equal(results.length, 1);
  assert.equal(runner.jobs, 0);
});

test("the deadline aborts a probe, and its own words are the reason", async () => {
  const { timers, add, results } = setup();
  const checker = new HeldChecker();
  add(checker, { intervalMs: 1000, timeoutMs: 300 });
  await timers.advance(0);
  const { probe, answer } = checker.asked[0];
  probe.signal.addEventListener("abort", () =>
    answer({ outcome: "failed", code: "L4TOUT", reason: "too slow" }),
  );
  await timers.advance(300);
  assert.deepEqual(
    results.map(({ reason }) => reason),
    ["too slow"],
  );
});

test("a probe that passes only after its deadline has failed", async () => {
  const { timers, add, results } = setup();
  const checker = new HeldChecker();
  add(checker, { intervalMs: 1000, timeoutMs: 300 });
  await timers.advance(0);
  const { probe, answer } = checker.asked[0];
  probe.signal.addEventListener("abort", () => answer(passes));
  await timers.advance(300);
  assert.deepEqual(
    results.map(({ outcome, reason }) => [outcome, reason]),
    [["failed", "timed out after 300 ms"]],
  );
});

test("a probe that ignores its deadline is reported, does not overlap itself, and is given up in the end", async () => {
  const { timers, add, results, runner } = setup();
  const checker = new HeldChecker();
  add(checker, { intervalMs: 1000, timeoutMs: 300 });
  await timers.advance(301);
  assert.equal(results[0].reason, "timed out after 300 ms");
  await timers.advance(4000);
  assert.equal(checker.asked.length, 1);
  await timers.advance(1100);
  assert.equal(checker.asked.length, 2);
  checker.asked[0].answer(passes);
  await timers.advance(0);
  assert.equal(results.length, 1, "what was given up is not heard any more");
  assert.equal(runner.running, 1);
});

test("what a probe throws is a failed result", async () => {
  const { timers, add, results } = setup();
  const checker: Checker = {
    kind: "throws",
    name: "throws",
    key: "throws",
    probe: () => {
      throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    },
  };
  add(checker);
  await timers.advance(0);
  assert.deepEqual(results, [{ outcome: "failed", code: "L4CON", reason: "connection refused" }]);
});

test("only so many run at once; the others start as places come free, and count as late", async () => {
  const { timers, add, runner } = setup({ maxRunning: 2 });
  const checker = new HeldChecker();
  for (let port = 1; port <= 3; port++) add(checker, { timeoutMs: 2000 }, port);
  await timers.advance(0);
  assert.equal(checker.asked.length, 2);
  await timers.advance(700);
  checker.asked[0].answer(passes);
  await timers.advance(0);
  assert.equal(checker.asked.length, 3);
  assert.ok(Math.abs(runner.lateness().maxMs - 700) < 10);
});

test("while somebody waits for the loop no probe starts, and those that became due start when it is free", async () => {
  const { timers, add, runner } = setup();
  const checker = new ScriptedChecker(() => timers.nowMs());
  add(checker, { intervalMs: 1000 });
  await timers.advance(995);
  runner.setYielding(true);
  await timers.advance(20);
  runner.setYielding(false);
  await timers.advance(1000);
  assert.deepEqual(checker.startsMs, [1000, 2015, 3000]);
});

test("a probe waits for the loop for 40 ms at most", async () => {
  const { timers, add, runner } = setup();
  const checker = new ScriptedChecker(() => timers.nowMs());
  add(checker, { intervalMs: 1000 });
  await timers.advance(995);
  runner.setYielding(true);
  await timers.advance(100);
  assert.deepEqual(checker.startsMs, [1000, 2035]);
});

test("who asks for the loop again and again does not hold probes up again and again", async () => {
  const { timers, add, runner } = setup();
  const checker = new ScriptedChecker(() => timers.nowMs());
  for (let port = 1; port <= 100; port++) add(checker, { intervalMs: 1000, warmupMs: 1000 }, port);
  for (let i = 0; i < 200; i++) {
    runner.setYielding(true);
    await timers.advance(9);
    runner.setYielding(false);
    await timers.advance(1);
  }
  const { startsMs } = checker;
  const whileAsked = startsMs.filter((ms) => (ms - 1000) % 10 < 9).length;
  assert.ok(startsMs.length >= 200, `${startsMs.length} started`);
  assert.ok(whileAsked > 100, `${whileAsked} of them while the loop was asked for`);
});

test("a deadline is kept while somebody waits for the loop", async () => {
  const { timers, add, runner, results } = setup();
  add(new HeldChecker(), { timeoutMs: 500 });
  await timers.advance(490);
  runner.setYielding(true);
  await timers.advance(15);
  assert.equal(results.length, 1);
});

test("first probes spread evenly over the warm-up", async () => {
  const { timers, add } = setup();
  const checker = new ScriptedChecker(() => timers.nowMs());
  for (let port = 1; port <= 100; port++) add(checker, { intervalMs: 60_000, warmupMs: 1000 }, port);
  await timers.advance(1000);
  const perTenth = Array.from(
    { length: 10 },
    (_, i) => checker.startsMs.filter((ms) => Math.floor((ms - 1000) / 100) === i).length,
  );
  assert.ok(
    perTenth.every((count) => count >= 8 && count <= 12),
    `${perTenth}`,
  );
});

test("jitter makes intervals longer and shorter by its share at most", async () => {
  const draws = [0, 0.999999];
  const { timers, add } = setup({ random: () => draws.shift() ?? 0.5 });
  const checker = new ScriptedChecker(() => timers.nowMs());
  add(checker, { intervalMs: 1000, jitterPercent: 10 });
  await timers.advance(2000);
  assert.deepEqual(checker.startsMs, [1000, 1900, 3000]);
});

test("runSoon starts a waiting probe at once, and leaves a running one alone", async () => {
  const { timers, add } = setup();
  const checker = new HeldChecker();
  const handle = add(checker, { intervalMs: 1000, timeoutMs: 1000 });
  await timers.advance(0);
  handle.runSoon();
  await timers.advance(0);
  assert.equal(checker.asked.length, 1);
  checker.asked[0].answer(passes);
  await timers.advance(0);
  handle.runSoon();
  await timers.advance(0);
  assert.equal(checker.asked.length, 2);
});

test("taking a running probe out aborts it and frees its place", async () => {
  const { timers, add, runner, results } = setup();
  const checker = new HeldChecker();
  const handle = add(checker);
  await timers.advance(0);
  handle.remove();
  assert.equal(checker.asked[0].probe.signal.aborted, true);
  checker.asked[0].answer(passes);
  await timers.advance(0);
  assert.equal(runner.running, 0);
  assert.equal(results.length, 0);
});

test("after a stall a probe does not catch up on the starts it missed", async () => {
  const { timers, add } = setup();
  const checker = new HeldChecker();
  add(checker, { intervalMs: 1000, timeoutMs: 60_000 });
  await timers.advance(10_000);
  checker.asked[0].answer(passes);
  await timers.advance(0);
  checker.asked[1].answer(passes);
  await timers.advance(999);
  assert.equal(checker.asked.length, 2);
});

test("stop aborts everything and starts nothing more", async () => {
  const { timers, add, runner } = setup();
  const held = new HeldChecker();
  const scripted = new ScriptedChecker(() => timers.nowMs());
  add(held);
  add(scripted);
  await timers.advance(0);
  runner.stop();
  assert.equal(held.asked[0].probe.signal.aborted, true);
  await timers.advance(100_000);
  assert.equal(scripted.startsMs.length, 1);
});

test("a heap gives its entries by due time, whichever were taken out", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 60 }), fc.array(fc.nat(59)), (dues, removals) => {
      const heap = new TimerHeap<Timed>();
      const entries = dues.map((dueMs) => ({ dueMs, heapIndex: -1 }));
      for (const entry of entries) heap.push(entry);
      const removed = new Set(removals.map((i) => entries[i]).filter((entry) => entry !== undefined));
      for (const entry of removed) heap.remove(entry);
      const seen: number[] = [];
      for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
        heap.remove(entry);
        seen.push(entry.dueMs);
      }
      const expected = entries.filter((entry) => !removed.has(entry)).map(({ dueMs }) => dueMs);
      assert.deepEqual(
        seen,
        expected.sort((a, b) => a - b),
      );
    }),
  );
});
