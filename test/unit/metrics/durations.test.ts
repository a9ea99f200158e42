import assert from "node:assert/strict";
import { test } from "node:test";
import { Durations } from "../../../src/metrics/durations.js";

const NONE = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };

function assertWithin(actual: number, expected: number, relative: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * relative, `${actual} is not near ${expected}`);
}

test("a realserver without connections has no durations", () => {
  assert.deepEqual(new Durations().connectTime(7), NONE);
});

test("percentiles are right to two significant digits", () => {
  const durations = new Durations();
  for (let i = 1; i <= 1000; i++) durations.record(0, i / 10, i * 10);
  const { count, p50Ms, p99Ms } = durations.connectTime(0);
  assert.equal(count, 1000);
  assertWithin(p50Ms, 50, 0.01);
  assertWithin(p99Ms, 99, 0.01);
  assertWithin(durations.sessionTime(0).p50Ms, 5000, 0.01);
});

test("a microsecond and a day are both kept, more than a day counts as a day", () => {
  const durations = new Durations();
  const dayMs = 24 * 3600 * 1000;
  durations.record(0, 0.001, dayMs);
  durations.record(1, 0.001, 50 * dayMs);
  assert.equal(durations.connectTime(0).p50Ms, 0.001);
  assert.equal(durations.sessionTime(0).maxMs, dayMs);
  assert.equal(durations.sessionTime(1).maxMs, dayMs);
});

test("no percentile is above the longest time", () => {
  const durations = new Durations();
  durations.record(0, 123.457, 123.457);
  const { p99Ms, maxMs } = durations.connectTime(0);
  assert.equal(p99Ms, maxMs);
  assert.equal(maxMs, 123.457);
});

test("realservers are told apart, and forgetting one leaves the others", () => {
  const durations = new Durations();
  durations.record(0, 1, 10);
  durations.record(1, 2, 20);
  durations.forget(0);
  assert.deepEqual(durations.connectTime(0), NONE);
  assert.deepEqual(durations.sessionTime(0), NONE);
  assert.equal(durations.connectTime(1).count, 1);
});
