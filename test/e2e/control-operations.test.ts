/** Operations through client, socket and server: what is asked on one side is what happens on the other. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ControlClient } from "../../src/control/client.js";
import type { Change } from "../../src/control/operations.js";
import { DEFAULT_SETTINGS, type SyncDaemon } from "../../src/core/model.js";
import {
  ask,
  type ControlFixture,
  realserver,
  service,
  startControl,
  WEB,
  WEB_PATH,
  withCode,
} from "../helpers/control-fixture.js";
import { liveConnection } from "../helpers/live-connection.js";

const SERVER = { address: "10.0.0.2", port: 80 };

async function start(t: TestContext): Promise<ControlFixture & { client: ControlClient }> {
  const fixture = await startControl(t);
  const client = new ControlClient(fixture.path);
  t.after(() => client.close());
  await fixture.operations.addService(service({ realservers: [{ ...realserver("10.0.0.2"), weight: 5 }] }));
  return { ...fixture, client };
}

test("drain and undrain reach the realserver, with and without a deadline", async (t) => {
  const { client, operations } = await start(t);
  await client.drain(WEB, SERVER, 60_000);
  const [drained] = (await operations.services(WEB))[0].realservers;
  assert.deepEqual([drained.weight, drained.drain?.weight], [0, 5]);
  assert.equal(drained.drain?.deadline, "2026-01-01T00:01:00.000Z");
  await client.drain(WEB, SERVER);
  assert.equal((await client.services(WEB))[0].realservers[0].drain?.deadline, undefined);
  await client.undrain(WEB, SERVER);
  assert.equal((await operations.services(WEB))[0].realservers[0].weight, 5);
  await assert.rejects(client.undrain(WEB, SERVER), withCode("INVALID", /not being drained/));
  await assert.rejects(client.drain(WEB, realserver("10.0.0.9")), withCode("NO_SERVER"));
});

test("connections are listed and killed by service, realserver and client, IPv6 included", async (t) => {
  const { client, operations } = await start(t);
  const v6 = { address: "2001:db8::7", port: 40001 };
  const { realserver: _, ...bySorryServer } = liveConnection();
  operations.live = [liveConnection(), liveConnection({ client: v6 }), bySorryServer];
  assert.deepEqual(await client.liveConnections({}), operations.live);
  assert.deepEqual(
    (await client.liveConnections({ client: v6.address })).map((connection) => connection.client),
    [v6],
  );
  assert.equal((await client.liveConnections({ service: WEB, realserver: SERVER })).length, 2);
  assert.equal(await client.killConnections({ service: WEB, realserver: SERVER }), 2);
  assert.equal(await client.killConnections({}), 1);
  assert.deepEqual(operations.live, []);
  await assert.rejects(
    client.liveConnections({ service: { fwmark: 9, family: 4 } }),
    withCode("NO_SERVICE", /fwmark:\/\/9/),
  );
});

test("sysctls, time-outs, configuration and sync daemons are what the director has", async (t) => {
  const { client, operations } = await start(t);
  await client.setSysctl("expire_nodest_conn", 1);
  assert.deepEqual(await client.sysctls(), await operations.sysctls());
  assert.equal((await client.sysctls()).expire_nodest_conn, 1);
  await assert.rejects(client.setSysctl("drop_entry", 1), withCode("INVALID", /found "drop_entry"/));
  await client.setTimeouts({ tcpSec: 2_678_400, tcpFinSec: 0, udpSec: 0 });
  assert.deepEqual(await client.runningConfig(), await operations.runningConfig());
  const daemon: SyncDaemon = {
    role: "backup",
    interface: "eth0",
    syncId: 7,
    maxLength: 1400,
    group: "ff02::81",
    port: 8849,
    ttl: 2,
  };
  await client.startSyncDaemon(daemon);
  assert.deepEqual(await client.syncDaemons(), [daemon]);
  await assert.rejects(client.startSyncDaemon(daemon), withCode("EXISTS"));
  assert.deepEqual(
    [await client.stopSyncDaemon("backup"), await client.stopSyncDaemon("backup")],
    [true, false],
  );
});

const OTHER = { protocol: "udp", address: "10.0.0.1", port: 53 } as const;
const CHANGES: readonly Change[] = [
  {
    operation: "addService",
    service: { id: OTHER, settings: DEFAULT_SETTINGS, realservers: [realserver("10.0.0.7")] },
  },
  { operation: "editService", id: WEB, settings: { ...DEFAULT_SETTINGS, scheduler: "rr" } },
  { operation: "addRealserver", id: WEB, server: realserver("10.0.0.3") },
  { operation: "editRealserver", id: WEB, server: { ...realserver("10.0.0.3"), weight: 9 } },
  { operation: "deleteRealserver", id: WEB, server: SERVER },
  { operation: "setTimeouts", timeouts: { tcpSec: 60, tcpFinSec: 0, udpSec: 0 } },
];

test("a batch makes every kind of change", async (t) => {
  const { client, operations } = await start(t);
  assert.deepEqual(await client.applyAtomically(CHANGES), []);
  const [web, other] = await operations.services();
  assert.deepEqual(other.id, OTHER);
  assert.equal(web.settings.scheduler, "rr");
  assert.deepEqual(
    web.realservers.map(({ address, weight }) => [address, weight]),
    [["10.0.0.3", 9]],
  );
  assert.equal((await operations.timeouts()).tcpSec, 60);
  assert.deepEqual(
    await client
      .applyAtomically([{ operation: "clear" }, { operation: "deleteService", id: WEB }])
      .then((refusals) => refusals.map(({ index, error }) => [index, error.code])),
    [[1, "NO_SERVICE"]],
  );
  assert.equal((await operations.services()).length, 2);
});

test("a batch with a refused change changes nothing and names each by its position", async (t) => {
  const { client, operations } = await start(t);
  const before = await operations.status();
  const refusals = await client.applyAtomically([
    ...CHANGES,
    { operation: "addRealserver", id: WEB, server: { ...realserver("10.0.0.8"), lowerThreshold: 1 } },
    { operation: "deleteService", id: { fwmark: 1, family: 4 } },
    { operation: "editService", id: WEB, settings: { ...DEFAULT_SETTINGS, scheduler: "best" } },
  ]);
  assert.deepEqual(
    refusals.map(({ index, error }) => [index, error.code]),
    [
      [6, "RANGE"],
      [7, "NO_SERVICE"],
      [8, "NO_SCHEDULER"],
    ],
  );
  assert.deepEqual(await operations.status(), before);
});

test("a change whose parts do not fit one another is refused by its position", async (t) => {
  const { client, operations } = await start(t);
  const refusals = await client.applyAtomically([
    { operation: "clear" },
    { operation: "editService", id: WEB, settings: { ...DEFAULT_SETTINGS, onePacket: true } },
  ]);
  assert.deepEqual(
    refusals.map(({ index, error }) => [index, error.code, error.details["field"]]),
    [[1, "INVALID", "onePacket"]],
  );
  assert.equal((await operations.services()).length, 1);
});

test("a batch may be larger than other requests", async (t) => {
  const { client, operations } = await start(t);
  const changes = Array.from({ length: 12_000 }, (_, i): Change => {
    const address = `10.1.${i >> 8}.${i & 255}`;
    return { operation: "addRealserver", id: WEB, server: realserver(address) };
  });
  let count = 0;
  operations.applyAtomically = async (asked) => {
    count = asked.length;
    return [];
  };
  assert.deepEqual(await client.applyAtomically(changes), []);
  assert.equal(count, 12_000);
});

for (const [method, target, body, text] of [
  ["GET", "/v1/status?verbose=1", undefined, /this route takes no query/],
  [
    "GET",
    "/v1/connections?server=1",
    undefined,
    /unknown key "server", accepted is .* service, realserver, client/,
  ],
  ["GET", "/v1/connections?client=a&client=b", undefined, /query: client stands twice/],
  [
    "GET",
    "/v1/connections?client=somebody",
    undefined,
    /client: found "somebody", accepted is an IPv4 or IPv6 address/,
  ],
  ["GET", "/v1/connections?realserver=10.0.0.2:80", undefined, /realserver: found without service/],
  ["GET", "/v1/connections?service=web", undefined, /service: found "web", accepted is tcp:\/\//],
  ["POST", "/v1/connections/kill", {}, /found no filter, accepted is .* "all": true alone/],
  ["POST", "/v1/connections/kill", { all: true, client: "10.0.0.1" }, /found a filter together with all/],
  [
    "PUT",
    `${WEB_PATH}/realservers/10.0.0.2:80/drain`,
    { deadline: 5 },
    /unknown key "deadline", accepted is .*deadlineMs/,
  ],
  ["PUT", "/v1/sysctls/run_estimation", { value: "1" }, /value: found "1", accepted is a whole number/],
  [
    "POST",
    "/v1/batch",
    { changes: [{ operation: "explode" }] },
    /changes\[0\]\.operation: .*accepted is an object whose operation is one of addService, /,
  ],
  [
    "POST",
    "/v1/batch",
    { changes: [{ operation: "clear", key: "x" }] },
    /changes\[0\]: found the unknown key "key"/,
  ],
  ["DELETE", "/v1/sync-daemons/boss", undefined, /found "boss", accepted is one of master, backup/],
  [
    "POST",
    "/v1/sync-daemons",
    { role: "master", syncId: 256 },
    /syncId: found 256, accepted is .* from 0 to 255/,
  ],
] as const) {
  test(`${method} ${target} ${JSON.stringify(body) ?? ""} is INVALID and changes nothing`, async (t) => {
    const { path, operations } = await start(t);
    operations.live = [liveConnection()];
    const before = [await operations.status(), operations.live];
    const answer = await ask(path, method, target, body);
    assert.equal(answer.status, 400);
    assert.match((answer.body as { error: { message: string } }).error.message, text);
    assert.deepEqual([await operations.status(), operations.live], before);
  });
}

for (const scheduler of ["best", "WRR", "a-b c", "x".repeat(15)]) {
  test(`scheduler ${JSON.stringify(scheduler)} reaches the director, which knows none of the name`, async (t) => {
    const { client } = await start(t);
    const settings = { ...DEFAULT_SETTINGS, scheduler };
    await assert.rejects(client.editService(WEB, settings), withCode("NO_SCHEDULER"));
  });
}
