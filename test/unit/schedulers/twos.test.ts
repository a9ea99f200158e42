import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { benchABC, REFUSED, SchedulerBench } from "../../helpers/scheduler-bench.js";

/** Share of each name in so many choices from a given state of the random numbers. */
function shares(bench: SchedulerBench, count: number, seed = 20240229): Record<string, number> {
  bench.columns.services.state[0] = seed;
  const result: Record<string, number> = { A: 0, B: 0, C: 0 };
  for (let i = 0; i < count; i++) result[bench.choose()] += 1 / count;
  return result;
}

const assertNear = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 0.01, `${actual} is not near ${expected}`);

describe("twos", () => {
  it("gives the same sequence for the same state word", () => {
    const run = (): string => {
      const bench = benchABC("twos");
      bench.columns.services.state[0] = 42;
      return bench.connects(50);
    };
    assert.equal(run(), run());
  });

  it("draws by weight, the first of the list one more, when nobody is loaded", () => {
    const { A, B, C } = shares(benchABC("twos"), 40000);
    assertNear(C, 3 / 10);
    assertNear(B, 3 / 10);
    assertNear(A, 4 / 10);
  });

  it("takes the less loaded of two", () => {
    const bench = benchABC("twos");
    bench.columns.servers.active[bench.slot("A")] = 1000;
    // A is taken only where it is drawn twice.
    assertNear(shares(bench, 40000).A, (4 / 10) ** 2);
  });

  it("draws by weights whose sum is beyond 32 bits", () => {
    const bench = new SchedulerBench("twos");
    for (const name of ["A", "B", "C"]) bench.add(name, { weight: 0x7fffffff });
    const { A, B, C } = shares(bench, 40000);
    for (const share of [A, B, C]) assertNear(share, 1 / 3);
  });

  it("seeds its random numbers when it is bound, never with 0", () => {
    const bench = new SchedulerBench("twos").add("A");
    assert.notEqual(bench.columns.services.state[0], 0);
  });

  it("refuses when nobody is usable", () => {
    assert.equal(new SchedulerBench("twos").choose(), REFUSED);
    assert.equal(new SchedulerBench("twos").add("A", { weight: 0 }).choose(), REFUSED);
  });
});
