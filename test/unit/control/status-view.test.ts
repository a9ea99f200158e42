import assert from "node:assert/strict";
import { test } from "node:test";
import { renderStatus } from "../../../src/control/cli/status-view.js";
import { DEFAULT_REALSERVER, DEFAULT_SETTINGS, type ServiceId } from "../../../src/core/model.js";
import { InMemoryOperations } from "../../helpers/in-memory-operations.js";

const NOW = Date.parse("2026-01-03T03:00:00Z");
const WEB: ServiceId = { protocol: "tcp", address: "192.168.71.205", port: 80 };

test("a director without services and forwarders says so", async () => {
  const operations = new InMemoryOperations();
  assert.equal(
    renderStatus(await operations.status(), NOW),
    `uvsd 0.1.0  pid 4711  up 2d 3h  configuration none
time-outs: tcp 900 s, tcpfin 120 s, udp 300 s  forwarder restarts: 0

no forwarder is running

no virtual services`,
  );
});

test("forwarders, services and realservers are shown in aligned columns", async () => {
  const operations = new InMemoryOperations();
  operations.statusOverrides = {
    configFile: "/etc/uvs/uvs.yaml",
    forwarderRestarts: 1,
    forwarders: [
      {
        generation: 2,
        pid: 4800,
        dataplane: "native",
        threads: 2,
        state: "serving",
        startedAt: "2026-01-03T02:59:18Z",
        connectionsPerThread: [12, 9],
        connectionLimit: 50000,
        flowsPerThread: [0, 0],
        flowLimit: 5000,
        events: { accepted: 1042, redispatched: 3, sorry: 0 },
      },
      {
        generation: 1,
        pid: 4712,
        dataplane: "net",
        threads: 1,
        state: "draining",
        startedAt: "2026-01-01T00:00:00Z",
        connectionsPerThread: [1],
        connectionLimit: 50000,
        flowsPerThread: [7, 5],
        flowLimit: 5000,
        events: {},
      },
    ],
  };
  await operations.addService({
    id: WEB,
    settings: { ...DEFAULT_SETTINGS, scheduler: "wrr" },
    realservers: [],
  });
  for (const [address, weight, forwarding] of [
    ["192.168.71.220", 2, "masq"],
    ["192.168.71.150", 0, "route"],
    ["fd77::1", 1, "tunnel"],
  ] as const) {
    await operations.addRealserver(WEB, { ...DEFAULT_REALSERVER, address, port: 80, weight, forwarding });
  }
  operations.pretend(
    WEB,
    { address: "192.168.71.220", port: 80 },
    {
      active: 12,
      inactive: 130,
      totals: { connections: 1042, inPackets: 9, outPackets: 9, inBytes: 1_258_291, outBytes: 3_650_722_201 },
      connectTime: { count: 1042, p50Ms: 0.31, p99Ms: 12.2, maxMs: 40 },
      sessionTime: { count: 1030, p50Ms: 120, p99Ms: 61_000, maxMs: 70_000 },
    },
  );
  operations.pretend(WEB, { address: "fd77::1", port: 80 }, { overloaded: true, active: 9 });
  await operations.addService({
    id: { fwmark: 8, family: 4 },
    settings: {
      ...DEFAULT_SETTINGS,
      scheduler: "sh",
      schedulerFlags: 0x30,
      persistence: { timeoutSec: 300, netmask: "255.255.255.0" },
      onePacket: true,
      sorry: { address: "127.0.0.1", port: 8080 },
    },
    realservers: [],
  });
  assert.equal(
    renderStatus(await operations.status(), NOW),
    `uvsd 0.1.0  pid 4711  up 2d 3h  configuration /etc/uvs/uvs.yaml
time-outs: tcp 900 s, tcpfin 120 s, udp 300 s  forwarder restarts: 1

Forwarder  State      Pid  Plane   Threads  Connections  Limit  Flows  Limit  Up     Per thread
2          serving   4800  native        2           21  50000      0   5000  42s    12 9
1          draining  4712  net           1            1  50000     12   5000  2d 3h  1
events of 2: accepted 1042, redispatched 3

Service / realserver     Sched/Forward  Carried by  Weight  Active  Inactive  Total       In      Out  Connect p50/p99  Session p50/p99  State
tcp://192.168.71.205:80  wrr                                    21       130   1042  1.2 MiB  3.4 GiB
  -> [fd77::1]:80        tunnel         proxy            1       9         0      0      0 B      0 B                -                -  overloaded
  -> 192.168.71.150:80   route          proxy            0       0         0      0      0 B      0 B                -                -  quiesced
  -> 192.168.71.220:80   masq           proxy            2      12       130   1042  1.2 MiB  3.4 GiB       0.3ms/12ms      120ms/1m 1s
fwmark://8               sh                                      0         0      0      0 B      0 B                                    sh-port, flag-3, persistent 300 s mask 255.255.255.0, one-packet, sorry 127.0.0.1:8080, no realserver available`,
  );
});

test("realservers that are being drained or leave say so", async () => {
  const operations = new InMemoryOperations();
  await operations.addService({ id: WEB, settings: DEFAULT_SETTINGS, realservers: [] });
  const [draining, patient, leaving] = ["10.0.0.2", "10.0.0.3", "10.0.0.4"].map((address) => ({
    ...DEFAULT_REALSERVER,
    address,
    port: 80,
  }));
  for (const server of [draining, patient, leaving]) await operations.addRealserver(WEB, server);
  await operations.drain(WEB, draining, 300_000);
  await operations.drain(WEB, patient);
  operations.pretend(WEB, leaving, { active: 4 });
  await operations.deleteRealserver(WEB, leaving);
  const text = renderStatus(await operations.status(), Date.parse("2026-01-01T00:01:00Z"));
  assert.match(text, /-> 10\.0\.0\.2:80 .* {2}draining for 1m 0s, closed in 4m 0s$/m);
  assert.match(text, /-> 10\.0\.0\.3:80 .* {2}draining for 1m 0s$/m);
  assert.match(text, /-> 10\.0\.0\.4:80 +route +proxy +1 +4 .* {2}leaving$/m);
  assert.match(text, /^tcp:.* {2}no realserver available$/m);
});
