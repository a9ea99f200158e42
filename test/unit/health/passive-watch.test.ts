import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertEvent } from "../../../src/health/alert-event.js";
import { PassiveWatch } from "../../../src/health/passive-watch.js";
import { type AlertSpec, DEFAULT_ALERT, DEFAULT_PASSIVE } from "../../../src/health/spec.js";
import { HealthFixture, server } from "../../helpers/health-fixture.js";

/** Two realservers without checks; the calls about the first one are kept. */
function setup(alert: Partial<AlertSpec> = {}) {
  const spec: AlertSpec = { ...DEFAULT_ALERT, down: [{ url: "http://down" }], up: [], ...alert };
  const fixture = new HealthFixture([server(1, { checks: [] }), server(2, { checks: [] })], {
    passive: { ...DEFAULT_PASSIVE, jitterPercent: 0 },
    alerts: [spec],
  });
  const calls: AlertEvent[] = [];
  const owner = {
    alerts: { call: (_actions: unknown, event: AlertEvent) => void calls.push(event) },
    nowMs: () => fixture.nowMs,
    wallMs: () => fixture.nowMs,
  };
  const watch = new PassiveWatch(owner, fixture.health, fixture.server(1));
  const look = (): void => {
    fixture.weights();
    watch.look();
  };
  return {
    calls,
    fixture,
    told: () => calls.map(({ type, oldState, newState }) => `${type}: ${oldState} -> ${newState}`),
    eject: (failures = 5) => {
      const { ejectedMs } = fixture.count(1, failures);
      assert.ok(ejectedMs !== undefined);
      watch.ejected(ejectedMs);
      look();
    },
    pass: (ms: number) => {
      fixture.nowMs += ms;
      look();
    },
    succeed: () => {
      fixture.count(1, 0, 1);
      look();
    },
  };
}

test("an ejection is told with its length, and the return when a connection has succeeded", () => {
  const { eject, pass, succeed, told, calls } = setup();
  eject();
  pass(10_000);
  assert.deepEqual(told(), ["down: up -> ejected"], "on trial it is not back");
  succeed();
  assert.deepEqual(told(), ["down: up -> ejected", "up: ejected -> up"]);
  assert.deepEqual(
    calls.map(({ check, reason }) => `${check}: ${reason}`),
    ["passive: ejected for 10 s: connections to it fail", "passive: connections to it may succeed again"],
  );
  assert.equal(calls[0].output.split("\n")[0], "10.0.0.1", "the failed host, as mon's monitors print it");
});

test("a trial that fails is told again, unless the alert is not to be repeated so soon", () => {
  const eager = setup();
  const patient = setup({ every: { intervalMs: 3_600_000, unlessChanged: "nothing", strict: false } });
  for (const { eject, pass } of [eager, patient]) {
    eject();
    pass(10_000);
    eject(1);
  }
  assert.deepEqual(eager.told(), ["down: up -> ejected", "down: half-open -> ejected"]);
  assert.deepEqual(patient.told(), ["down: up -> ejected"]);
});

test("a return is told once, and only after an ejection", () => {
  const { eject, pass, succeed, told } = setup();
  succeed();
  eject();
  pass(10_000);
  succeed();
  succeed();
  assert.equal(told().length, 2);
});
