/** The worked traces of the reference (health.md §8), by their numbers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readAgentLine } from "../../../src/health/agent-line.js";
import { AlertDecision } from "../../../src/health/alert-decision.js";
import { CheckRunner } from "../../../src/health/check-runner.js";
import { Ejection, mostEjected } from "../../../src/health/ejection.js";
import { resultOfProgram } from "../../../src/health/exit-status.js";
import { ldirectordTimeouts } from "../../../src/health/ldirectord-timeouts.js";
import { MixedCycle } from "../../../src/health/mixed-cycle.js";
import { Quorum } from "../../../src/health/quorum.js";
import { slowStartFactor } from "../../../src/health/slow-start.js";
import {
  type AlertSpec,
  type CheckRules,
  checkTiming,
  DEFAULT_ALERT,
  DEFAULT_PASSIVE,
} from "../../../src/health/spec.js";
import { CheckState } from "../../../src/health/state-machine.js";
import { askedWeight, effectiveWeight, weightDelta } from "../../../src/health/weight.js";
import { FakeTimers } from "../../helpers/fake-timers.js";
import { ScriptedChecker } from "../../helpers/scripted-checker.js";

const HAPROXY: CheckRules = { rise: 2, fall: 3, initial: "fully-up" };
const MINUTE = 60_000;

/** Feeds `F` and `S`. @returns the counter and whether it is up after each */
function feed(state: CheckState, results: string): { health: number[]; up: boolean[] } {
  const health: number[] = [];
  const up: boolean[] = [];
  for (const result of results) {
    state.record(result === "S" ? "passed" : "failed", 0);
    health.push(state.health);
    up.push(state.isUp);
  }
  return { health, up };
}

/** Feeds `F` and `S` at an interval. @returns the calls as `result number:type` */
function alerts(
  spec: Partial<AlertSpec>,
  results: string,
  intervalMs = 0,
  summary = (_i: number) => "host",
): string[] {
  const decision = new AlertDecision({ ...DEFAULT_ALERT, ...spec });
  return [...results].flatMap((result, i) => {
    const input = { isUp: result === "S", summary: summary(i + 1), detail: "" };
    const call = decision.decide(input, i * intervalMs);
    return call ? [`${i + 1}:${call}`] : [];
  });
}

describe("HAProxy's counter", () => {
  test("1: rise 2 fall 3 from full goes down at the third failure in a row", () => {
    const { health, up } = feed(new CheckState(HAPROXY), "FFSFFF");
    assert.deepEqual(health, [3, 2, 4, 3, 2, 0]);
    assert.deepEqual(up, [true, true, true, true, true, false]);
  });

  test("2: then goes up at the second success in a row", () => {
    const state = new CheckState(HAPROXY);
    feed(state, "FFSFFF");
    const { health, up } = feed(state, "SFSS");
    assert.deepEqual(health, [1, 0, 1, 4]);
    assert.deepEqual(up, [false, false, false, true]);
  });

  test("3: with init-state none the first failed probe takes it down", () => {
    const state = new CheckState({ ...HAPROXY, initial: "up" });
    assert.equal(state.health, 2);
    assert.deepEqual(feed(state, "F"), { health: [0], up: [false] });
  });

  test("4: sudden-death leaves it one failure from down", () => {
    const state = new CheckState(HAPROXY);
    assert.equal(tenErrors(state, "sudden-death"), true);
    assert.deepEqual([state.health, state.isUp], [2, true]);
    assert.deepEqual(feed(state, "F").up, [false]);
  });

  test("5: mark-down takes it down at once", () => {
    const state = new CheckState(HAPROXY);
    assert.equal(tenErrors(state, "mark-down"), true);
    assert.equal(state.isUp, false);
  });

  /** Ten failed connections with an error limit of ten. @returns whether the limit was reached at the tenth */
  function tenErrors(state: CheckState, effect: "sudden-death" | "mark-down"): boolean {
    const marks = new Ejection({ ...DEFAULT_PASSIVE, errorLimit: 10 });
    const reached = Array.from({ length: 10 }, () => marks.count(1, 0));
    if (reached[9]) state.connectionsFail(effect, 0);
    return reached.indexOf(true) === 9;
  }
});

describe("ldirectord", () => {
  test("6: failurecount 3 goes down at the sixth, a success between resets the count", () => {
    const state = new CheckState({ rise: 1, fall: 3, initial: "fully-up" });
    assert.deepEqual(feed(state, "FFSFFF").up, [true, true, true, true, true, false]);
  });

  test("7: checktype 3 negotiates, then connects three times", () => {
    assert.equal(cycle(3, "S".repeat(12)), "NCCCNCCCNCCC");
  });

  test("8: checktype 3 negotiates after a failed connect", () => {
    assert.equal(cycle(3, "SSFS"), "NCCN");
  });

  test("24: negotiatetimeout of the service counts for both", () => {
    assert.deepEqual(ldirectordTimeouts({ negotiate: 7 }, {}), { check: 7, negotiate: 7 });
  });

  test("25: the global checktimeout counts for both", () => {
    assert.deepEqual(ldirectordTimeouts({}, { check: 3 }), { check: 3, negotiate: 3 });
  });

  function cycle(n: number, results: string): string {
    const mixed = new MixedCycle(n);
    return [...results]
      .map((result) => {
        const kind = mixed.next() === "deep" ? "N" : "C";
        mixed.record(result === "S");
        return kind;
      })
      .join("");
  }
});

describe("keepalived", () => {
  test("9: retry 2, delay_loop 6, delay_before_retry 1 probes at 0, 1, 2, is down at 2, and probes next at 8", async () => {
    const timers = new FakeTimers();
    const checker = new ScriptedChecker(() => timers.nowMs(), "x");
    const start = timers.nowMs();
    // Running since long: fully up.
    const state = new CheckState({ rise: 1, fall: 3, initial: "fully-up" });
    const timing = checkTiming({ intervalMs: 6000, fastIntervalMs: 1000, jitterPercent: 0, warmupMs: 0 });
    const downAtMs: number[] = [];
    const service = { protocol: "tcp", address: "192.0.2.1", port: 80 } as const;
    const target = { address: "127.0.0.1", port: 80 };
    const runner = new CheckRunner({ timers });
    runner.add(
      {
        checker,
        target,
        context: { service, realserver: target, weight: 1 },
        timing: { ...timing, countFrom: "end" },
        serviceKey: "",
      },
      {
        onResult: ({ outcome }) => {
          if (state.record(outcome, timers.nowMs())) downAtMs.push(timers.nowMs() - start);
        },
        intervalMs: () => state.intervalMs(timing),
      },
    );
    await timers.advance(9000);
    runner.stop();
    assert.deepEqual(
      checker.startsMs.map((ms) => ms - start),
      [0, 1000, 2000, 8000],
    );
    assert.deepEqual(downAtMs, [2000]);
  });

  test("10: the first probe ever that fails takes it down at once", () => {
    assert.deepEqual(feed(new CheckState({ rise: 1, fall: 3, initial: "up" }), "F").up, [false]);
  });

  test("11: quorum 3 hysteresis 1 over three realservers of weight 2", () => {
    const quorum = new Quorum(3, 1, 6, 6);
    const up = [6, 2, 0, 2, 4].map((weight) => {
      quorum.update(weight);
      return quorum.isUp;
    });
    assert.deepEqual(up, [true, true, false, false, true]);
  });

  test("12: MISC dynamic with weight 5 ends with 0, 12, 0, 1", () => {
    const weights = [0, 12, 0, 1].map((exitStatus) => {
      const { outcome, weight } = resultOfProgram(
        { exitStatus, timedOut: false, reason: `exit status ${exitStatus}`, output: "", isCut: false },
        true,
      );
      return outcome === "failed" ? "down" : askedWeight(5, [weightDelta(weight!, 5)]);
    });
    assert.deepEqual(weights, [5, 10, 5, "down"]);
  });
});

describe("Envoy's outliers", () => {
  const envoy = {
    ...DEFAULT_PASSIVE,
    baseMs: 30_000,
    maxMs: 300_000,
    growth: "linear",
    jitterPercent: 0,
  } as const;

  test("13: ejections in a row grow by the base up to the maximum", () => {
    const ejection = new Ejection(envoy);
    let now = 0;
    const seconds = Array.from({ length: 12 }, () => {
      const length = ejection.eject(now, 0.5);
      now += length;
      ejection.expire(now);
      return length / 1000;
    });
    assert.deepEqual(seconds, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
  });

  test("14: of four hosts with 10 % none is ever ejected", () => {
    assert.equal(mostEjected({ ...envoy, maxEjectedPercent: 10, atLeastOne: false }, 4), 0);
  });
});

describe("agent-check", () => {
  test("15: up 50% maxconn:100 on weight 10", () => {
    const { outcome, weight, connectionLimit } = readAgentLine("up 50% maxconn:100\n");
    assert.deepEqual(
      [outcome, askedWeight(10, [weightDelta(weight!, 10)]), connectionLimit],
      ["passed", 5, 100],
    );
  });

  test("16: down # disk full", () => {
    const { outcome, reason } = readAgentLine("down # disk full\n");
    assert.deepEqual([outcome, reason], ["failed", "via agent : down (disk full)"]);
  });

  test("17: drain,75% drains and keeps the weight for later", () => {
    const { outcome, admin, weight } = readAgentLine("drain,75%\n");
    assert.deepEqual([outcome, admin, weight], ["neutral", "drain", { percent: 75 }]);
  });

  test("18: a line without its end is ignored", () => {
    const { outcome, admin, weight, connectionLimit } = readAgentLine("down");
    assert.deepEqual([outcome, admin, weight, connectionLimit], ["neutral", undefined, undefined, undefined]);
  });
});

test("19: slow start of 16 s with weight 16", () => {
  const weights = [0, 1, 8, 15, 16].map((s) => effectiveWeight(16, slowStartFactor(s * 1000, 16_000)));
  assert.deepEqual(weights, [1, 2, 9, 16, 16]);
});

describe("mon's alerts", () => {
  test("20: alertafter 3 calls at the third failure only, and upalert at the success", () => {
    assert.deepEqual(alerts({ after: { count: 3 } }, "FFF"), ["3:down"]);
    assert.deepEqual(alerts({ after: { count: 3 } }, "FFFSF"), ["3:down", "4:up"]);
  });

  const everyHour = { intervalMs: 60 * MINUTE, unlessChanged: "summary", strict: false } as const;

  test("21: alertevery 1h with eight failures at 10 min calls at the first and seventh", () => {
    assert.deepEqual(alerts({ every: everyHour }, "FFFFFFFF", 10 * MINUTE), ["1:down", "7:down"]);
  });

  test("22: alertevery 1h with another summary from the third on calls at the first, third and ninth", () => {
    const summary = (i: number) => (i < 3 ? "a" : "a b");
    assert.deepEqual(alerts({ every: everyHour }, "F".repeat(9), 10 * MINUTE, summary), [
      "1:down",
      "3:down",
      "9:down",
    ]);
  });

  test("23: alertafter 2 30m at 20 min calls at the fourth, for a success begins the window anew", () => {
    const after = { count: 2, windowMs: 30 * MINUTE };
    assert.deepEqual(alerts({ after }, "FSFF", 20 * MINUTE), ["4:down"]);
  });
});
