/** The table of weights (reference: ha.md §3.6). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type TrackedItem, type TrackedState, Tracking } from "../../../../src/ha/tracking/tracking.js";

function outcome(base: number, item: Partial<TrackedItem>, state: TrackedState) {
  const tracking = new Tracking(base, [{ kind: "script", name: "chk", ...item }]);
  tracking.set("script", "chk", state);
  return tracking.outcome();
}

const ROWS: readonly [weight: number, reverse: boolean, up: number, down: number][] = [
  [20, false, 120, 100],
  [-20, false, 100, 80],
  [20, true, 100, 120],
  [-20, true, 80, 100],
];

for (const [weight, reverse, up, down] of ROWS) {
  test(`weight ${weight}${reverse ? " reversed" : ""}: ${up} while it works, ${down} while it has failed`, () => {
    assert.equal(outcome(100, { weight, reverse }, "up").priority, up);
    assert.equal(outcome(100, { weight, reverse }, "down").priority, down);
  });
}

test("weight 0: a failure is a fault, and the priority stays", () => {
  assert.deepEqual(outcome(100, {}, "down"), { priority: 100, faults: ["script chk is down"] });
  assert.deepEqual(outcome(100, {}, "up"), { priority: 100, faults: [] });
});

test("what was not checked yet is a fault where the weight is 0, and adds nothing elsewhere", () => {
  assert.deepEqual(outcome(100, {}, "unknown").faults, ["script chk is not checked yet"]);
  assert.deepEqual(outcome(100, { weight: 5 }, "unknown"), { priority: 100, faults: [] });
  assert.deepEqual(outcome(100, { weight: -5 }, "unknown"), { priority: 100, faults: [] });
});

test("the sum is kept within 1 to 254", () => {
  assert.equal(outcome(200, { weight: 253 }, "up").priority, 254);
  assert.equal(outcome(100, { weight: -253 }, "down").priority, 1);
});

test("the owner's 255 stays", () => {
  assert.equal(outcome(255, { weight: -253 }, "down").priority, 255);
});

test("several things add up, and each is shown with what it adds", () => {
  const tracking = new Tracking(100, [
    { kind: "interface", name: "eth1", weight: 10 },
    { kind: "service", name: "web", weight: -30 },
  ]);
  tracking.set("interface", "eth1", "up");
  tracking.set("service", "web", "down");
  assert.equal(tracking.outcome().priority, 80);
  assert.deepEqual(
    tracking.statuses().map(({ name, adds }) => [name, adds]),
    [
      ["eth1", 10],
      ["web", -30],
    ],
  );
});

test("what is not watched, or no news, is told as such", () => {
  const tracking = new Tracking(100, [{ kind: "script", name: "chk" }]);
  assert.equal(tracking.set("script", "other", "up"), false);
  assert.equal(tracking.set("interface", "chk", "up"), false);
  assert.equal(tracking.set("script", "chk", "up"), true);
  assert.equal(tracking.set("script", "chk", "up"), false);
});
