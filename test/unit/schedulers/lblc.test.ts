import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServerFlag } from "../../../src/schedulers/columns.js";
import { benchABC, REFUSED, type SchedulerBench } from "../../helpers/scheduler-bench.js";

const X = "192.0.2.10";
const Y = "192.0.2.11";

/** B is remembered for X, as C and A are excluded for the first choice. */
function rememberingB(): SchedulerBench {
  const bench = benchABC("lblc").to(X).flag("C", ServerFlag.EXCLUDED).flag("A", ServerFlag.EXCLUDED);
  assert.equal(bench.choose(), "B");
  return bench.flag("C", ServerFlag.EXCLUDED, false).flag("A", ServerFlag.EXCLUDED, false);
}

describe("lblc", () => {
  it("keeps a destination on its realserver until that one is overburdened while another is under half load", () => {
    assert.equal(benchABC("lblc").to(X).connects(18), "C C C B B B B A A A A A A A A A A A");
  });

  it("gives destinations realservers of their own", () => {
    const bench = benchABC("lblc");
    const trace = Array.from({ length: 12 }, (_, i) => bench.to(i % 2 === 0 ? X : Y).connect());
    assert.equal(trace.join(" "), "C B C B C B A B A B A B");
  });

  it("uses a remembered realserver even when it is over its threshold", () => {
    assert.equal(rememberingB().flag("B", ServerFlag.OVERLOADED).choose(), "B");
  });

  it("leaves a remembered realserver that is excluded, and stays with the one found instead", () => {
    const bench = rememberingB().flag("B", ServerFlag.EXCLUDED);
    assert.equal(bench.choose(), "C");
    assert.equal(bench.flag("B", ServerFlag.EXCLUDED, false).choose(), "C");
  });

  it("leaves a remembered realserver of weight 0", () => {
    assert.equal(rememberingB().edit("B", { weight: 0 }).choose(), "C");
  });

  it("leaves a remembered realserver that was deleted", () => {
    assert.equal(rememberingB().delete("B").choose(), "C");
  });

  it("does not take the next realserver in a remembered slot for the one it meant", () => {
    const bench = rememberingB().delete("B").forget("B");
    const before = bench.slot("C");
    bench.add("D", { weight: 1 });
    assert.notEqual(bench.slot("D"), before);
    bench.columns.servers.active[bench.slot("D")] = 1;
    assert.equal(bench.choose(), "C");
  });

  it("refuses when nothing is remembered and nobody is usable", () => {
    const bench = benchABC("lblc").to(X);
    for (const name of bench.members()) bench.edit(name, { weight: 0 });
    assert.equal(bench.choose(), REFUSED);
  });

  it("keys by the whole address and its family", () => {
    const bench = rememberingB();
    for (const other of ["192.0.2.11", "2001:db8::1", "2001:db8:0:1::", "c000:20a::"]) {
      assert.equal(bench.to(other).choose(), "C", other);
    }
    assert.equal(bench.to(X).choose(), "B");
  });
});
