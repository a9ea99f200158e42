import assert from "node:assert/strict";
import { test } from "node:test";
import { HealthHistory } from "../../../src/health/history.js";

const change = (n: number) => ({ at: `${n}`, service: "s", from: "up", to: "down", reason: "" });

test("the last changes are kept, oldest first", () => {
  const history = new HealthHistory(3);
  assert.deepEqual(history.list(), []);
  for (const n of [1, 2]) history.add(change(n));
  assert.deepEqual(
    history.list().map(({ at }) => at),
    ["1", "2"],
  );
  for (const n of [3, 4, 5]) history.add(change(n));
  assert.deepEqual(
    history.list().map(({ at }) => at),
    ["3", "4", "5"],
  );
});

test("a hundred changes are kept", () => {
  const history = new HealthHistory();
  for (let n = 0; n < 250; n++) history.add(change(n));
  assert.deepEqual([history.list().length, history.list()[0].at], [100, "150"]);
});
