import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type CheckRules, checkTiming, type InitialState } from "../../../src/health/spec.js";
import { CheckState } from "../../../src/health/state-machine.js";

const RULES: CheckRules = { rise: 2, fall: 3, initial: "fully-up" };
const TIMING = checkTiming({ intervalMs: 6000, fastIntervalMs: 1000, downIntervalMs: 3000 });

test("the initial states are as near to the other side as HAProxy's", () => {
  const expected: Record<InitialState, number> = { "fully-up": 4, up: 2, down: 1, "fully-down": 0 };
  for (const [initial, health] of Object.entries(expected)) {
    assert.equal(new CheckState({ ...RULES, initial: initial as InitialState }).health, health);
  }
});

test("the interval is fast on the way, another one when fully down", () => {
  const state = new CheckState(RULES);
  const intervals = [state.intervalMs(TIMING)];
  for (const outcome of ["failed", "failed", "failed", "passed", "passed"] as const) {
    state.record(outcome, 0);
    intervals.push(state.intervalMs(TIMING));
  }
  assert.deepEqual(intervals, [6000, 1000, 1000, 3000, 1000, 6000]);
});

test("failing connections make one interval fast without failing a check", () => {
  const state = new CheckState(RULES);
  assert.equal(state.connectionsFail("fastinter", 0), false);
  assert.deepEqual([state.health, state.intervalMs(TIMING)], [4, 1000]);
  state.record("passed", 0);
  assert.equal(state.intervalMs(TIMING), 6000);
});

test("failing connections count as one failed check", () => {
  const state = new CheckState(RULES);
  state.connectionsFail("fail-check", 0);
  assert.equal(state.health, 3);
});

test("failing connections do not move a check that is down", () => {
  for (const effect of ["fail-check", "sudden-death", "mark-down"] as const) {
    const state = new CheckState({ ...RULES, initial: "fully-down" });
    assert.equal(state.connectionsFail(effect, 0), false);
    assert.equal(state.health, 0);
  }
});

test("neutral results change nothing", () => {
  const state = new CheckState(RULES);
  state.record("failed", 0);
  assert.equal(state.record("neutral", 0), false);
  assert.equal(state.health, 3);
});

test("progress tells how far the other side is", () => {
  const state = new CheckState(RULES);
  assert.equal(state.progress, "3/3");
  state.record("failed", 0);
  assert.equal(state.progress, "2/3");
  state.record("failed", 0);
  state.record("failed", 0);
  assert.equal(state.progress, "0/2");
  state.record("passed", 0);
  assert.equal(state.progress, "1/2");
});

test("up and down follow from the last results as rise and fall say, whatever came before", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.boolean()),
      (rise, fall, results) => {
        const state = new CheckState({ rise, fall, initial: "fully-down" });
        let isUp = false;
        let inRow = 0;
        let last: boolean | undefined;
        for (const passed of results) {
          inRow = passed === last ? inRow + 1 : 1;
          last = passed;
          if (passed && inRow >= rise) isUp = true;
          if (!passed && inRow >= fall) isUp = false;
          state.record(passed ? "passed" : "failed", 0);
          assert.equal(state.isUp, isUp);
        }
      },
    ),
  );
});

describe("flap damping", () => {
  const damped: CheckRules = {
    rise: 1,
    fall: 1,
    initial: "fully-up",
    damping: { limit: 3, halfLifeMs: 60_000, maxMs: 100_000 },
  };

  /** Goes down and up so many times, all at one instant. */
  function flap(state: CheckState, times: number, nowMs: number): void {
    for (let i = 0; i < times; i++) {
      state.record("failed", nowMs);
      state.record("passed", nowMs);
    }
  }

  test("holds a check down that goes down too often, and lets it up once the penalty has decayed", () => {
    const state = new CheckState(damped);
    flap(state, 2, 1000);
    assert.equal(state.isUp, true);
    flap(state, 1, 1000);
    assert.equal(state.isUp, false);
    assert.equal(state.heldDownUntil(1000), 61_000, "one half-life from 3 to 1.5");
    state.record("passed", 60_999);
    assert.equal(state.isUp, false);
    assert.equal(state.record("passed", 61_000), true);
  });

  test("holds it no longer than its maximum", () => {
    const state = new CheckState({ ...damped, damping: { limit: 3, halfLifeMs: 1e9, maxMs: 100_000 } });
    flap(state, 3, 0);
    assert.equal(state.heldDownUntil(0), 100_000);
  });

  test("forgets what is long ago", () => {
    const state = new CheckState(damped);
    for (let i = 0; i < 20; i++) flap(state, 1, i * 600_000);
    assert.equal(state.isUp, true);
  });
});
