/** Timers by the clock of the system, exact ones among them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SystemTimers } from "../../../src/ha/timers.js";

describe("the timers of the running system", () => {
  const timers = new SystemTimers();

  test("an exact one does not call back before its time, which may be a fraction", async () => {
    for (const delayMs of [0.25, 1.5, 2.125, 5.375]) {
      const dueMs = timers.nowMs() + delayMs;
      await new Promise<void>((resolve) => void timers.after(delayMs, resolve, true));
      assert.ok(timers.nowMs() >= dueMs, `${delayMs} ms`);
    }
  });

  test("one that was taken back does not call back", async () => {
    for (const isExact of [false, true]) {
      timers.after(1, () => assert.fail("called back"), isExact)();
      await new Promise<void>((resolve) => void timers.after(5, resolve));
    }
  });
});
