import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServerFlag } from "../../../src/schedulers/columns.js";
import { benchABC, REFUSED } from "../../helpers/scheduler-bench.js";

describe("dh", () => {
  const vectors = {
    "192.0.2.10": "C",
    "192.0.2.11": "B",
    "192.0.2.12": "C",
    "198.51.100.7": "C",
    "203.0.113.5": "A",
    "2001:db8::80": "A",
  };
  for (const [destination, server] of Object.entries(vectors)) {
    it(`sends connections to ${destination} where the kernel does`, () => {
      assert.equal(benchABC("dh").to(destination).choose(), server);
    });
  }

  it("deals the buckets round whatever the weights, and does not deal anew when a weight changes", () => {
    const bench = benchABC("dh");
    const names = (): string =>
      Array.from(bench.columns.services.table.subarray(0, 6), (slot) => bench.nameOf(slot)).join(" ");
    assert.equal(names(), "C B A C B A");
    bench.edit("A", { weight: 100 });
    assert.equal(names(), "C B A C B A");
    bench.delete("B");
    assert.equal(names(), "C A C A C A");
  });

  it("refuses the clients of a realserver that has weight 0, is full or excluded", () => {
    assert.equal(benchABC("dh").to("192.0.2.11").edit("B", { weight: 0 }).choose(), REFUSED);
    for (const flag of [ServerFlag.OVERLOADED, ServerFlag.EXCLUDED]) {
      assert.equal(benchABC("dh").to("192.0.2.11").flag("B", flag).choose(), REFUSED);
    }
  });
});
