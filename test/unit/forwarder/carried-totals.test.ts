import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { zeroTotals } from "../../../src/balancer/estimator.js";
import { DEFAULT_SETTINGS } from "../../../src/core/model.js";
import type { ServiceStatus, TrafficTotals } from "../../../src/core/status.js";
import { CarriedTotals } from "../../../src/forwarder/carried-totals.js";
import { Figures, Layout } from "../../../src/forwarder/figures.js";
import { realserver, VIP } from "../../helpers/balancer-bench.js";

const KEY = "tcp://10.77.0.100:80";
const counted = (connections: number): TrafficTotals => ({ ...zeroTotals(), connections });

function service(connections: number): ServiceStatus {
  const durations = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
  return {
    id: VIP,
    key: KEY,
    settings: DEFAULT_SETTINGS,
    connections: 1,
    totals: counted(connections),
    rates: zeroTotals(),
    leaving: [],
    realservers: [
      {
        ...realserver("10.77.2.1"),
        active: 1,
        inactive: 2,
        persistent: 0,
        overloaded: false,
        totals: counted(connections),
        rates: zeroTotals(),
        connectTime: durations,
        sessionTime: durations,
      },
    ],
  };
}

const layout = new Layout(1, [[KEY, ["10.77.2.1:80"]]]);
const report = (connections: number): Figures =>
  new Figures("totals", layout, [0, connections, 0, 0, 0, 0, 1, connections, 0, 0, 0, 0]);

describe("carried totals", () => {
  test("what a generation last reported is carried on when it ends, once", () => {
    const totals = new CarriedTotals();
    const generation = {};
    totals.note(generation, report(3));
    totals.note(generation, report(5));
    totals.carryOn(generation);
    totals.carryOn(generation);
    const [merged] = totals.merge([service(2)], []);
    assert.equal(merged.totals.connections, 7);
    assert.equal(merged.realservers[0].totals.connections, 7);
    const figures = report(2);
    totals.addTo(figures);
    assert.deepEqual([figures.values[0], figures.values[5]], [7, 7]);
  });

  test("a draining generation's counts are added to the newest one's", () => {
    const [merged] = new CarriedTotals().merge([service(2)], [[service(4)]]);
    assert.equal(merged.totals.connections, 6);
    assert.equal(merged.connections, 2);
    assert.deepEqual([merged.realservers[0].active, merged.realservers[0].inactive], [2, 4]);
  });

  test("zeroing and deletion forget what was carried on", () => {
    const totals = new CarriedTotals();
    const carry = (): void => {
      const generation = {};
      totals.note(generation, report(5));
      totals.carryOn(generation);
    };
    carry();
    totals.zero(KEY);
    assert.equal(totals.merge([service(2)], [])[0].totals.connections, 2);
    carry();
    totals.forget(KEY, "10.77.2.1:80");
    const [merged] = totals.merge([service(2)], []);
    assert.equal(merged.totals.connections, 7);
    assert.equal(merged.realservers[0].totals.connections, 2);
  });
});
