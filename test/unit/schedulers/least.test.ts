/** The schedulers that keep no state: lc, wlc, sed, nq, fo, ovf. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServerFlag } from "../../../src/schedulers/columns.js";
import { benchABC, REFUSED, SchedulerBench } from "../../helpers/scheduler-bench.js";

/** Eighteen connections that stay, on A 4, B 3, C 2 (ipvs.md §1). */
const TRACES = {
  lc: "C B A C B A C B A C B A C B A C B A",
  wlc: "C B A A B C A B A C B A A B C A B A",
  sed: "A B C A B A C B A A B C A B A C B A",
  nq: "C B A A B A C B A A B C A B A C B A",
  fo: "A A A A A A A A A A A A A A A A A A",
  ovf: "A A A A A B B B B C C C - - - - - -",
};

describe("schedulers without state", () => {
  for (const [scheduler, trace] of Object.entries(TRACES)) {
    it(`${scheduler} gives the kernel's trace for weights 4, 3, 2`, () => {
      assert.equal(benchABC(scheduler).connects(18), trace);
    });

    it(`${scheduler} gives a tie to the one added last`, () => {
      const bench = new SchedulerBench(scheduler).add("A").add("B").add("C");
      assert.equal(bench.choose(), "C");
      assert.equal(bench.delete("B").add("B").choose(), "B");
    });

    it(`${scheduler} refuses when nobody is usable`, () => {
      const bench = new SchedulerBench(scheduler);
      assert.equal(bench.choose(), REFUSED);
      assert.equal(bench.add("A", { weight: 0 }).choose(), REFUSED);
      assert.equal(bench.add("B").flag("B", ServerFlag.OVERLOADED).choose(), REFUSED);
      assert.equal(bench.flag("B", ServerFlag.OVERLOADED, false).choose(), "B");
    });
  }

  it("lc ignores weights above 0 and counts 256 inactive ones as one active", () => {
    const bench = new SchedulerBench("lc").add("A", { weight: 100 }).add("B");
    const { active, inactive } = bench.columns.servers;
    inactive[bench.slot("A")] = 255;
    active[bench.slot("B")] = 1;
    assert.equal(bench.choose(), "A");
    inactive[bench.slot("A")] = 256;
    assert.equal(bench.choose(), "B");
  });

  it("wlc spreads connections that only linger just as those that are active", () => {
    const bench = benchABC("wlc");
    assert.equal(Array.from({ length: 18 }, () => bench.bindConnection()).join(" "), TRACES.wlc);
  });

  it("wlc compares exactly where the products are too great for a double", () => {
    const bench = new SchedulerBench("wlc").add("A", { weight: 0x7fffffff }).add("B", { weight: 0x7ffffffe });
    const { active, inactive } = bench.columns.servers;
    active.fill(0x7ffffe, 0, 2);
    // Load of A: n / w, of B: n / (w - 1); one connection more on A tips neither double product apart.
    assert.equal(bench.choose(), "A");
    inactive[bench.slot("A")] = 1;
    assert.equal(bench.choose(), "B");
  });

  it("sed goes on with the rest when the heaviest is full", () => {
    const bench = benchABC("sed").flag("A", ServerFlag.OVERLOADED);
    assert.equal(bench.connects(6), "B C B C B B");
  });

  it("sed always takes the heaviest, nq always the newest, while connections are inactive only", () => {
    const inactive = (bench: SchedulerBench): string =>
      Array.from({ length: 6 }, () => bench.bindConnection()).join(" ");
    assert.equal(inactive(benchABC("sed")), "A A A A A A");
    assert.equal(inactive(benchABC("nq")), "C C C C C C");
    assert.equal(inactive(benchABC("ovf")), "A A A A A A");
  });

  it("nq sends to an idle realserver even the lightest", () => {
    const bench = new SchedulerBench("nq").add("A", { weight: 1 }).add("B", { weight: 1000 });
    assert.equal(bench.connects(4), "B A B B");
  });

  it("fo goes down the weights as upper thresholds are reached", () => {
    const bench = new SchedulerBench("fo");
    for (const [name, weight] of Object.entries({ A: 4, B: 3, C: 2 })) {
      bench.add(name, { weight, upperThreshold: 3 });
    }
    assert.equal(bench.connects(12), "A A A B B B C C C - - -");
  });
});
