import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_REALSERVER, DEFAULT_SETTINGS } from "../../../src/core/model.js";
import type { RealserverStatus, ServiceStatus } from "../../../src/core/status.js";
import { readServiceRows, rowOf } from "../../../src/forwarder/status-rows.js";

const count = fc.oneof(fc.constant(0), fc.nat());
const traffic = fc.record(
  { connections: count, inPackets: count, outPackets: count, inBytes: count, outBytes: count },
  { noNullPrototype: true },
);
const durations = fc.record({ count, p50Ms: count, p99Ms: count, maxMs: count }, { noNullPrototype: true });
const settings = { ...DEFAULT_REALSERVER, address: "192.0.2.2", port: 80 };
const numbers = fc.record({
  active: count,
  inactive: count,
  persistent: count,
  overloaded: fc.boolean(),
  totals: traffic,
  rates: traffic,
  connectTime: durations,
  sessionTime: durations,
});

test("what is sent as rows is read as it was", () => {
  fc.assert(
    fc.property(fc.array(numbers, { maxLength: 5 }), (all) => {
      const realservers: RealserverStatus[] = all.map((one) => ({ ...settings, ...one }));
      const rows = all.map((one) => ({ settings, row: rowOf(one) }));
      const service: Omit<ServiceStatus, "realservers" | "leaving"> = {
        id: { protocol: "tcp", address: "192.0.2.1", port: 80 },
        key: "tcp://192.0.2.1:80",
        settings: DEFAULT_SETTINGS,
        connections: 1,
        totals: { connections: 1, inPackets: 2, outPackets: 3, inBytes: 4, outBytes: 5 },
        rates: { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 },
      };
      const sent = JSON.parse(JSON.stringify({ ...service, realservers: rows, leaving: [] }));
      assert.deepEqual(readServiceRows(sent), { ...service, realservers, leaving: [] });
    }),
  );
});

test("a realserver without traffic is an empty row", () => {
  const nothing = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
  const times = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
  const idle = { active: 0, inactive: 0, persistent: 0, overloaded: false, totals: nothing, rates: nothing };
  assert.deepEqual(rowOf({ ...idle, connectTime: times, sessionTime: times }), []);
});
