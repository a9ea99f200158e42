import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ServerFlag } from "../../../src/schedulers/columns.js";
import { REFUSED, SchedulerBench } from "../../helpers/scheduler-bench.js";

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `s${i}`);

describe("rr", () => {
  it("goes round from the newest, past those of weight 0", () => {
    const bench = new SchedulerBench("rr").add("A").add("B").add("C", { weight: 0 }).add("D");
    assert.equal(bench.connects(12), "D B A D B A D B A D B A");
  });

  it("goes on with the successor of a realserver deleted under the cursor", () => {
    const bench = new SchedulerBench("rr").add("A").add("B").add("C");
    assert.equal(bench.connects(2), "C B");
    assert.equal(bench.delete("B").connects(4), "A C A C");
  });

  it("begins at the head when the first realserver was under the cursor and is deleted", () => {
    const bench = new SchedulerBench("rr").add("A").add("B").add("C");
    assert.equal(bench.connects(1), "C");
    assert.equal(bench.delete("C").connects(3), "B A B");
  });

  it("reaches a realserver added in mid-round when the round begins anew", () => {
    const bench = new SchedulerBench("rr").add("A").add("B").add("C");
    assert.equal(bench.connects(2), "C B");
    assert.equal(bench.add("D").connects(6), "A D C B A D");
  });

  it("starts afresh when bound again", () => {
    const bench = new SchedulerBench("rr").add("A").add("B").add("C");
    bench.connects(2);
    assert.equal(bench.rebind("rr").connects(3), "C B A");
  });

  it("comes back to the only usable realserver, and refuses when it is full too", () => {
    const bench = new SchedulerBench("rr").add("A").add("B").flag("B", ServerFlag.OVERLOADED);
    assert.equal(bench.connects(3), "A A A");
    assert.equal(bench.flag("A", ServerFlag.OVERLOADED).choose(), REFUSED);
    assert.equal(new SchedulerBench("rr").choose(), REFUSED);
  });

  it("visits everybody once a round, whatever was added and deleted before", () => {
    const edit = fc.tuple(fc.constantFrom("add", "delete", "connect"), fc.nat());
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(edit, { maxLength: 40 }), (count, edits) => {
        const bench = new SchedulerBench("rr");
        for (const name of names(count)) bench.add(name);
        let next = count;
        for (const [what, pick] of edits) {
          const members = bench.members();
          if (what === "connect") bench.connect();
          else if (what === "add" && next < 40) bench.add(`s${next++}`);
          else if (what === "delete" && members.length > 1) bench.delete(members[pick % members.length]);
        }
        const members = bench.members();
        const round = members.map(() => bench.choose());
        assert.deepEqual(round.sort(), [...members].sort());
      }),
    );
  });
});
