import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NONE, type SchedulerColumns, ServerFlag, UNUSABLE } from "../../../src/schedulers/columns.js";
import { benchABC, REFUSED, SchedulerBench } from "../../helpers/scheduler-bench.js";

const COLD_START = "C B A A B A C B A C B A A B A C B A";

describe("wrr", () => {
  it("has its first round at the lowest level on a service that began empty, then the regular cycle", () => {
    assert.equal(benchABC("wrr").connects(18), COLD_START);
  });

  it("goes through the kernel's levels", () => {
    const bench = benchABC("wrr");
    const levels = Array.from({ length: 18 }, () => {
      bench.connect();
      return bench.columns.services.state[1];
    });
    assert.deepEqual(levels, [1, 1, 1, 4, 3, 3, 2, 2, 2, 1, 1, 1, 4, 3, 3, 2, 2, 2]);
  });

  it("starts at the highest level when bound to a populated service", () => {
    assert.equal(benchABC("rr").rebind("wrr").connects(9), "A B A C B A C B A");
  });

  it("is the textbook cycle for a list in order of weight", () => {
    const bench = new SchedulerBench("wrr")
      .add("C", { weight: 2 })
      .add("B", { weight: 3 })
      .add("A", { weight: 4 });
    assert.equal(bench.connects(18), "A B C A A B A B C A B C A A B A B C");
    assert.equal(bench.rebind("wrr").connects(9), "A A B A B C A B C");
  });

  it("divides the levels by the weights' common divisor", () => {
    const bench = new SchedulerBench("wrr")
      .add("A", { weight: 6 })
      .add("B", { weight: 4 })
      .add("C", { weight: 2 });
    assert.equal(bench.connects(18), "C B A A B A C B A A B A C B A A B A");
    assert.deepEqual([...bench.columns.services.state.subarray(2, 4)], [5, 2]);
  });

  const afterTwelve = {
    "a weight is lowered": ["C B A B C B C B A B C B", (b: SchedulerBench) => b.edit("A", { weight: 1 })],
    "a weight is set to 0": ["C B B C B C B B C B C B", (b: SchedulerBench) => b.edit("A", { weight: 0 })],
    "one becomes full": [
      "B C B C B B C B C B B C",
      (b: SchedulerBench) => b.flag("A", ServerFlag.OVERLOADED),
    ],
  } as const;
  for (const [what, [trace, change]] of Object.entries(afterTwelve)) {
    it(`goes on as the kernel does when ${what} in mid-stream`, () => {
      const bench = benchABC("wrr");
      bench.connects(12);
      assert.equal(change(bench).connects(12), trace);
    });
  }

  it("keeps the present level when a realserver is added", () => {
    const bench = benchABC("wrr");
    bench.connects(14);
    assert.equal(bench.add("D", { weight: 5 }).connects(20), "D B A D C B A D C B A D D A D B A D C B");
  });

  it("chooses in proportion to the weights over a cycle", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 8 }), (weights) => {
        const bench = new SchedulerBench("rr");
        weights.forEach((weight, i) => void bench.add(`s${i}`, { weight }));
        bench.rebind("wrr");
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const counts = weights.map(() => 0);
        for (let i = 0; i < total; i++) counts[Number(bench.choose().slice(1))]++;
        assert.deepEqual(counts, weights);
      }),
    );
  });

  it("answers at once when the heaviest of all is full and the next one is light", () => {
    const bench = new SchedulerBench("wrr").add("A", { weight: 0x7fffffff }).add("B", { weight: 1 });
    bench.rebind("wrr").flag("A", ServerFlag.OVERLOADED);
    assert.equal(bench.connects(3), "B B B");
    assert.equal(bench.flag("B", ServerFlag.OVERLOADED).choose(), REFUSED);
    assert.equal(bench.flag("B", ServerFlag.OVERLOADED, false).choose(), "B");
  });

  it("agrees with a walk over every level, refusals and the state they leave included", () => {
    const op = fc.tuple(
      fc.constantFrom("choose", "choose", "choose", "full", "free", "edit", "delete", "add"),
      fc.nat(),
      fc.integer({ min: 0, max: 12 }),
    );
    fc.assert(
      fc.property(fc.array(op, { maxLength: 80 }), (ops) => {
        const bench = benchABC("wrr");
        let added = 0;
        for (const [what, pick, weight] of ops) {
          const members = bench.members();
          const name = members[pick % members.length];
          if (what === "choose") {
            const expected = walkEveryLevel(bench.columns);
            assert.equal(bench.choose(), expected.server === NONE ? REFUSED : bench.nameOf(expected.server));
            const [cursor, level] = bench.columns.services.state;
            assert.deepEqual({ cursor, level }, { cursor: expected.cursor, level: expected.level });
          } else if (what === "add" && added < 50) {
            bench.add(`s${added++}`, { weight });
          } else if (name !== undefined && what === "full") bench.flag(name, ServerFlag.OVERLOADED);
          else if (name !== undefined && what === "free") bench.flag(name, ServerFlag.OVERLOADED, false);
          else if (name !== undefined && what === "edit") bench.edit(name, { weight });
          else if (name !== undefined && what === "delete") bench.delete(name);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** What wrr does, level by level, without any short cut; service 0, nothing is changed. */
function walkEveryLevel({ services, servers }: SchedulerColumns): {
  server: number;
  cursor: number;
  level: number;
} {
  const [last, startLevel, top, step] = services.state;
  let level = startLevel;
  if (top === 0) return { server: NONE, cursor: last, level };
  let cursor: number = last;
  let stop = NONE;
  let wasLastLevel = false;
  let restarted = false;
  for (;;) {
    cursor = cursor === NONE ? services.head[0] : servers.next[cursor];
    for (; cursor !== NONE; cursor = servers.next[cursor]) {
      if ((servers.flags[cursor] & UNUSABLE) === 0 && servers.weight[cursor] >= level) {
        return { server: cursor, cursor, level };
      }
      if (cursor === stop) return { server: NONE, cursor, level };
    }
    level -= step;
    if (level <= 0) {
      level = top;
      if (wasLastLevel || last === NONE) return { server: NONE, cursor: NONE, level };
      restarted = true;
    }
    wasLastLevel = level <= step;
    if (wasLastLevel && restarted) stop = last;
  }
}
