import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_SETTINGS } from "../../../src/core/model.js";
import { tableOf } from "../../../src/director/table.js";
import { addCounts } from "../../../src/forwarder/counts.js";
import { realserver, VIP } from "../../helpers/balancer-bench.js";

const KEY = "tcp://10.77.0.100:80";
const servers = [realserver("10.77.2.1"), realserver("10.77.2.2"), realserver("10.77.2.3")];
const services = [{ id: VIP, settings: DEFAULT_SETTINGS, realservers: servers }];

test("realservers are listed in the forwarder's order with its counts, those that it does not have last", () => {
  const report = { [KEY]: { servers: ["10.77.2.1:80", "10.77.2.3:80"], counts: [4, 3, 2, 1, 5, 6, 7, 0] } };
  const [{ realservers }] = tableOf(services, report);
  assert.deepEqual(
    realservers.map(({ address, active, inactive, persistent, overloaded }) => {
      return [address, active, inactive, persistent, overloaded];
    }),
    [
      ["10.77.2.1", 4, 3, 2, true],
      ["10.77.2.3", 5, 6, 7, false],
      ["10.77.2.2", 0, 0, 0, false],
    ],
  );
});

test("without a forwarder all are listed, newest first", () => {
  const [{ realservers }] = tableOf(services, {});
  assert.deepEqual(
    realservers.map(({ address }) => address),
    ["10.77.2.3", "10.77.2.2", "10.77.2.1"],
  );
});

test("connections that an older generation finishes are counted with the newest one's", () => {
  const newest = { [KEY]: { servers: ["10.77.2.2:80", "10.77.2.1:80"], counts: [1, 1, 1, 0, 0, 2, 0, 1] } };
  const older = {
    [KEY]: { servers: ["10.77.2.1:80", "10.77.2.9:80"], counts: [10, 20, 30, 0, 1, 1, 1, 1] },
    "tcp://10.77.0.101:80": { servers: [], counts: [] },
  };
  assert.deepEqual(addCounts(newest, older), {
    [KEY]: { servers: ["10.77.2.2:80", "10.77.2.1:80"], counts: [1, 1, 1, 0, 10, 22, 0, 1] },
  });
});
