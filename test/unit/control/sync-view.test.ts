import assert from "node:assert/strict";
import { test } from "node:test";
import { renderSync } from "../../../src/control/cli/sync-view.js";
import type { SyncStatus } from "../../../src/core/sync-settings.js";
import { zeroSyncCounters } from "../../../src/ha/sync/counters.js";

const NOW = Date.parse("2026-01-01T00:01:00Z");
const since = "2026-01-01T00:00:48.000Z";

test("the links are shown with their direction, what went over them, and why one is down", () => {
  const status: SyncStatus = {
    node: "a",
    listen: "10.0.0.1:5694",
    listenFailure: "EADDRNOTAVAIL",
    sources: [
      { address: "10.0.0.2:5694", node: "b", state: "connected", since, lastFailure: "old", received: 7 },
      {
        address: "10.0.0.3:5694",
        state: "waiting",
        since,
        lastFailure: "the peer (c) has another key",
        received: 0,
      },
    ],
    receivers: [
      {
        node: "b",
        address: "10.0.0.2:40000",
        since,
        sent: 12,
        full: 1,
        isCurrent: true,
        unconfirmed: 0,
        queuedBytes: 0,
      },
    ],
    counters: { ...zeroSyncCounters(), refusedKeys: 3 },
  };
  const lines = renderSync(status, NOW)
    .split("\n")
    .map((line) => line.replace(/ {2,}/g, " | ").trim());
  assert.deepEqual(lines, [
    "Peer | At | Direction | State | For | Templates | Last failure",
    "b | 10.0.0.2:5694 | from | connected | 12s | 7",
    "- | 10.0.0.3:5694 | from | waiting | 12s | 0 | the peer (c) has another key",
    "b | 10.0.0.2:40000 | to | current | 12s | 12",
    "",
    "sync: this director is a, listens on 10.0.0.1:5694 (not now: EADDRNOTAVAIL)",
    "not encrypted (ha.sync.tls)",
    "refused: 3 keys, 0 for TLS, 0 messages; given up: 0 slow, 0 silent peers",
  ]);
});

test("the certificate that peers are shown is told with its end", () => {
  const status: SyncStatus = {
    node: "a",
    listen: "10.0.0.1:5694",
    tls: { subject: "CN=lb1", expires: "2027-01-01T00:00:00.000Z" },
    sources: [],
    receivers: [],
    counters: { ...zeroSyncCounters() },
  };
  assert.match(
    renderSync(status, NOW),
    /^TLS: this director shows CN=lb1, valid until 2027-01-01T00:00:00.000Z$/m,
  );
});
