import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertEvent } from "../../../src/health/alert-event.js";
import { CheckWatch } from "../../../src/health/check-watch.js";
import { type CheckResult, failed } from "../../../src/health/checker.js";
import { type AlertSpec, type CheckRules, DEFAULT_ALERT } from "../../../src/health/spec.js";
import { checkSpec, HealthFixture, server } from "../../helpers/health-fixture.js";
import { fails, passes } from "../../helpers/scripted-checker.js";

const DOWN = { program: "/alert", args: [] };
const UP = { program: "/upalert", args: [] };

/** A watch whose calls are kept, with the clock of the fixture as wall clock. */
function setup(rules: Partial<CheckRules> = {}, alert: Partial<AlertSpec> = {}) {
  const spec: AlertSpec = { ...DEFAULT_ALERT, down: [DOWN], up: [UP], ...alert };
  const fixture = new HealthFixture([server(1, { checks: [checkSpec(rules)] })], { alerts: [spec] });
  const calls: AlertEvent[] = [];
  const one = fixture.server(1);
  const owner = {
    alerts: { call: (_actions: unknown, event: AlertEvent) => void calls.push(event) },
    nowMs: () => fixture.nowMs,
    wallMs: () => fixture.nowMs,
    onRecorded: () => {},
  };
  const watch = new CheckWatch(owner, fixture.health, one, one.checks[0]);
  const feed = (results: string | CheckResult): string[] => {
    const before = calls.length;
    const list =
      typeof results === "string" ? [...results].map((c) => (c === "." ? passes : fails)) : [results];
    for (const result of list) {
      fixture.nowMs += 1000;
      watch.onResult(result, 1);
    }
    return calls.slice(before).map(({ type, oldState }) => `${type} from ${oldState}`);
  };
  return { feed, calls, watch, fixture };
}

test("soft failures call nobody, and a down is called after its fall", () => {
  const { feed } = setup({ fall: 3, initial: "fully-up" });
  assert.deepEqual(feed("..xx.xx"), []);
  assert.deepEqual(feed("x"), ["down from up"]);
});

test("a check that rises for the first time calls nobody, whatever it takes to rise", () => {
  const { feed } = setup({ rise: 3, initial: "fully-down" });
  assert.deepEqual(feed("....."), []);
});

test("a realserver that is dead from the beginning is told of", () => {
  assert.deepEqual(setup({ initial: "down" }).feed("x"), ["down from unknown"]);
});

test("successes on the way up neither call nor end a failure", () => {
  const { feed } = setup({ rise: 2, fall: 1, initial: "fully-up" });
  assert.deepEqual(feed(".x.x.."), ["down from up", "down from up", "up from down"]);
});

test("neutral results call nobody", () => {
  const { feed } = setup({ initial: "fully-up" });
  assert.deepEqual(feed({ outcome: "neutral", code: "L7TOUT", reason: "silent" }), []);
});

test("programs get the failed host, then the reason; upalert gets the last failure's and its times", () => {
  const { feed, calls } = setup({ initial: "fully-up" });
  feed(".xx.");
  const up = calls.at(-1)!;
  assert.equal(up.output, "10.0.0.1\n10.0.0.1:80: broken\n");
  assert.deepEqual(
    [up.firstSuccessMs, up.firstFailureMs, up.lastFailureMs, up.lastSuccessMs],
    [5000, 3000, 4000, 5000],
  );
  assert.deepEqual([up.reason, up.check], ["fine", "scripted"]);
});

test("what a monitor program printed goes to the alert as it is", () => {
  const { feed, calls } = setup({ initial: "fully-up" });
  feed(failed("PROCERR", "exit status 1", { output: "web1 web2\nmore\n" }));
  assert.equal(calls[0].output, "web1 web2\nmore\n");
});

test("a reload with the same alerts does not call again, other alerts begin anew", () => {
  const every = { intervalMs: 3_600_000, unlessChanged: "summary", strict: false } as const;
  const { feed, watch, fixture } = setup({ initial: "fully-up" }, { every });
  assert.equal(feed("x").length, 1);
  watch.move(fixture.health, fixture.server(1));
  assert.equal(feed("x").length, 0);
  const other = new HealthFixture([], { alerts: [{ ...DEFAULT_ALERT, down: [DOWN], after: { count: 2 } }] });
  watch.move(other.health, fixture.server(1));
  assert.deepEqual([feed("x").length, feed("x").length], [0, 1]);
});
