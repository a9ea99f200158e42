import assert from "node:assert/strict";
import { test } from "node:test";
import { HealthMonitor } from "../../../src/health/monitor.js";
import { DEFAULT_PASSIVE, type ServiceHealthSpec, serviceHealth } from "../../../src/health/spec.js";
import { FakeTimers } from "../../helpers/fake-timers.js";
import { checkSpec, endpoint, RecordingSink, SERVICE } from "../../helpers/health-fixture.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";
import { fails, passes, ScriptedChecker } from "../../helpers/scripted-checker.js";

function setup() {
  const timers = new FakeTimers(1000);
  const sink = new RecordingSink();
  const logger = new RecordingLogger();
  const wallMs = (): number => Date.parse("2026-01-01T00:00:00Z") + timers.nowMs();
  const monitor = new HealthMonitor({ sink, logger, timers, wallMs, random: () => 0.5 });
  const checkers = [1, 2].map((n) => new ScriptedChecker(() => timers.nowMs(), ".", `check ${n}`));
  const spec = (given: Partial<ServiceHealthSpec> = {}, count = 2): ServiceHealthSpec =>
    serviceHealth({
      service: SERVICE,
      realservers: checkers.slice(0, count).map((checker, i) => ({
        endpoint: endpoint(i + 1),
        weight: 1,
        checks: [{ ...checkSpec({ rise: 1, fall: 2 }), checker }],
      })),
      ...given,
    });
  return { timers, sink, logger, monitor, checkers, spec };
}

test("the sink is told of every realserver before apply returns: none is exposed unchecked", () => {
  const { monitor, sink, spec } = setup();
  monitor.apply([spec()]);
  assert.deepEqual(sink.log, ["10.0.0.1:80 0", "10.0.0.2:80 0"]);
  assert.deepEqual(sink.services, [{ up: false, weight: 0 }]);
  monitor.stop();
});

test("results reach the sink, on change only", async () => {
  const { monitor, sink, spec, timers, checkers } = setup();
  monitor.apply([spec()]);
  sink.log.length = 0;
  await timers.advance(10_000);
  assert.deepEqual(sink.log, ["10.0.0.1:80 1", "10.0.0.2:80 1"]);
  checkers[0].answers = [fails];
  await timers.advance(10_000);
  assert.deepEqual(sink.log.slice(2), ["10.0.0.1:80 0"]);
  assert.equal(sink.services.at(-1)?.weight, 1);
  monitor.stop();
});

test("the log tells changes with their reason, and nothing else", async () => {
  const { monitor, logger, spec, timers, checkers } = setup();
  monitor.apply([spec({}, 1)]);
  await timers.advance(5000);
  checkers[0].answers = [fails];
  await timers.advance(20_000);
  assert.deepEqual(
    logger.records.map(({ level, message }) => `${level}: ${message}`),
    [
      "info: 10.0.0.1:80 of tcp://192.0.2.1:80: new -> unknown (not checked yet)",
      "info: 10.0.0.1:80 of tcp://192.0.2.1:80: unknown -> up (check 1: fine)",
      "info: tcp://192.0.2.1:80: quorum gained: weight 1 of 1",
      "warn: 10.0.0.1:80 of tcp://192.0.2.1:80: up -> down (check 1: broken)",
      "warn: tcp://192.0.2.1:80: quorum lost: weight 0 of 1",
    ],
  );
  monitor.stop();
});

test("the status shows each check in words, and the changes", async () => {
  const { monitor, spec, timers, checkers } = setup();
  monitor.apply([spec()]);
  checkers[1].answers = [passes, fails];
  await timers.advance(2500);
  const { services, changes, probes } = monitor.status();
  const [one, two] = services[0].realservers;
  assert.deepEqual([one.state, one.weight, one.usable, one.reason], ["up", 1, true, "check 1: fine"]);
  const { last, nextRun, since, ...check } = two.checks[0];
  assert.deepEqual(check, {
    kind: "scripted",
    name: "check 2",
    target: endpoint(2),
    state: "up",
    progress: "1/2",
    heldDownUntil: undefined,
    passed: 1,
    failed: 1,
    neutral: 0,
    flips: 1,
    isRunning: false,
  });
  assert.deepEqual([last?.outcome, last?.code, last?.reason], ["failed", "L7RSP", "broken"]);
  assert.deepEqual(
    [last?.at, nextRun, since],
    ["2026-01-01T00:00:03.000Z", "2026-01-01T00:00:05.000Z", "2026-01-01T00:00:01.000Z"],
  );
  assert.ok(changes.some(({ check: name, to }) => name === "check 2" && to === "up"));
  assert.equal(probes.repeated, 2);
  monitor.stop();
});

test("a reload keeps the rhythm and the state of unchanged checks, and stops those that are gone", async () => {
  const { monitor, sink, spec, timers, checkers } = setup();
  monitor.apply([spec()]);
  await timers.advance(5000);
  sink.log.length = 0;
  monitor.apply([spec({}, 1)]);
  await timers.advance(4000);
  assert.deepEqual(checkers[0].startsMs, [1000, 3000, 5000, 7000, 9000]);
  assert.deepEqual(checkers[1].startsMs, [1000, 3000, 5000]);
  assert.deepEqual(sink.log, []);
  monitor.stop();
});

test("a service that is gone is checked no longer, and the sink hears nothing of it", async () => {
  const { monitor, sink, spec, timers, checkers } = setup();
  monitor.apply([spec()]);
  monitor.apply([]);
  const told = sink.log.length;
  await timers.advance(10_000);
  assert.deepEqual([checkers[0].startsMs.length, sink.log.length, monitor.runner.jobs], [0, told, 0]);
  monitor.stop();
});

test("passive marks run the active check at once, which may take the ejection back", async () => {
  const { monitor, sink, spec, timers, checkers } = setup();
  monitor.apply([spec({ passive: DEFAULT_PASSIVE })]);
  await timers.advance(2500);
  sink.log.length = 0;
  checkers[0].answers = [fails, passes];
  monitor.count(SERVICE, endpoint(1), 5, 0);
  await timers.advance(10);
  assert.equal(checkers[0].startsMs.at(-1), 3500, "out of turn");
  assert.deepEqual(sink.log, ["10.0.0.1:80 0"]);
  await timers.advance(3000);
  assert.deepEqual(sink.log, ["10.0.0.1:80 0", "10.0.0.1:80 1"]);
  monitor.stop();
});

test("the end of an ejection comes by itself", async () => {
  const { monitor, sink, timers } = setup();
  const realservers = [1, 2].map((n) => ({ endpoint: endpoint(n), weight: 4, checks: [] }));
  monitor.apply([
    serviceHealth({ service: SERVICE, realservers, passive: { ...DEFAULT_PASSIVE, jitterPercent: 0 } }),
  ]);
  sink.log.length = 0;
  monitor.count(SERVICE, endpoint(1), 5, 0);
  await timers.advance(9999);
  assert.deepEqual(sink.log, ["10.0.0.1:80 0"]);
  await timers.advance(1);
  assert.deepEqual(sink.log, ["10.0.0.1:80 0", "10.0.0.1:80 1"]);
  monitor.stop();
});

test("an operator's order takes effect at once, and names what it cannot find", () => {
  const { monitor, sink, spec } = setup();
  monitor.apply([spec({ realservers: [{ endpoint: endpoint(1), weight: 3, checks: [] }] })]);
  monitor.order(SERVICE, endpoint(1), "ready", 7);
  assert.equal(sink.log.at(-1), "10.0.0.1:80 7");
  monitor.order(SERVICE, endpoint(1), "maint");
  assert.equal(sink.log.at(-1), "10.0.0.1:80 0");
  assert.throws(() => monitor.order(SERVICE, endpoint(9), "drain"), { code: "NO_SERVER" });
  assert.throws(() => monitor.order({ fwmark: 1, family: 4 }, endpoint(1), "drain"), { code: "NO_SERVICE" });
  monitor.stop();
});

test("many results within a moment are evaluated together", async () => {
  const { monitor, timers, sink } = setup();
  const checker = new ScriptedChecker(() => timers.nowMs());
  const realservers = Array.from({ length: 50 }, (_, i) => ({
    endpoint: endpoint(i + 1),
    weight: 1,
    checks: [{ ...checkSpec(), checker }],
  }));
  monitor.apply([serviceHealth({ service: SERVICE, realservers })]);
  await timers.advance(20);
  assert.deepEqual(sink.services, [
    { up: false, weight: 0 },
    { up: true, weight: 50 },
  ]);
  monitor.stop();
});

test("checks without a result begin with what another director knows, and go by their own from then on", async () => {
  const { monitor, sink, spec, timers, checkers } = setup();
  monitor.apply([spec()]);
  sink.log.length = 0;
  monitor.assume(SERVICE, endpoint(1), [true]);
  assert.deepEqual(sink.log, ["10.0.0.1:80 1"]);
  monitor.assume(SERVICE, endpoint(1), [true]);
  monitor.assume(SERVICE, endpoint(2), [undefined]);
  monitor.assume(SERVICE, endpoint(2), [true, true]);
  monitor.assume(SERVICE, endpoint(9), [true]);
  assert.equal(sink.log.length, 1, "known already, not known, of other checks, of nobody");
  checkers[0].answers = [fails];
  await timers.advance(30_000);
  assert.deepEqual(sink.log.slice(1).sort(), ["10.0.0.1:80 0", "10.0.0.2:80 1"]);
  monitor.assume(SERVICE, endpoint(1), [true]);
  assert.equal(sink.log.length, 3, "it has results of its own");
  monitor.stop();
});
