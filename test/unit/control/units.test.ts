import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatBytes, formatDuration, formatPercentiles } from "../../../src/control/cli/units.js";

test("bytes are shown in the greatest unit with one decimal", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [1024 ** 2 - 1, "1.0 MiB"],
    [1024 ** 3, "1.0 GiB"],
    [Number.MAX_SAFE_INTEGER, "8.0 PiB"],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

test("durations are shown with two or three digits", () => {
  const cases: [number, string][] = [
    [0, "0.0ms"],
    [0.31, "0.3ms"],
    [9.94, "9.9ms"],
    [9.96, "10ms"],
    [999.4, "999ms"],
    [999.6, "1.0s"],
    [59_900, "59.9s"],
    [60_000, "1m 0s"],
  ];
  for (const [milliseconds, text] of cases) assert.equal(formatDuration(milliseconds), text);
});

test("ages are shown in their two greatest units", () => {
  const cases: [number, string][] = [
    [-5, "0s"],
    [59_999, "59s"],
    [3_599_000, "59m 59s"],
    [3_600_000, "1h 0m"],
    [86_400_000 * 400, "400d 0h"],
  ];
  for (const [milliseconds, text] of cases) assert.equal(formatAge(milliseconds), text);
});

test("percentiles of nothing are a dash", () => {
  assert.equal(formatPercentiles({ count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 }), "-");
});
