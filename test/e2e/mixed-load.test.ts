/**
 * Two thousand connections at a time, of every behaviour at once: slow readers, half-closers, resetters, idlers, clients
 * that go while they are connected. Afterwards every byte is accounted for and the forwarder holds nothing that it did
 * not hold before. `UVS_STRESS_SECONDS` sets how long the load lasts.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ServiceStatus } from "../../src/core/status.js";
import { Child } from "../helpers/child.js";
import { seedOf } from "../helpers/keystream.js";
import { yamlList } from "../helpers/named-realserver.js";
import { descriptorsOf, residentBytes } from "../helpers/proc.js";
import { hangingTarget, loopbackAddress } from "../helpers/tcp.js";
import type { TrafficTargets, trafficClient } from "../helpers/traffic/client.js";
import type { Account, TrafficReport } from "../helpers/traffic/plan.js";
import type { trafficRealserver } from "../helpers/traffic/realserver.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const CONNECTIONS = 2000;
/** All but those of clients that go at once. */
const LASTING = CONNECTIONS * 0.95;
const CLIENT_PROCESSES = 2;
const PORT = 8080;
const MIB = 1 << 20;
const LOAD_DEADLINE_MS = 60_000;
/** A reset connection counts as inactive for 10 s. */
const LINGER_DEADLINE_MS = 30_000;
const seconds = (most: number): number => Math.min(most, Number(process.env["UVS_STRESS_SECONDS"] ?? 30));

for (const { dataplane, lastsSec, growthBytes } of [
  { dataplane: "native", lastsSec: seconds(30), growthBytes: 64 * MIB },
  { dataplane: "net", lastsSec: seconds(10), growthBytes: 192 * MIB },
] as const) {
  test(`${dataplane}: ${CONNECTIONS} connections of mixed behaviour for ${lastsSec} s, every byte accounted for`, async (t) => {
    const seed = seedOf(t);
    const { uvsd, targets, realserver } = await startLoad(t, dataplane);
    const pid = await uvsd.forwarderPid();
    const before = { descriptors: descriptorsOf(pid), memory: residentBytes(pid) };

    const clients = Array.from({ length: CLIENT_PROCESSES }, () => startClient(t));
    const running = Promise.all(
      clients.map((client, index) =>
        client.ask("run", {
          targets,
          places: CONNECTIONS / CLIENT_PROCESSES,
          seconds: lastsSec,
          seed: seed + index,
        }),
      ),
    );
    await waitFor("all places are taken", async () => (await carried(uvsd)) === LASTING, LOAD_DEADLINE_MS);
    await Promise.all(clients.map((client) => client.ask("begin")));
    const reports = await running;
    await waitFor("every connection has ended", async () => {
      return (await carried(uvsd)) === 0 && (await realserver.ask("open")) === 0;
    });

    const client = sumUp(reports);
    const server = await realserver.ask("report");
    t.diagnostic(`connections: ${JSON.stringify(client.byBehaviour)}`);
    assertAccounts(client, server, await statuses(uvsd, targets));
    await assertEvents(
      uvsd,
      client,
      reports.reduce((sum, { accepted }) => sum + accepted, 0),
    );
    await assertCountsSettle(uvsd, targets, client);

    const grown = residentBytes(pid) - before.memory;
    t.diagnostic(`memory: ${Math.round(before.memory / MIB)} MiB, then ${Math.round(grown / MIB)} MiB more`);
    assert.ok(grown < growthBytes, `the forwarder's memory has grown by ${grown} bytes`);
    assert.deepEqual(descriptorsOf(pid), before.descriptors, "the forwarder's open descriptors");
  });
}

async function startLoad(t: TestContext, dataplane: "native" | "net") {
  const realserver = new Child<typeof trafficRealserver>(
    t,
    new URL("../helpers/traffic/realserver.js", import.meta.url),
  );
  const hanging = await hangingTarget();
  t.after(() => hanging.close());
  const serving = yamlList([{ address: "127.0.0.1", port: await realserver.ask("listen") }]);
  const targets = {
    orderly: loopbackAddress(),
    broken: loopbackAddress(),
    gone: loopbackAddress(),
    port: PORT,
  };
  const uvsd = await Uvsd.start(t, {
    config: `dataplane: ${dataplane}
threads: 2
services:
  - { listen: "tcp://${targets.orderly}:${PORT}", realservers: ${serving} }
  - { listen: "tcp://${targets.broken}:${PORT}", realservers: ${serving} }
  - { listen: "tcp://${targets.gone}:${PORT}", connect-timeout: 300ms, realservers: ${yamlList([hanging])} }
`,
  });
  return { uvsd, targets, realserver };
}

function startClient(t: TestContext): Child<typeof trafficClient> {
  return new Child(t, new URL("../helpers/traffic/client.js", import.meta.url));
}

async function carried(uvsd: Uvsd): Promise<number> {
  const [{ connectionsPerThread }] = (await uvsd.client.status()).forwarders;
  return connectionsPerThread.reduce((sum, count) => sum + count);
}

interface Statuses {
  readonly orderly: ServiceStatus;
  readonly broken: ServiceStatus;
  readonly gone: ServiceStatus;
}

async function statuses(uvsd: Uvsd, targets: TrafficTargets): Promise<Statuses> {
  const services = await uvsd.client.services();
  const at = (vip: string): ServiceStatus =>
    services.find(({ id }) => "address" in id && id.address === vip)!;
  return { orderly: at(targets.orderly), broken: at(targets.broken), gone: at(targets.gone) };
}

/** The client processes' reports as one. */
function sumUp(reports: readonly TrafficReport[]): TrafficReport {
  const account = (group: "orderly" | "broken" | "gone"): Account => ({
    connections: sum(reports.map((report) => report[group].connections)),
    sent: sum(reports.map((report) => report[group].sent)),
    received: sum(reports.map((report) => report[group].received)),
  });
  const byBehaviour: Record<string, number> = {};
  for (const report of reports) {
    for (const [name, count] of Object.entries(report.byBehaviour)) {
      byBehaviour[name] = (byBehaviour[name] ?? 0) + count;
    }
  }
  return {
    orderly: account("orderly"),
    broken: account("broken"),
    gone: account("gone"),
    byBehaviour,
    violations: reports.flatMap(({ violations }) => violations),
    violationCount: sum(reports.map(({ violationCount }) => violationCount)),
  };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** What clients, realservers and director counted, against each other. */
function assertAccounts(client: TrafficReport, server: TrafficReport, status: Statuses): void {
  assert.deepEqual([...client.violations, ...server.violations], [], "what went otherwise than planned");

  const { orderly, broken, gone } = status;
  assert.deepEqual(server.orderly, {
    connections: client.orderly.connections,
    sent: client.orderly.received,
    received: client.orderly.sent,
  });
  assert.deepEqual(traffic(orderly), [
    client.orderly.connections,
    client.orderly.sent,
    client.orderly.received,
  ]);

  // Of a connection that is reset, what was under way is lost: on each leg no more can have come than was sent.
  assert.equal(server.broken.connections, client.broken.connections);
  const [connections, inBytes, outBytes] = traffic(broken);
  assert.equal(connections, client.broken.connections);
  assertDescending("bytes of reset clients", client.broken.sent, inBytes, server.broken.received);
  assertDescending("bytes for reset clients", server.broken.sent, outBytes, client.broken.received);

  assert.deepEqual(traffic(gone).slice(1), [0, 0]);
}

function traffic({ totals }: ServiceStatus): number[] {
  return [totals.connections, totals.inBytes, totals.outBytes];
}

function assertDescending(what: string, ...counts: readonly number[]): void {
  assert.deepEqual(
    counts,
    [...counts].sort((a, b) => b - a),
    what,
  );
}

/** Every connection was counted once, under the name of its end. */
async function assertEvents(uvsd: Uvsd, client: TrafficReport, accepted: number): Promise<void> {
  const { forwarders, forwarderRestarts } = await uvsd.client.status();
  const { events } = forwarders[0];
  assert.equal(forwarderRestarts, 0);
  assert.equal(events["accepted"], accepted);
  assert.equal(events["established"], client.orderly.connections + client.broken.connections);
  assert.equal(events["clientReset"], client.byBehaviour["clientResets"]);
  assert.equal(events["realserverReset"], client.byBehaviour["realserverResets"]);
  for (const name of ["acceptStarved", "idleTimeout", "finTimeout", "killed", "recordsDropped"]) {
    assert.equal(events[name], 0, name);
  }
}

/** Nothing is active; what ended in order counts as inactive for two minutes, what was reset for ten seconds. */
async function assertCountsSettle(uvsd: Uvsd, targets: TrafficTargets, client: TrafficReport): Promise<void> {
  const counts = ({ connections, realservers: [server] }: ServiceStatus): number[] => {
    return [connections, server.active, server.inactive];
  };
  await waitFor(
    "reset connections count no longer",
    async () => {
      return (await statuses(uvsd, targets)).broken.realservers[0].inactive === 0;
    },
    LINGER_DEADLINE_MS,
  );
  const { orderly, broken, gone } = await statuses(uvsd, targets);
  assert.deepEqual(counts(orderly), [0, 0, client.orderly.connections]);
  assert.deepEqual(counts(broken), [0, 0, 0]);
  assert.deepEqual(counts(gone), [0, 0, 0]);
}
