import assert from "node:assert/strict";
import { test } from "node:test";
import { RateEstimator, zeroTotals } from "../../../src/balancer/estimator.js";

function ratesOf(name: "connections" | "inBytes", perPeriod: readonly number[]): number[] {
  const totals = zeroTotals();
  const estimator = new RateEstimator(totals);
  return perPeriod.map((count) => {
    totals[name] += count;
    estimator.estimate(totals);
    return estimator.rates()[name];
  });
}

test("100 connections a second show as 25, 44, 58, ... (reference/ipvs.md section 5)", () => {
  assert.deepEqual(
    ratesOf("connections", new Array(12).fill(200)),
    [25, 44, 58, 68, 76, 82, 87, 90, 92, 94, 96, 97],
  );
});

test("after the traffic stops the rate falls by a quarter each period", () => {
  const rates = ratesOf("connections", [...new Array(12).fill(200), ...new Array(7).fill(0)]);
  assert.deepEqual(rates.slice(12), [73, 54, 41, 31, 23, 17, 13]);
});

test("bytes are bytes a second", () => {
  assert.equal(ratesOf("inBytes", new Array(60).fill(2_000_000)).at(-1), 1_000_000);
});

test("a reset starts from zero with the counters as they are", () => {
  const totals = zeroTotals();
  const estimator = new RateEstimator(totals);
  totals.connections = 1000;
  estimator.estimate(totals);
  estimator.reset(totals);
  estimator.estimate(totals);
  assert.equal(estimator.rates().connections, 0);
});
