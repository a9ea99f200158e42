import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { DEFAULT_PASSIVE, type PassiveSpec } from "../../../src/health/spec.js";
import { checkSpec, HealthFixture, server } from "../../helpers/health-fixture.js";

function fixture(
  count: number,
  given: Partial<PassiveSpec> = {},
  checks = false,
  slowStartMs = 0,
): HealthFixture {
  const servers = Array.from({ length: count }, (_, i) =>
    server(i + 1, { weight: 10, checks: checks ? [checkSpec()] : [] }),
  );
  const f = new HealthFixture(servers, { passive: { ...DEFAULT_PASSIVE, ...given }, slowStartMs });
  f.weights();
  return f;
}

describe("passive marks", () => {
  test("eject at the limit of failures in a row, and a success between begins anew", () => {
    const f = fixture(3);
    f.count(1, 4);
    f.count(1, 0, 1);
    assert.deepEqual([f.count(1, 4).ejectedMs, f.weights()], [undefined, [10, 10, 10]]);
    assert.equal(f.count(1, 1).ejectedMs, 10_000);
    assert.deepEqual([f.weights(), f.server(1).state], [[0, 10, 10], "ejected"]);
  });

  test("of which order is unknown count by the mean run between successes", () => {
    const f = fixture(3);
    assert.equal(f.count(1, 10, 10).ejectedMs, undefined);
    assert.equal(f.count(1, 1000, 1).ejectedMs, 10_000);
  });

  test("after the ejection give it the least weight until a connection succeeds, then slow start", () => {
    const f = fixture(2, {}, false, 16_000);
    f.count(1, 5);
    f.weights();
    f.nowMs = f.health.nextWakeMs(f.nowMs)!;
    assert.deepEqual([f.weights(), f.server(1).state], [[1, 10], "half-open"]);
    f.count(1, 0, 1);
    assert.deepEqual([f.weights(), f.server(1).state], [[1, 10], "up"]);
    f.nowMs += 8000;
    assert.deepEqual(f.weights(), [6, 10]);
  });

  test("eject for twice as long where the trial fails, up to the longest, and forget with time", () => {
    const f = fixture(2, { jitterPercent: 0 });
    const lengths: (number | undefined)[] = [];
    for (let i = 0; i < 7; i++) {
      lengths.push(f.count(1, i === 0 ? 5 : 1).ejectedMs);
      f.nowMs += lengths[i]!;
    }
    assert.deepEqual(lengths, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    f.count(1, 0, 1);
    f.nowMs += 30_000;
    assert.equal(f.count(1, 5).ejectedMs, 40_000, "three ejections of five are forgotten");
  });

  test("jitter makes an ejection vary by its share", () => {
    const f = fixture(2);
    const { health, nowMs } = f;
    assert.equal(health.count(f.server(1), 5, 0, nowMs, 0).ejectedMs, 9000);
  });

  test("never eject more than the share, but one in any case", () => {
    const f = fixture(4, { maxEjectedPercent: 50 });
    assert.ok(f.count(1, 5).ejectedMs && f.count(2, 5).ejectedMs);
    assert.deepEqual(f.count(3, 5), { hurry: true, spared: true });
    assert.ok(fixture(4, { maxEjectedPercent: 10 }).count(1, 5).ejectedMs);
    assert.equal(fixture(4, { maxEjectedPercent: 10, atLeastOne: false }).count(1, 5).ejectedMs, undefined);
  });

  test("never eject the last usable realserver", () => {
    assert.deepEqual(fixture(1).count(1, 500), { hurry: true, spared: true });
    const f = fixture(2, { maxEjectedPercent: 100 }, true).feed(1, ".").feed(2, ".x");
    assert.equal(f.count(1, 5).ejectedMs, undefined);
  });

  test("take an ejection back where checks take the others down", () => {
    const f = fixture(2, {}, true).feed(1, ".").feed(2, ".");
    f.count(1, 5);
    assert.deepEqual(f.weights(), [0, 10]);
    assert.deepEqual(f.feed(2, "x").weights(), [10, 0]);
  });

  test("do not cost the quorum", () => {
    const servers = [1, 2].map((n) => server(n, { weight: 1, checks: [] }));
    const f = new HealthFixture(servers, { passive: DEFAULT_PASSIVE, quorum: 2, hasSorry: true });
    f.weights();
    f.count(1, 5);
    assert.deepEqual(f.weights(), [0, 1]);
  });

  test("end early where the active check passes, unless that is switched off", () => {
    for (const activeEndsEjection of [true, false]) {
      const f = fixture(2, { activeEndsEjection }, true).feed(1, ".").feed(2, ".");
      f.count(1, 5);
      f.weights();
      assert.deepEqual(f.feed(1, ".").weights(), [activeEndsEjection ? 10 : 0, 10]);
    }
  });

  test("with mark-down take the active checks down instead, and hurry them", () => {
    const f = fixture(2, { onError: "mark-down" }, true).feed(1, ".").feed(2, ".");
    assert.deepEqual(f.count(1, 5), { hurry: true, spared: false });
    assert.deepEqual([f.weights(), f.server(1).state], [[0, 10], "down"]);
  });

  test("of a service without passive checks do nothing", () => {
    const f = new HealthFixture([server(1), server(2)]);
    assert.deepEqual(f.count(1, 500), { hurry: false, spared: false });
  });
});

test("whatever happens, passive marks leave a usable realserver where checks leave one, and never eject beyond the share", () => {
  const step = fc.record({
    server: fc.integer({ min: 1, max: 5 }),
    act: fc.constantFrom("pass", "fail", "connect errors", "connected", "wait", "drain", "ready"),
    percent: fc.nat(100),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100 }),
      fc.array(step, { maxLength: 80 }),
      (maxEjectedPercent, steps) => {
        const f = fixture(5, { maxEjectedPercent }, true);
        for (const n of [1, 2, 3, 4, 5]) f.feed(n, ".");
        for (const { server: n, act, percent } of steps) {
          if (act === "pass") f.feed(n, ".");
          if (act === "fail") f.feed(n, "x");
          if (act === "connect errors") f.count(n, percent);
          if (act === "connected") f.count(n, 0, 1 + percent);
          if (act === "wait") f.nowMs += percent * 300;
          if (act === "drain" || act === "ready") f.health.order(f.server(n), act);
          const desired = Object.values(f.desired());
          const standing = [...f.health.realservers].filter(({ isStanding }) => isStanding);
          const ejected = [...f.health.realservers].filter(({ isEjected }) => isEjected);
          assert.equal(
            desired.some(({ usable }) => usable),
            standing.length > 0,
          );
          assert.ok(ejected.length <= Math.max(1, Math.floor((5 * maxEjectedPercent) / 100)));
          for (const { usable, weight } of desired) assert.equal(weight > 0, usable);
        }
      },
    ),
  );
});
