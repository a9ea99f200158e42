import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UvsError } from "../../../../src/core/errors.js";
import type { HealthStatus } from "../../../../src/core/health-status.js";
import { DrainShare } from "../../../../src/director/sync/drain-share.js";
import { HealthShare, takeHealth } from "../../../../src/director/sync/health-share.js";
import { Candidates } from "../../../../src/ha/handover.js";

const SERVICE = { protocol: "tcp", address: "192.0.2.1", port: 80 } as const;
const SERVER = { address: "192.0.2.2", port: 80 };
const NAMES = { service: "tcp://192.0.2.1:80", realserver: "192.0.2.2:80" };

describe("drains that are shared", () => {
  function share() {
    const state = { nowMs: 1000, drainedSince: undefined as string | undefined, obeyed: [] as boolean[] };
    const drains = new DrainShare({
      servers: () => [{ service: SERVICE, server: SERVER, drainedSince: state.drainedSince }],
      obey: (_service, _server, isDrained) => state.obeyed.push(isDrained),
      nowMs: () => state.nowMs,
    });
    return { state, drains };
  }

  test("are told once, with the time at which the operator said it", () => {
    const { state, drains } = share();
    assert.deepEqual(drains.follow(), []);
    state.drainedSince = new Date(900).toISOString();
    assert.deepEqual(drains.follow(), [{ ...NAMES, isDrained: true, atMs: 900 }]);
    assert.deepEqual(drains.follow(), []);
    assert.equal(drains.all().length, 1);
  });

  test("give way to what was said later, and to nothing else", () => {
    const { state, drains } = share();
    state.drainedSince = new Date(900).toISOString();
    drains.take([{ ...NAMES, isDrained: false, atMs: 800 }]);
    assert.deepEqual(state.obeyed, []);
    drains.take([{ ...NAMES, isDrained: false, atMs: 950 }]);
    assert.deepEqual(state.obeyed, [false]);
  });

  test("what is said here is later than what is known here, however far ahead the clock was that said it", () => {
    const { state, drains } = share();
    drains.take([{ ...NAMES, isDrained: true, atMs: 10 ** 12 }]);
    assert.deepEqual(state.obeyed, [true]);
    state.drainedSince = new Date(1000).toISOString();
    drains.follow();
    state.drainedSince = undefined;
    assert.deepEqual(drains.follow(), [{ ...NAMES, isDrained: false, atMs: 10 ** 12 + 1 }]);
  });

  test("of realservers that are not here are passed over, and nonsense is refused", () => {
    const { state, drains } = share();
    drains.take([{ ...NAMES, realserver: "192.0.2.3:80", isDrained: true, atMs: 950 }]);
    assert.deepEqual(state.obeyed, []);
    for (const wrong of [
      {},
      [{}],
      [{ ...NAMES, isDrained: 1, atMs: 1 }],
      [{ ...NAMES, isDrained: true, atMs: -1 }],
    ]) {
      assert.throws(() => drains.take(wrong), UvsError);
    }
  });
});

describe("what checks have found", () => {
  const statusOf = (...states: readonly ("up" | "down" | "unknown")[]) =>
    ({
      services: [
        {
          key: NAMES.service,
          realservers: [{ key: NAMES.realserver, checks: states.map((state) => ({ state })) }],
        },
      ],
    }) as unknown as HealthStatus;

  test("is told when it changes", () => {
    const share = new HealthShare();
    assert.deepEqual(share.changes(statusOf("up", "unknown")), [{ ...NAMES, checks: "u?" }]);
    assert.deepEqual(share.changes(statusOf("up", "unknown")), []);
    assert.deepEqual(share.changes(statusOf("up", "down")), [{ ...NAMES, checks: "ud" }]);
  });

  test("arrives as it was told, and nonsense is refused", () => {
    const taken: unknown[] = [];
    takeHealth([{ ...NAMES, checks: "ud?" }], (...found) => taken.push(found));
    assert.deepEqual(taken, [[SERVICE, SERVER, [true, false, undefined]]]);
    assert.throws(() => takeHealth([{ ...NAMES, checks: "x" }], () => {}), /letters/);
    assert.throws(() => takeHealth([{ ...NAMES, service: "http" }], () => {}), UvsError);
  });
});

describe("who is handed over to", () => {
  const router = { id: 51, family: 4 } as const;
  const standing = (state: "BACKUP" | "MASTER" | "FAULT", priority: number, source: string) => [
    { ...router, state, priority, source },
  ];

  test("is the backup of the highest priority, then of the highest address", () => {
    const candidates = new Candidates();
    assert.equal(candidates.best(router), undefined);
    candidates.set("b", standing("BACKUP", 100, "192.0.2.9"));
    candidates.set("c", standing("BACKUP", 100, "192.0.2.10"));
    candidates.set("d", standing("FAULT", 200, "192.0.2.11"));
    candidates.set("e", standing("MASTER", 200, "192.0.2.12"));
    assert.equal(candidates.best(router), "c");
    candidates.forget("c");
    assert.equal(candidates.best(router), "b");
    assert.equal(candidates.best({ id: 51, family: 6 }), undefined);
  });
});
