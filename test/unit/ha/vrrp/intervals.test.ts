/** Expected values: reference ha.md §3.1. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { downMs, skewMs } from "../../../../src/ha/vrrp/intervals.js";

/** Priority, then skew and down time of version 2 at 1 s and down time at 2 s, in seconds. */
const V2: readonly (readonly number[])[] = [
  [1, 0.9961, 3.9961, 6.9961],
  [50, 0.8047, 3.8047, 6.8047],
  [100, 0.6094, 3.6094, 6.6094],
  [128, 0.5, 3.5, 6.5],
  [150, 0.4141, 3.4141, 6.4141],
  [200, 0.2188, 3.2188, 6.2188],
  [254, 0.0078, 3.0078, 6.0078],
  [255, 0.0039, 3.0039, 6.0039],
];

/** Priority, then skew and down time of version 3 at 1 s, 100 ms and 10 ms, in milliseconds. */
const V3: readonly (readonly number[])[] = [
  [1, 996.093, 3996.093, 99.609, 399.609, 9.96, 39.96],
  [50, 804.687, 3804.687, 80.468, 380.468, 8.046, 38.046],
  [100, 609.375, 3609.375, 60.937, 360.937, 6.093, 36.093],
  [128, 500, 3500, 50, 350, 5, 35],
  [150, 414.062, 3414.062, 41.406, 341.406, 4.14, 34.14],
  [200, 218.75, 3218.75, 21.875, 321.875, 2.187, 32.187],
  [254, 7.812, 3007.812, 0.781, 300.781, 0.078, 30.078],
  [255, 3.906, 3003.906, 0.39, 300.39, 0.039, 30.039],
];

const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `found ${actual}, expected ${expected}`);

for (const [priority, skew, down1, down2] of V2) {
  test(`version 2, priority ${priority}: the skew does not depend on the interval, the down time does`, () => {
    const parts = { version: 2, priority, masterIntervalMs: 1000, deadAdverts: 3 } as const;
    const slow = { ...parts, masterIntervalMs: 2000 };
    near(skewMs(parts), skew * 1000, 0.051);
    near(skewMs(slow), skew * 1000, 0.051);
    near(downMs(parts), down1 * 1000, 0.051);
    near(downMs(slow), down2 * 1000, 0.051);
  });
}

for (const [priority, ...expected] of V3) {
  test(`version 3, priority ${priority}: skew and down time follow the master's interval`, () => {
    [1000, 100, 10].forEach((masterIntervalMs, i) => {
      const parts = { version: 3, priority, masterIntervalMs, deadAdverts: 3 } as const;
      near(skewMs(parts), expected[2 * i], 0.001);
      near(downMs(parts), expected[2 * i + 1], 0.001);
    });
  });
}

test("more advertisements may be missing where that is configured", () => {
  assert.equal(downMs({ version: 3, priority: 128, masterIntervalMs: 100, deadAdverts: 20 }), 2050);
});
