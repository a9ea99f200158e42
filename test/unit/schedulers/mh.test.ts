import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SCHEDULER_FLAG_BITS } from "../../../src/core/model.js";
import { ServerFlag } from "../../../src/schedulers/columns.js";
import { type BenchOptions, REFUSED, SchedulerBench } from "../../helpers/scheduler-bench.js";
import { createSchedulerColumns } from "../../helpers/scheduler-columns.js";

const PORT = { flags: SCHEDULER_FLAG_BITS["mh-port"] };
const FALLBACK = { flags: SCHEDULER_FLAG_BITS["mh-fallback"] };
const PLACES = 4093;

/** A 10.0.0.1:80, B 10.0.0.2:80, C 10.0.0.3:80. */
function equals(options: BenchOptions = {}): SchedulerBench {
  return new SchedulerBench("mh", options).add("A").add("B").add("C");
}

const table = (bench: SchedulerBench): string[] =>
  Array.from(bench.columns.services.table.subarray(0, PLACES), (slot) => bench.nameOf(slot));

function counts(bench: SchedulerBench): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of table(bench)) result[name] = (result[name] ?? 0) + 1;
  return result;
}

/** Client; its realserver without and with mh-port from port 50000 (ipvs.md §1.12). */
const VECTORS = [
  ["192.0.2.1", "C", "A"],
  ["192.0.2.2", "B", "B"],
  ["192.0.2.3", "B", "A"],
  ["192.0.2.4", "C", "A"],
  ["192.0.2.5", "B", "A"],
  ["192.0.2.6", "C", "C"],
  ["192.0.2.7", "B", "C"],
  ["192.0.2.8", "C", "C"],
  ["198.51.100.7", "A", "B"],
  ["203.0.113.5", "C", "C"],
  ["10.1.2.3", "A", "C"],
  ["2001:db8::1", "B", "B"],
] as const;

describe("mh", () => {
  for (const [client, server, portServer] of VECTORS) {
    it(`sends ${client} where the kernel does, with and without its port`, () => {
      assert.equal(equals().from(client, 50000).choose(), server);
      assert.equal(equals(PORT).from(client, 50000).choose(), portServer);
    });
  }

  it("makes the kernel's table", () => {
    const bench = equals();
    assert.equal(table(bench).slice(0, 24).join(" "), "A B B C C A B C C A A B B A A C B B A A C B C C");
    assert.deepEqual(counts(bench), { A: 1364, B: 1364, C: 1365 });
  });

  it("shares the table by weight", () => {
    const bench = equals().edit("A", { weight: 4 }).edit("B", { weight: 3 }).edit("C", { weight: 2 });
    assert.deepEqual(counts(bench), { A: 1818, B: 1365, C: 910 });
    const timesTen = equals().edit("A", { weight: 40 }).edit("B", { weight: 30 }).edit("C", { weight: 20 });
    assert.deepEqual(table(timesTen), table(bench));
  });

  it("moves only four places of the others when one of three goes", () => {
    const bench = equals();
    const before = table(bench);
    const after = table(bench.delete("B"));
    assert.equal(before.filter((name, i) => name !== "B" && name !== after[i]).length, 4);
  });

  it("moves few places of the others whoever goes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), fc.nat(200), (count, gone, subnet) => {
        const bench = new SchedulerBench("mh");
        for (let i = 0; i < count; i++) bench.add(`s${i}`, { address: `10.1.${subnet}.${i + 1}` });
        const name = `s${gone % count}`;
        const before = table(bench);
        const after = table(bench.delete(name));
        const moved = before.filter((server, i) => server !== name && server !== after[i]).length;
        assert.ok(moved < PLACES * 0.1, `${moved} places moved`);
      }),
      { numRuns: 30 },
    );
  });

  it("keeps the table when a weight goes to 0 and refuses those clients", () => {
    const bench = equals();
    const before = table(bench);
    bench.edit("B", { weight: 0 });
    assert.deepEqual(table(bench), before);
    assert.equal(bench.from("192.0.2.2").choose(), REFUSED);
    assert.equal(bench.from("192.0.2.1").choose(), "C");
  });

  it("moves the clients of an unusable realserver with mh-fallback, and no others", () => {
    const change = {
      quiesced: (bench: SchedulerBench) => bench.edit("B", { weight: 0 }),
      full: (bench: SchedulerBench) => bench.flag("B", ServerFlag.OVERLOADED),
      excluded: (bench: SchedulerBench) => bench.flag("B", ServerFlag.EXCLUDED),
    };
    for (const unusable of Object.values(change)) {
      const bench = unusable(equals(FALLBACK));
      const chosen = VECTORS.slice(0, 5).map(([client]) => bench.from(client).choose());
      assert.deepEqual(chosen, ["C", "C", "A", "C", "A"]);
    }
  });

  it("leaves out a realserver that was added with weight 0", () => {
    const bench = equals();
    const before = table(bench);
    assert.deepEqual(table(bench.add("D", { weight: 0 })), before);
    assert.ok(table(bench.edit("D", { weight: 1 })).includes("D"));
  });

  it("refuses without realservers, without weights, and when all are full", () => {
    assert.equal(new SchedulerBench("mh", FALLBACK).from("192.0.2.1").choose(), REFUSED);
    assert.equal(new SchedulerBench("mh", FALLBACK).add("A", { weight: 0 }).choose(), REFUSED);
    const bench = equals(FALLBACK).from("192.0.2.1");
    for (const name of bench.members()) bench.flag(name, ServerFlag.OVERLOADED);
    assert.equal(bench.choose(), REFUSED);
  });

  it("gives every realserver a share of very different and very great weights", () => {
    const bench = equals()
      .edit("A", { weight: 0x7fffffff })
      .edit("B", { weight: 1 })
      .edit("C", { weight: 0x40000000 });
    const { A, B, C } = counts(bench);
    assert.ok(A > C && C > B && B > 0, `${A} ${B} ${C}`);
  });

  it("fills the table with hundreds of realservers, each with its share", () => {
    const columns = createSchedulerColumns({ servers: 400 });
    const bench = new SchedulerBench("rr", { columns });
    for (let i = 0; i < 400; i++) {
      bench.add(`s${i}`, { address: `10.2.${i >> 8}.${i & 255}`, weight: 1 });
    }
    const shares = Object.values(counts(bench.rebind("mh")));
    assert.equal(shares.length, 400);
    assert.ok(Math.max(...shares) - Math.min(...shares) <= 1);
  });
});
