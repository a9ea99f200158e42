import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CacheSetting, ServerFlag } from "../../../src/schedulers/columns.js";
import { benchABC, REFUSED, type SchedulerBench } from "../../helpers/scheduler-bench.js";
import { createSchedulerColumns } from "../../helpers/scheduler-columns.js";

const X = "192.0.2.10";

/** The set of the only entry, first member first. */
function setOf(bench: SchedulerBench): string {
  const { cache, services } = bench.columns;
  const entry = services.table.subarray(0, 1024).find((first) => first >= 0)!;
  const names: string[] = [];
  for (let member = cache.entryTarget[entry]; member >= 0; member = cache.memberNext[member]) {
    names.push(bench.nameOf(cache.memberServer[member]));
  }
  return names.join(" ");
}

describe("lblcr", () => {
  it("lets a destination's set grow as its members are overburdened", () => {
    const bench = benchABC("lblcr").to(X);
    assert.equal(bench.connects(24), "C C C B B B B A A A A A A B A C B A A B C A B A");
    assert.equal(setOf(bench), "A B C");
  });

  it("sheds the most loaded member when the set has not changed for a day", () => {
    const bench = benchABC("lblcr").to(X);
    bench.connects(16);
    bench.key.nowSec += 86401;
    assert.equal(bench.connects(8), "B A A B A B A B");
    assert.equal(setOf(bench), "A B");
  });

  it("waits for more than lblcr_expiration, which can be set", () => {
    const bench = benchABC("lblcr").to(X);
    bench.columns.cache.settings[CacheSetting.LBLCR_EXPIRATION_SEC] = 4;
    bench.connects(8);
    bench.key.nowSec += 4;
    bench.choose();
    assert.equal(setOf(bench), "A B C");
    bench.key.nowSec += 1;
    bench.choose();
    assert.equal(setOf(bench), "A B");
  });

  it("never sheds the only member", () => {
    const bench = benchABC("lblcr").to(X);
    bench.choose();
    bench.key.nowSec += 100000;
    bench.choose();
    assert.equal(setOf(bench), "C");
  });

  for (const [what, flag] of Object.entries({ full: ServerFlag.OVERLOADED, excluded: ServerFlag.EXCLUDED })) {
    it(`adds another realserver to the set when its only member is ${what}`, () => {
      const bench = benchABC("lblcr").to(X);
      assert.equal(bench.choose(), "C");
      assert.equal(bench.flag("C", flag).choose(), "B");
      assert.equal(setOf(bench), "B C");
      assert.equal(bench.flag("B", flag).flag("A", flag).choose(), REFUSED);
    });
  }

  it("ignores a deleted member, and takes it again when it is added again", () => {
    const bench = benchABC("lblcr").to(X);
    assert.equal(bench.choose(), "C");
    assert.equal(bench.delete("C").choose(), "B");
    assert.equal(bench.add("C", { weight: 2 }).choose(), "B");
    bench.columns.servers.active[bench.slot("B")] = 1;
    assert.equal(bench.choose(), "C");
  });

  it("forgets a member whose slot became another realserver's", () => {
    const bench = benchABC("lblcr").to(X);
    assert.equal(bench.choose(), "C");
    bench.delete("C").forget("C").add("D", { weight: 2 });
    const loaded = bench.columns.servers.active;
    loaded[bench.slot("D")] = 1;
    assert.equal(bench.choose(), "B");
    assert.equal(setOf(bench), "B");
  });

  it("goes on choosing as wlc, without a larger set, when the pool has no member left", () => {
    const bench = benchABC("lblcr", { columns: createSchedulerColumns({ members: 1 }) }).to(X);
    assert.equal(bench.connects(7), "C C C B A A B");
    assert.equal(setOf(bench), "C");
  });
});
