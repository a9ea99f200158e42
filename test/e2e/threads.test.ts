/** Decisions and limits are those of one director, however many threads make them and however many clients come at once. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { holder, Opening } from "../helpers/agents/holder.js";
import { Child } from "../helpers/child.js";
import { startAllNamed } from "../helpers/named-realserver.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const THREADS = 4;
const PORT = 8080;

type Holder = Child<typeof holder>;

function startHolders(t: TestContext, count: number): Holder[] {
  const module = new URL("../helpers/agents/holder.js", import.meta.url);
  return Array.from({ length: count }, () => new Child<typeof holder>(t, module));
}

/** Runs `count` connections in all, shared out among the processes. */
async function runAll(holders: readonly Holder[], opening: Opening): Promise<void> {
  const share = { ...opening, count: opening.count / holders.length };
  await Promise.all(holders.map((each) => each.ask("run", share)));
}

/** Sums of what the processes counted. */
async function countAll(holders: readonly Holder[]) {
  const served: Record<string, number> = {};
  const servedBySource: Record<string, number> = {};
  let reset = 0;
  const add = (sum: Record<string, number>, counts: Record<string, number>): void => {
    for (const [key, n] of Object.entries(counts)) sum[key] = (sum[key] ?? 0) + n;
  };
  for (const counts of await Promise.all(holders.map((each) => each.ask("counts")))) {
    add(served, counts.served);
    add(servedBySource, counts.servedBySource);
    reset += counts.reset;
  }
  return { served, servedBySource, reset };
}

async function startDirector(t: TestContext, vip: string, service: string): Promise<Uvsd> {
  const config = `dataplane: native
threads: ${THREADS}
services: [ { listen: "tcp://${vip}:${PORT}", ${service} } ]
`;
  return Uvsd.start(t, { config });
}

/** The service's counts, once no connection of it is left. */
async function settled(uvsd: Uvsd) {
  await waitFor(
    "every connection has ended",
    async () => (await uvsd.client.services())[0].connections === 0,
  );
  return (await uvsd.client.services())[0];
}

test("rr gives each of three realservers exactly 1,000 of 3,000 connections", async (t) => {
  const { list, realservers } = await startAllNamed(t, ["one", "two", "three"]);
  const vip = loopbackAddress();
  const uvsd = await startDirector(t, vip, `scheduler: rr, realservers: ${list}`);
  const holders = startHolders(t, 3);
  await runAll(holders, { vip, port: PORT, count: 3000, release: true });

  const { served, reset } = await countAll(holders);
  assert.deepEqual([served, reset], [{ one: 1000, two: 1000, three: 1000 }, 0], "as the clients saw it");
  assert.deepEqual(
    realservers.map(({ sockets }) => sockets.length),
    [1000, 1000, 1000],
  );
  const service = await settled(uvsd);
  assert.deepEqual(
    service.realservers.map(({ totals }) => totals.connections),
    [1000, 1000, 1000],
  );
  assert.deepEqual(
    service.realservers.map(({ active }) => active),
    [0, 0, 0],
  );
  assert.deepEqual(
    service.realservers.map(({ inactive }) => inactive),
    [1000, 1000, 1000],
  );
});

test("every thread takes part", async (t) => {
  const { list } = await startAllNamed(t, ["one"]);
  const vip = loopbackAddress();
  const uvsd = await startDirector(t, vip, `scheduler: rr, realservers: ${list}`);
  const [clients] = startHolders(t, 1);
  await clients.ask("run", { vip, port: PORT, count: 400 });
  const [{ connectionsPerThread }] = (await uvsd.client.status()).forwarders;
  assert.equal(connectionsPerThread.length, THREADS);
  assert.equal(
    connectionsPerThread.reduce((sum, count) => sum + count),
    400,
  );
  // The kernel spreads them by a hash: a thread without any of 400 has a chance of 4 in 10^50.
  assert.ok(
    connectionsPerThread.every((count) => count > 0),
    `${connectionsPerThread}`,
  );
});

test("wlc shares held connections out by weight, to the connection", async (t) => {
  const { realservers } = await startAllNamed(t, ["one", "two", "three"]);
  const vip = loopbackAddress();
  const servers = realservers.map(
    ({ address, port }, index) => `{ address: "${address}:${port}", weight: ${index + 1} }`,
  );
  const uvsd = await startDirector(t, vip, `scheduler: wlc, realservers: [ ${servers} ]`);
  const holders = startHolders(t, 2);
  // One after another: of those that are being connected the kernel counts 1, not 256, and so their order would matter.
  for (let i = 0; i < 120; i++) await holders[i % 2].ask("run", { vip, port: PORT, count: 1 });

  const { served } = await countAll(holders);
  assert.deepEqual(served, { one: 20, two: 40, three: 60 });
  const [service] = await uvsd.client.services();
  const active = Object.fromEntries(service.realservers.map(({ weight, active }) => [weight, active]));
  assert.deepEqual(active, { 1: 20, 2: 40, 3: 60 });
});

test("counts are exact while thousands of connections come at once and go", async (t) => {
  const { list } = await startAllNamed(t, ["one", "two", "three"]);
  const vip = loopbackAddress();
  const uvsd = await startDirector(t, vip, `scheduler: wlc, realservers: ${list}`);
  const holders = startHolders(t, 3);
  await runAll(holders, { vip, port: PORT, count: 1500 });
  await runAll(holders, { vip, port: PORT, count: 900, release: true });

  await waitFor("the released connections have ended", async () => {
    return (await uvsd.client.services())[0].connections === 1500;
  });
  const [service] = await uvsd.client.services();
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count);
  assert.equal(sum(service.realservers.map(({ active }) => active)), 1500);
  assert.equal(sum(service.realservers.map(({ inactive }) => inactive)), 900);
  assert.equal(service.totals.connections, 2400);
});

test("max-connections lets in exactly so many of those that come at once, again and again", async (t) => {
  const { list } = await startAllNamed(t, ["one"]);
  const vip = loopbackAddress();
  const uvsd = await startDirector(t, vip, `max-connections: 100, realservers: ${list}`);
  const holders = startHolders(t, 4);
  for (let round = 1; round <= 3; round++) {
    await runAll(holders, { vip, port: PORT, count: 600 });
    const { served, reset } = await countAll(holders);
    assert.deepEqual([served, reset], [{ one: 100 * round }, 500 * round], `round ${round}`);
    await Promise.all(holders.map((each) => each.ask("release", 100)));
    await settled(uvsd);
  }
  const [{ events }] = (await uvsd.client.status()).forwarders;
  assert.equal(events["serviceLimit"], 1500);
});

test("max-connections-per-source lets in exactly so many of each client, again and again", async (t) => {
  const { list } = await startAllNamed(t, ["one"]);
  const vip = loopbackAddress();
  const uvsd = await startDirector(t, vip, `max-connections-per-source: 7, realservers: ${list}`);
  const holders = startHolders(t, 4);
  const sources = Array.from({ length: 20 }, loopbackAddress);
  for (let round = 1; round <= 3; round++) {
    await runAll(holders, { vip, port: PORT, count: 800, sources });
    const { servedBySource, reset } = await countAll(holders);
    const expected = Object.fromEntries(sources.map((source) => [source, 7 * round]));
    assert.deepEqual(servedBySource, expected, `round ${round}`);
    assert.equal(reset, (800 - 140) * round);
    await Promise.all(holders.map((each) => each.ask("release", 140)));
    await settled(uvsd);
  }
  const [{ events }] = (await uvsd.client.status()).forwarders;
  assert.equal(events["sourceLimit"], (800 - 140) * 3);
});
