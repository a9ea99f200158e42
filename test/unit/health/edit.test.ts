import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { realserverKey } from "../../../src/core/model.js";
import { failed, passed } from "../../../src/health/checker.js";
import { ServiceHealth } from "../../../src/health/effects.js";
import type { Evaluation } from "../../../src/health/evaluation.js";
import { HealthMonitor } from "../../../src/health/monitor.js";
import { DEFAULT_PASSIVE, type RealserverHealthSpec, serviceHealth } from "../../../src/health/spec.js";
import { FakeTimers } from "../../helpers/fake-timers.js";
import { checkSpec, endpoint, RecordingSink, SERVICE, server } from "../../helpers/health-fixture.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";
import { ScriptedChecker } from "../../helpers/scripted-checker.js";

const n = fc.integer({ min: 1, max: 6 });
const operation = fc.oneof(
  fc.record({ op: fc.constant("set" as const), n, weight: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ op: fc.constant("remove" as const), n }),
  fc.record({
    op: fc.constant("result" as const),
    n,
    check: fc.integer({ min: 0, max: 1 }),
    result: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(passed("L7OK", "fine"), failed("L7RSP", "broken")) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          passed("L7OK", "agent", { weight: { percent: 50 } }),
          passed("L7OK", "agent", { weight: { percent: 100 }, admin: "ready", connectionLimit: 0 }),
          passed("L7OK", "agent", { admin: "drain", connectionLimit: 7 }),
        ),
      },
    ),
  }),
  fc.record({
    op: fc.constant("order" as const),
    n,
    admin: fc.constantFrom("ready" as const, "drain" as const, "maint" as const),
    weight: fc.constantFrom(undefined, undefined, 0, 4),
  }),
  fc.record({
    op: fc.constant("count" as const),
    n,
    failures: fc.constantFrom(0, 2, 4),
    successes: fc.constantFrom(0, 0, 1),
  }),
  fc.record({ op: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
);
const settings = fc.record({
  quorum: fc.integer({ min: 1, max: 6 }),
  hysteresis: fc.integer({ min: 0, max: 1 }),
  hasSorry: fc.boolean(),
  panicPercent: fc.constantFrom(0, 0, 40),
  onDown: fc.constantFrom("quiesce" as const, "remove" as const),
  slowStartMs: fc.constantFrom(0, 16_000),
  closeSessions: fc.boolean(),
  passive: fc.constantFrom(
    undefined,
    { ...DEFAULT_PASSIVE, errorLimit: 2 },
    { ...DEFAULT_PASSIVE, errorLimit: 2, onError: "fail-check" as const },
  ),
});
const damping = { limit: 2, halfLifeMs: 10_000, maxMs: 60_000 };
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** A service of which single realservers are edited, and its twin, which is made anew as a whole after each change. */
class Twins {
  readonly #given: Parameters<typeof serviceHealth>[0];
  readonly #servers = new Map<number, RealserverHealthSpec>();
  readonly #edited: ServiceHealth;
  #whole: ServiceHealth;
  #nowMs = 1000;

  constructor(given: Partial<Parameters<typeof serviceHealth>[0]>) {
    for (const i of [1, 2, 3, 4, 5]) this.#servers.set(i, this.#spec(i, 1));
    this.#given = { ...given, service: SERVICE, realservers: [] };
    this.#edited = new ServiceHealth(this.#serviceSpec(), this.#nowMs);
    this.#whole = new ServiceHealth(this.#serviceSpec(), this.#nowMs);
  }

  apply(operation: Operation): void {
    if (operation.op === "pass") {
      this.#nowMs += operation.ms;
    } else if (operation.op === "set") {
      this.#servers.set(operation.n, this.#spec(operation.n, operation.weight));
      this.#edited.edit([this.#servers.get(operation.n)!], [], this.#nowMs);
    } else if (operation.op === "remove") {
      this.#servers.delete(operation.n);
      this.#edited.edit([], [realserverKey(endpoint(operation.n))], this.#nowMs);
    } else {
      const told = [this.#edited, this.#whole].map((health) => this.#tell(health, operation));
      assert.deepEqual(told[0], told[1]);
    }
    this.#whole = new ServiceHealth(this.#serviceSpec(), this.#nowMs, this.#whole);
  }

  /** What both say has changed. */
  evaluations(): unknown[] {
    return [this.#edited, this.#whole].map((health) => {
      const said = summary(health.evaluate(this.#nowMs));
      const all = [...health.realservers].map((one) => [one.key, health.standing(one)]).sort();
      const { bounds, isUp } = health.quorum;
      return { said, all, bounds, isUp, weightUp: health.weightUp, wake: health.nextWakeMs(this.#nowMs) };
    });
  }

  #tell(health: ServiceHealth, operation: Exclude<Operation, { op: "pass" | "set" | "remove" }>): unknown {
    const one = health.realserver(realserverKey(endpoint(operation.n)));
    if (one === undefined) return undefined;
    switch (operation.op) {
      case "result":
        return health.record(one, one.checks[operation.check], operation.result, 1, this.#nowMs);
      case "order":
        return health.order(one, operation.admin, operation.weight);
      case "count":
        return health.count(one, operation.failures, operation.successes, this.#nowMs, 0.5);
    }
  }

  #spec(i: number, weight: number): RealserverHealthSpec {
    const checks = [
      checkSpec({ rise: 2, fall: 2, initial: "up" }),
      checkSpec({ initial: "up", damping }, "other"),
    ];
    return server(i, { weight, checks: i % 2 === 0 ? checks : [...checks].reverse() });
  }

  #serviceSpec() {
    return serviceHealth({ ...this.#given, realservers: [...this.#servers.values()] });
  }
}

/** Which of many that change together is named first does not matter. */
function summary({ realservers, service, quorumFlipped }: Evaluation): unknown {
  const changes = realservers.map(({ server: { key }, before, now }) => ({ key, before, now }));
  return { changes: changes.sort((a, b) => (a.key < b.key ? -1 : 1)), service, quorumFlipped };
}

test("a service whose realservers are edited one by one stands as one that is made anew each time", () => {
  fc.assert(
    fc.property(settings, fc.array(fc.tuple(operation, fc.boolean()), { maxLength: 60 }), (given, steps) => {
      const twins = new Twins(given);
      for (const [step, isEvaluated] of [...steps, [{ op: "pass", ms: 1 }, true] as const]) {
        twins.apply(step);
        if (!isEvaluated) continue;
        const [edited, whole] = twins.evaluations();
        assert.deepEqual(edited, whole);
      }
    }),
    { numRuns: 500 },
  );
});

function monitored() {
  const timers = new FakeTimers(1000);
  const sink = new RecordingSink();
  const monitor = new HealthMonitor({ sink, logger: new RecordingLogger(), timers, random: () => 0.5 });
  const checkers = [1, 2, 3].map((i) => new ScriptedChecker(() => timers.nowMs(), ".", `check ${i}`));
  const one = (i: number, weight = 1): RealserverHealthSpec =>
    server(i, { weight, checks: [{ ...checkSpec(), checker: checkers[i - 1] }] });
  monitor.set(serviceHealth({ service: SERVICE, realservers: [one(1), one(2)] }));
  return { timers, sink, monitor, checkers, one };
}

test("an edit begins the checks of a realserver that is new, and ends those of one that is gone", async () => {
  const { timers, monitor, checkers, one } = monitored();
  await timers.advance(2500);
  monitor.edit(SERVICE, [one(3)], [endpoint(2)]);
  await timers.advance(4000);
  assert.deepEqual(
    checkers.map(({ startsMs }) => startsMs),
    [
      [1000, 3000, 5000, 7000],
      [1000, 3000],
      [3500, 5500, 7500],
    ],
  );
  assert.deepEqual(
    monitor.status().services[0].realservers.map(({ key }) => key),
    ["10.0.0.1:80", "10.0.0.3:80"],
  );
  monitor.stop();
});

test("an edit of one realserver is told to the sink before it returns, and nothing of the others", async () => {
  const { timers, sink, monitor, one } = monitored();
  await timers.advance(2500);
  sink.log.length = 0;
  monitor.edit(SERVICE, [one(2, 5)], []);
  assert.deepEqual(sink.log, ["10.0.0.2:80 5"]);
  assert.equal(sink.services.at(-1)?.weight, 6);
  monitor.stop();
});

test("an edit of a service that is not checked is refused", () => {
  const { monitor, one } = monitored();
  monitor.remove(SERVICE);
  assert.throws(() => monitor.edit(SERVICE, [one(1)], []), { code: "NO_SERVICE" });
  monitor.stop();
});
