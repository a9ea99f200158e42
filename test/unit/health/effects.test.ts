import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { failed, passed } from "../../../src/health/checker.js";
import { ServiceHealth } from "../../../src/health/effects.js";
import { serviceHealth } from "../../../src/health/spec.js";
import { checkSpec, HealthFixture, SERVICE, server } from "../../helpers/health-fixture.js";

describe("a realserver", () => {
  test("is not exposed before its first check has passed", () => {
    const f = new HealthFixture([server(1)]);
    assert.deepEqual(f.weights(), [0]);
    assert.equal(f.server(1).state, "unknown");
    assert.deepEqual(f.feed(1, ".").weights(), [1]);
  });

  test("that is in service when its first checks come stays there until one fails", () => {
    const f = new HealthFixture([server(1, { isServing: true })]);
    assert.deepEqual([f.weights(), f.server(1).reason], [[1], "not checked yet"]);
    assert.deepEqual(f.feed(1, "x").weights(), [0]);
  });

  test("without checks is up", () => {
    assert.deepEqual(new HealthFixture([server(1, { checks: [] })]).weights(), [1]);
  });

  test("with several checks is up only if none is down", () => {
    const f = new HealthFixture([server(1, { checks: [checkSpec(), checkSpec({}, "other")] })]);
    assert.deepEqual(f.feed(1, ".", 0).weights(), [0]);
    assert.deepEqual(f.feed(1, ".", 1).weights(), [1]);
    assert.deepEqual(f.feed(1, "x", 0).weights(), [0]);
    assert.match(f.server(1).reason, /scripted: broken/);
  });

  test("that dies is quiesced, or taken out where the policy is to remove", () => {
    const quiesced = new HealthFixture([server(1)]).feed(1, ".x").desired()[1];
    assert.deepEqual([quiesced.usable, quiesced.weight, quiesced.present], [false, 0, true]);
    const removed = new HealthFixture([server(1)], { onDown: "remove" }).feed(1, ".x").desired()[1];
    assert.deepEqual([removed.usable, removed.weight, removed.present], [false, 0, false]);
  });

  test("that dies has its sessions closed where asked, at the change only", () => {
    const f = new HealthFixture([server(1)], { closeSessions: true });
    assert.equal(f.feed(1, ".").desired()[1].closeSessions, false);
    assert.equal(f.feed(1, "x").desired()[1].closeSessions, true);
    assert.equal(f.feed(1, ".").desired()[1].closeSessions, false);
  });

  test("is drained and put in maintenance by the operator, whatever its checks say", () => {
    const f = new HealthFixture([server(1)]).feed(1, ".");
    f.health.order(f.server(1), "drain");
    assert.deepEqual([f.weights(), f.server(1).state], [[0], "drain"]);
    f.feed(1, passed("L7OK", "ready", { admin: "ready" }));
    assert.deepEqual([f.weights(), f.server(1).state], [[0], "drain"], "only the operator undoes it");
    f.health.order(f.server(1), "ready");
    assert.deepEqual([f.weights(), f.server(1).state], [[1], "up"]);
  });

  test("obeys the admin word, the weight and the limit of a check until the check says otherwise", () => {
    const f = new HealthFixture([server(1, { weight: 10 })]).feed(1, ".");
    f.feed(1, { outcome: "neutral", code: "L7OK", reason: "agent", admin: "drain", weight: { percent: 75 } });
    assert.deepEqual(f.weights(), [0]);
    f.feed(1, ".");
    assert.deepEqual(f.weights(), [0], "what a result does not mention stays");
    f.feed(1, { outcome: "neutral", code: "L7OK", reason: "agent", admin: "ready", connectionLimit: 50 });
    assert.deepEqual([f.weights(), f.desired()[1].connectionLimit], [[7], 50]);
  });

  test("adds up the weights of several checks, and none makes it negative", () => {
    const f = new HealthFixture([server(1, { weight: 5, checks: [checkSpec(), checkSpec({}, "file")] })]);
    f.feed(1, passed("PROCOK", "", { weight: { absolute: 10 } }), 0);
    f.feed(1, passed("PROCOK", "", { weight: { delta: -3 } }), 1);
    assert.deepEqual(f.weights(), [7]);
    f.feed(1, passed("PROCOK", "", { weight: { delta: -300 } }), 1);
    assert.deepEqual(f.weights(), [0]);
    f.health.order(f.server(1), "ready", 4);
    assert.deepEqual(f.weights(), [4], "the operator's weight stands instead of all");
  });
});

describe("slow start", () => {
  const slow = { slowStartMs: 16_000 };

  test("does not happen at the beginning", () => {
    assert.deepEqual(new HealthFixture([server(1, { weight: 16 })], slow).feed(1, ".").weights(), [16]);
  });

  test("follows a return in sixteenths, and wakes for each", () => {
    const f = new HealthFixture([server(1, { weight: 16 })], slow).feed(1, ".x");
    f.weights();
    f.feed(1, ".");
    const seen: number[] = [];
    for (let next: number | undefined = f.nowMs; next !== undefined; next = f.health.nextWakeMs(f.nowMs)) {
      f.nowMs = next;
      seen.push(f.weights()[0]);
    }
    assert.deepEqual(seen, Array.from({ length: 16 }, (_, i) => i + 1).concat(16));
    assert.equal(f.nowMs, 17_000);
  });

  test("follows a failure at the beginning too", () => {
    const f = new HealthFixture([server(1, { weight: 16 })], slow).feed(1, "x");
    f.weights();
    assert.deepEqual(f.feed(1, ".").weights(), [1]);
  });

  test("never quiesces: a realserver of weight 1 keeps 1", () => {
    const f = new HealthFixture([server(1)], slow).feed(1, ".x");
    f.weights();
    assert.deepEqual(f.feed(1, ".").weights(), [1]);
  });
});

describe("quorum", () => {
  const three = [1, 2, 3].map((n) => server(n, { weight: 2 }));

  test("lost with a sorry server takes the rest out, gained puts them back", () => {
    const f = new HealthFixture(three, { quorum: 3, hysteresis: 1, hasSorry: true });
    for (const n of [1, 2, 3]) f.feed(n, ".");
    assert.deepEqual(f.weights(), [2, 2, 2]);
    f.feed(1, "x").feed(2, "x");
    assert.deepEqual(f.weights(), [0, 0, 2]);
    assert.deepEqual(f.feed(3, "x").weights(), [0, 0, 0]);
    assert.deepEqual(f.feed(1, ".").weights(), [0, 0, 0], "2 is below 3 + 1");
    assert.match(f.desired()[1].reason, /sorry/);
    f.feed(2, ".");
    assert.deepEqual(f.weights(), [2, 2, 0]);
  });

  test("lost without a sorry server leaves the rest in service", () => {
    const f = new HealthFixture(three, { quorum: 6 });
    for (const n of [1, 2, 3]) f.feed(n, ".");
    assert.equal(f.health.evaluate(f.nowMs).service?.up, true);
    const evaluation = f.feed(1, "x").health.evaluate(f.nowMs);
    assert.deepEqual([evaluation.service, evaluation.quorumFlipped], [{ up: false, weight: 4 }, true]);
    assert.deepEqual(f.weights(), [0, 2, 2]);
  });

  test("is lowered to the total weight, and can always be gained again", () => {
    const f = new HealthFixture(three, { quorum: 100, hysteresis: 100, hasSorry: true });
    for (const n of [1, 2, 3]) f.feed(n, ".");
    assert.deepEqual(f.weights(), [2, 2, 2]);
  });

  test("does not flip at the first evaluation", () => {
    assert.equal(new HealthFixture(three).health.evaluate(0).quorumFlipped, false);
  });

  test("counts dynamic weights", () => {
    const f = new HealthFixture([server(1, { weight: 2 })], { quorum: 2, hasSorry: true });
    assert.deepEqual(f.feed(1, ".").weights(), [2]);
    f.feed(1, passed("PROCOK", "", { weight: { absolute: 1 } }));
    assert.deepEqual(f.weights(), [0]);
  });
});

describe("panic", () => {
  test("uses all realservers while too few are usable, but none that an operator has taken out", () => {
    const f = new HealthFixture(
      [1, 2, 3, 4].map((n) => server(n)),
      { panicPercent: 50 },
    );
    for (const n of [1, 2, 3, 4]) f.feed(n, ".");
    assert.deepEqual(f.feed(1, "x").feed(2, "x").weights(), [0, 0, 1, 1]);
    f.health.order(f.server(4), "maint");
    assert.deepEqual(f.weights(), [1, 1, 1, 0]);
  });
});

describe("an evaluation", () => {
  test("says only what has changed", () => {
    const f = new HealthFixture([server(1), server(2)]);
    assert.equal(f.health.evaluate(f.nowMs).realservers.length, 2);
    f.feed(1, ".");
    const changes = f.health.evaluate(f.nowMs).realservers;
    assert.deepEqual(
      changes.map(({ server: { endpoint }, now }) => [endpoint.address, now.state]),
      [["10.0.0.1", "up"]],
    );
    assert.deepEqual(f.health.evaluate(f.nowMs), {
      realservers: [],
      service: undefined,
      quorumFlipped: false,
    });
  });

  test("is not asked for by a result that changes nothing", () => {
    const f = new HealthFixture([server(1)]).feed(1, ".");
    const again = f.health.record(f.server(1), f.server(1).checks[0], failed("L7RSP", "x"), 1, 1);
    const same = f.health.record(f.server(1), f.server(1).checks[0], failed("L7RSP", "y"), 1, 1);
    assert.deepEqual([again.matters, same.matters], [true, false]);
  });
});

describe("a realserver that flaps", () => {
  const damping = { limit: 2, halfLifeMs: 60_000, maxMs: 300_000 };
  const flapping = (n: number) => server(n, { checks: [checkSpec({ damping })] });

  test("is held down though its check passes again, while another one serves", () => {
    const f = new HealthFixture([flapping(1), server(2)]).feed(2, ".").feed(1, ".x.x.");
    assert.deepEqual(f.weights(), [0, 1]);
    f.nowMs += 300_000;
    assert.deepEqual(f.feed(1, ".").weights(), [1, 1]);
  });

  test("is called back when the last other one goes down", () => {
    const f = new HealthFixture([flapping(1), server(2)]).feed(2, ".").feed(1, ".x.x.");
    assert.deepEqual(f.weights(), [0, 1]);
    assert.deepEqual(f.feed(2, "x").weights(), [1, 0]);
  });

  test("serves as soon as its check passes where there is no other one, and goes down when it fails", () => {
    const f = new HealthFixture([flapping(1)]).feed(1, ".x.x");
    assert.deepEqual(f.weights(), [0]);
    assert.deepEqual(f.feed(1, ".").weights(), [1]);
    assert.deepEqual(f.feed(1, "x").weights(), [0]);
  });
});

describe("a reload", () => {
  test("keeps state, counters and orders of realservers whose checks are unchanged", () => {
    const spec = { service: SERVICE, realservers: [server(1), server(2)] };
    const f = new HealthFixture(spec.realservers).feed(1, ".").feed(2, ".");
    f.health.order(f.server(2), "drain");
    assert.deepEqual(f.weights(), [1, 0]);
    const realservers = [server(1, { weight: 3 }), server(2), server(3)];
    f.health = new ServiceHealth(serviceHealth({ ...spec, realservers }), 0, f.health);
    assert.deepEqual(f.weights(), [3, 0, 0]);
    assert.equal(f.server(1).checks[0].passed, 1);
  });

  test("lets a realserver stand as it did when its check is exchanged for another", () => {
    const f = new HealthFixture([server(1), server(2)]).feed(1, ".").feed(2, "x");
    const checks = [checkSpec({ fall: 3 }, "other")];
    f.health = new ServiceHealth(
      serviceHealth({ service: SERVICE, realservers: [server(1, { checks }), server(2, { checks })] }),
      f.nowMs,
      f.health,
    );
    assert.deepEqual(f.weights(), [1, 0]);
    assert.deepEqual(f.feed(1, "x").weights(), [0, 0], "one failure from down");
  });
});
