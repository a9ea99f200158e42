/** What holds for every scheduler. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ServerFlag } from "../../../src/schedulers/columns.js";
import { SCHEDULER_NAMES, schedulerNumber } from "../../../src/schedulers/registry.js";
import { REFUSED, SchedulerBench } from "../../helpers/scheduler-bench.js";

const NAMES = "rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh twos".split(" ");

/** Refuse some clients while realservers are usable: hashed ones, and ovf. */
const REFUSE_EARLY = new Set(["dh", "sh", "mh", "ovf"]);
const FALLBACK_AND_PORT = 0x18;

type Op = readonly [what: string, pick: number, weight: number];
const op: fc.Arbitrary<Op> = fc.tuple(
  fc.constantFrom(
    ...["connect", "connect", "connect", "close", "add", "delete", "forget", "edit"],
    ...["full", "free", "exclude", "include", "rebind"],
  ),
  fc.nat(1000),
  fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 0x7fffffff })),
);

/** Plays the operations, calling `visit` before each choice. */
function play(bench: SchedulerBench, ops: readonly Op[], visit: (bench: SchedulerBench) => void): void {
  let added = 0;
  for (const [what, pick, weight] of ops) {
    const members = bench.members();
    const name = members[pick % members.length];
    bench.key.nowSec += pick * 100;
    if (what === "connect") {
      bench.from(`192.0.2.${pick % 256}`, pick).to(`10.77.0.${pick % 8}`);
      visit(bench);
    } else if (what === "rebind") bench.rebind(SCHEDULER_NAMES[pick % SCHEDULER_NAMES.length]);
    else if (what === "add" && added < 60) bench.add(`s${added++}`, { weight });
    else if (name === undefined) continue;
    else if (what === "delete") bench.delete(name);
    else if (what === "forget") bench.delete(name).forget(name);
    else if (what === "edit") bench.edit(name, { weight });
    else if (what === "full") bench.flag(name, ServerFlag.OVERLOADED);
    else if (what === "free") bench.flag(name, ServerFlag.OVERLOADED, false);
    else if (what === "exclude") bench.flag(name, ServerFlag.EXCLUDED);
    else if (what === "include") bench.flag(name, ServerFlag.EXCLUDED, false);
    else if (what === "close" && bench.columns.servers.active[bench.slot(name)] > 0) bench.close(name);
  }
}

function isUsable(bench: SchedulerBench, name: string, ignored = 0): boolean {
  const { weight, flags } = bench.columns.servers;
  const slot = bench.slot(name);
  return weight[slot] > 0 && (flags[slot] & ~ignored) === ServerFlag.AVAILABLE;
}

describe("registry", () => {
  it("has the schedulers in the order of ipvsadm's help, then twos", () => {
    assert.deepEqual(SCHEDULER_NAMES, NAMES);
  });

  it("knows a scheduler's number, and that there is none of another name", () => {
    assert.equal(schedulerNumber("wlc"), 3);
    assert.equal(schedulerNumber("none"), -1);
    assert.equal(schedulerNumber(""), -1);
  });
});

for (const scheduler of NAMES) {
  describe(scheduler, () => {
    for (const flags of [0, FALLBACK_AND_PORT]) {
      it(`chooses only usable members, whatever was edited before (flags ${flags})`, () => {
        // lblc's remembered realserver may be over its threshold, as in the kernel.
        const ignored = scheduler === "lblc" ? ServerFlag.OVERLOADED : 0;
        fc.assert(
          fc.property(fc.array(op, { maxLength: 120 }), (ops) => {
            const withoutRebind = ops.filter(([what]) => what !== "rebind");
            play(new SchedulerBench(scheduler, { flags }), withoutRebind, (bench) => {
              const usable = bench.members().filter((name) => isUsable(bench, name, ignored));
              const chosen = bench.connect();
              if (chosen !== REFUSED) assert.ok(usable.includes(chosen), `${chosen} is not usable`);
              else if (!REFUSE_EARLY.has(scheduler)) {
                assert.deepEqual(
                  bench.members().filter((name) => isUsable(bench, name)),
                  [],
                );
              }
            });
          }),
        );
      });
    }

    it("can be bound after any other one", () => {
      fc.assert(
        fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
          const bench = new SchedulerBench("rr");
          play(bench, ops, () => bench.choose());
          bench.rebind(scheduler);
          for (const name of bench.members()) bench.edit(name, { weight: 1 });
          for (const name of bench.members())
            bench.flag(name, ServerFlag.EXCLUDED | ServerFlag.OVERLOADED, false);
          bench.columns.servers.active.fill(0);
          const chosen = bench.choose();
          assert.equal(chosen === REFUSED, bench.members().length === 0);
        }),
      );
    });

    it("never returns an excluded realserver, one after the other until none is left", () => {
      const bench = new SchedulerBench(scheduler, { flags: FALLBACK_AND_PORT })
        .from("192.0.2.1", 5)
        .to("10.77.0.1");
      for (let i = 0; i < 5; i++) bench.add(`s${i}`, { weight: 1 + i });
      const tried = new Set<string>();
      for (let chosen = bench.choose(); chosen !== REFUSED; chosen = bench.choose()) {
        assert.ok(!tried.has(chosen), `${chosen} was chosen again`);
        tried.add(chosen);
        bench.flag(chosen, ServerFlag.EXCLUDED);
      }
      assert.equal(tried.size, scheduler === "dh" ? 1 : 5);
    });
  });
}
