import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { exceeds, overhead } from "../../../src/schedulers/load.js";
import { SchedulerBench } from "../../helpers/scheduler-bench.js";

const int32 = fc.oneof(
  fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  fc.integer({ min: 0x7ffffff0, max: 0x7fffffff }),
  fc.integer({ min: 0, max: 300 }),
);
const weight = fc.oneof(
  fc.integer({ min: 0, max: 0x7fffffff }),
  fc.integer({ min: 0x7ffffff0, max: 0x7fffffff }),
);

describe("comparison of loads", () => {
  it("is exact for any 32-bit counts and weights", () => {
    fc.assert(
      fc.property(int32, weight, int32, weight, (a, w, b, v) => {
        assert.equal(exceeds(a, w, b, v), BigInt(a) * BigInt(w) > BigInt(b) * BigInt(v));
      }),
      { numRuns: 5000 },
    );
  });

  it("tells products apart that are the same double", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0x70000000, max: 0x7ffffff0 }),
        fc.integer({ min: 0, max: 8 }),
        (n, d) => {
          // (n + d)(n - d) = n² - d²
          assert.equal(exceeds(n, n, n + d, n - d), d > 0);
          assert.equal(exceeds(n + d, n - d, n, n), false);
        },
      ),
    );
  });

  it("counts an active connection like 256 inactive ones, in a 32-bit integer that wraps", () => {
    const { columns } = new SchedulerBench("wlc").add("A");
    columns.servers.active[0] = 3;
    columns.servers.inactive[0] = 5;
    assert.equal(overhead(columns.servers, 0), 3 * 256 + 5);
    columns.servers.active[0] = 0x800000;
    assert.equal(overhead(columns.servers, 0), -0x80000000 + 5);
  });
});
