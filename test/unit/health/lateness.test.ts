import assert from "node:assert/strict";
import { test } from "node:test";
import { Lateness } from "../../../src/health/lateness.js";

test("late starts count in the summary for ten seconds at least, and are forgotten after twenty", () => {
  const lateness = new Lateness();
  lateness.record(700, 0);
  for (let ms = 1000; ms <= 9000; ms += 1000) lateness.record(0, ms);
  assert.ok(Math.abs(lateness.summary(9000).maxMs - 700) < 10);
  lateness.record(5, 12_000);
  assert.deepEqual([lateness.summary(19_000).count, lateness.summary(12_000).maxMs > 600], [11, true]);
  assert.deepEqual(lateness.summary(23_000), { count: 1, p50Ms: 5, p99Ms: 5, maxMs: 5 });
  assert.equal(lateness.summary(60_000).count, 0);
});
