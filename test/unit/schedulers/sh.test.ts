import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIp } from "../../../src/core/address.js";
import { SCHEDULER_FLAG_BITS } from "../../../src/core/model.js";
import { ServerFlag } from "../../../src/schedulers/columns.js";
import { foldAddress, multiplicativeHash } from "../../../src/schedulers/hash.js";
import { benchABC, REFUSED, SchedulerBench } from "../../helpers/scheduler-bench.js";

const PORT = { flags: SCHEDULER_FLAG_BITS["sh-port"] };
const FALLBACK = { flags: SCHEDULER_FLAG_BITS["sh-fallback"] };

/** Client, its bucket and realserver; then bucket and realserver with sh-port from port 50000 (ipvs.md §1.10). */
const VECTORS = [
  ["192.0.2.1", 50, "A", 127, "C"],
  ["192.0.2.2", 148, "B", 225, "C"],
  ["192.0.2.3", 246, "B", 67, "B"],
  ["198.51.100.7", 171, "C", 248, "A"],
  ["203.0.113.5", 185, "A", 6, "A"],
  ["10.1.2.3", 2, "B", 79, "A"],
  ["2001:db8::1", 63, "C", 139, "B"],
  ["2001:db8::2", 160, "A", 237, "B"],
] as const;

const table = (bench: SchedulerBench): string[] =>
  Array.from(bench.columns.services.table.subarray(0, 256), (slot) => bench.nameOf(slot));

describe("sh", () => {
  for (const [client, bucket, server, portBucket, portServer] of VECTORS) {
    it(`sends ${client} where the kernel does, with and without its port`, () => {
      const fold = foldAddress(Uint32Array.from(parseIp(client)!.words), 0);
      assert.equal(multiplicativeHash(fold, 8), bucket);
      assert.equal(multiplicativeHash(fold + 50000, 8), portBucket);
      assert.equal(benchABC("sh").from(client, 50000).choose(), server);
      assert.equal(benchABC("sh", PORT).from(client, 50000).choose(), portServer);
    });
  }

  it("gives each realserver as many buckets in turn as its weight", () => {
    const names = table(benchABC("sh"));
    assert.equal(names.slice(0, 9).join(" "), "C C B B B A A A A");
    const count = (name: string): number => names.filter((other) => other === name).length;
    assert.deepEqual([count("A"), count("B"), count("C")], [112, 86, 58]);
  });

  it("leaves one bucket a turn to a realserver of weight 0, whose clients are refused", () => {
    const bench = benchABC("sh").edit("B", { weight: 0 }).from("192.0.2.9");
    assert.equal(table(bench).slice(0, 7).join(" "), "C C B A A A A");
    assert.equal(bench.choose(), REFUSED);
  });

  it("looks further with sh-fallback when the bucket's realserver has weight 0, is full or excluded", () => {
    const quiesced = benchABC("sh", FALLBACK).edit("B", { weight: 0 }).from("192.0.2.9");
    assert.equal(quiesced.choose(), "A");
    for (const flag of [ServerFlag.OVERLOADED, ServerFlag.EXCLUDED]) {
      assert.equal(benchABC("sh").flag("B", flag).from("192.0.2.2").choose(), REFUSED);
      const bench = benchABC("sh", FALLBACK).flag("B", flag);
      const names = table(bench);
      for (let i = 0; i < 256; i++) {
        const hash = multiplicativeHash(0xc0000200 + i, 8);
        const further = [...names, ...names].slice((2 * hash) % 256).find((name) => name !== "B");
        const expected = names[hash] === "B" ? further : names[hash];
        assert.equal(bench.from(`192.0.2.${i}`).choose(), expected);
      }
    }
  });

  it("keeps a client on its realserver whatever the load", () => {
    const bench = benchABC("sh").from("192.0.2.1");
    assert.equal(bench.connects(5), "A A A A A");
  });

  it("refuses without realservers", () => {
    assert.equal(new SchedulerBench("sh", FALLBACK).from("192.0.2.1").choose(), REFUSED);
    assert.equal(new SchedulerBench("sh").add("A").delete("A").from("192.0.2.1").choose(), REFUSED);
  });
});
