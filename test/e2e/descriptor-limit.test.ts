/**
 * More clients than the director has descriptors for, or than it is allowed: it serves those who fit, leaves the others
 * in the kernel's queue without spinning, and takes them as places come free.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { DEFAULT_REALSERVER } from "../../src/core/model.js";
import type { holder } from "../helpers/agents/holder.js";
import { Child } from "../helpers/child.js";
import { startAllNamed, startNamed, yamlList } from "../helpers/named-realserver.js";
import { cpuShare } from "../helpers/proc.js";
import type { ScriptedTarget } from "../helpers/scripted-dispatcher.js";
import { connectTo, loopbackAddress, ping, receiveExactly } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const PORT = 8080;
const DESCRIPTORS = 200;
/** Services whose listening sockets take the descriptors that the connection limit counts on. */
const OTHER_SERVICES = 50;
/** Clients for each place, where they have the last descriptors in turn: the threads contend for each that comes free. */
const TURNS = 10;
/** Of one core; a thread that spins has all of it. */
const IDLE_SHARE = 0.5;

const withDescriptors = (count: number): readonly string[] => ["prlimit", `--nofile=${count}:${count}`, "--"];

for (const dataplane of ["native", "net"]) {
  describe(`limits with the ${dataplane} plane`, () => {
    const configOf = (vip: string, list: string, rest = ""): string => `dataplane: ${dataplane}
threads: 2
${rest}
services:
  - { listen: "tcp://${vip}:${PORT}", realservers: ${list} }
`;

    for (const { name, prefix, rest } of [
      { name: `only ${DESCRIPTORS} descriptors`, prefix: withDescriptors(DESCRIPTORS), rest: "" },
      { name: "limits.connections: 60", prefix: [], rest: "limits: { connections: 60 }" },
      {
        name: "limits.connections above what its descriptors allow",
        prefix: withDescriptors(DESCRIPTORS),
        rest: "limits: { connections: 5000 }",
      },
    ]) {
      test(`${name}: 300 clients are served in turn, as many at once as fit`, async (t) => {
        const { list } = await startAllNamed(t, ["one"]);
        const vip = loopbackAddress();
        const uvsd = await Uvsd.start(t, { config: configOf(vip, list, rest), prefix });
        await serveInTurn(t, uvsd, vip, 300);
      });
    }

    test("bulk to clients that do not read leaves descriptors for others, and for a new service", async (t) => {
      const vip = loopbackAddress();
      const flood = await startNamed(t, "flood", (socket) => socket.resume().write(Buffer.alloc(8 << 20)));
      const uvsd = await Uvsd.start(t, {
        config: configOf(vip, yamlList([flood])),
        prefix: withDescriptors(DESCRIPTORS),
      });
      const [{ pid, connectionLimit }] = (await uvsd.client.status()).forwarders;
      const deaf: Socket[] = [];
      t.after(() => destroyAll(deaf));
      // Two places stay free.
      for (let i = 0; i < connectionLimit - 2; i++) {
        const socket = await connectTo({ address: vip, port: PORT });
        deaf.push(socket);
        socket.once("readable", () => {});
        await waitFor("it is served", () => socket.readableLength > 0);
      }
      await assertAsleep(pid);

      const echo = await startNamed(t, "echo", (socket) => socket.pipe(socket));
      const client = await connectTo({ address: await addService(uvsd, echo), port: PORT });
      t.after(() => client.destroy());
      assert.equal((await receiveExactly(client, 4)).toString(), "echo");
      await ping(client, "hello");
      assert.ok(
        deaf.every((socket) => !socket.destroyed),
        "one of those who are served was reset",
      );
      await assertUnharmed(uvsd);
    });
  });
}

// Not of the net plane: without a descriptor left, libuv accepts and closes, whatever its user does.
test("no descriptor left: those who are served stay, the others wait until they leave", async (t) => {
  const { list, realservers } = await startAllNamed(t, ["one"]);
  const vip = loopbackAddress();
  const others = Array.from(
    { length: OTHER_SERVICES },
    () => `  - { listen: "tcp://${loopbackAddress()}:${PORT}", realservers: ${list} }\n`,
  );
  const uvsd = await Uvsd.start(t, {
    config: `dataplane: native
threads: 2
services:
  - { listen: "tcp://${vip}:${PORT}", realservers: ${list} }
${others.join("")}`,
    prefix: withDescriptors(DESCRIPTORS),
  });
  const clients = new Child<typeof holder>(t, new URL("../helpers/agents/holder.js", import.meta.url));
  const [{ pid, connectionLimit }] = (await uvsd.client.status()).forwarders;
  const count = connectionLimit * TURNS;
  await clients.ask("start", { vip, port: PORT, count });
  await waitFor("no descriptor is left", async () => {
    return (await uvsd.client.status()).forwarders[0].events["acceptStarved"] > 0;
  });
  await assertAsleep(pid);
  const { served, waiting } = await clients.ask("counts");
  assert.ok(waiting > 0 && served["one"] > 0, `${served["one"]} are served, ${waiting} wait`);

  await assert.rejects(addService(uvsd, realservers[0]), /no descriptor left for a listening socket/);

  const isDone = async (): Promise<boolean> => {
    await clients.ask("release", 10);
    return (await clients.ask("counts")).waiting === 0;
  };
  await waitFor("nobody waits any longer", isDone, 60_000);
  assert.equal((await clients.ask("counts")).reset, 0);
  await clients.ask("release", connectionLimit);
  await waitFor("all have left", async () => (await carried(uvsd)) === 0);
  await addService(uvsd, realservers[0]);
  await waitFor("every service serves", () => everyServiceServes(uvsd), 20_000);
  await assertUnharmed(uvsd);
});

/** Adds a service with one realserver. @returns its VIP */
async function addService(uvsd: Uvsd, { address, port }: ScriptedTarget): Promise<string> {
  const [{ settings }] = await uvsd.client.services();
  const vip = loopbackAddress();
  await uvsd.client.addService({
    id: { protocol: "tcp", address: vip, port: PORT },
    settings,
    realservers: [{ ...DEFAULT_REALSERVER, address, port }],
  });
  return vip;
}

/** Whether a client of each service is served within a while. */
async function everyServiceServes(uvsd: Uvsd): Promise<boolean> {
  const greetings = (await uvsd.client.services()).map(async ({ id }) => {
    const socket = await connectTo(id as { address: string; port: number });
    try {
      return await Promise.race([receiveExactly(socket, 3).then(() => true), delay(1000, false)]);
    } finally {
      socket.destroy();
    }
  });
  return (await Promise.all(greetings)).every(Boolean);
}

function destroyAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

/** Brings `count` clients at once and lets those who are served leave in groups, until all were served. */
async function serveInTurn(t: TestContext, uvsd: Uvsd, vip: string, count: number): Promise<void> {
  const clients = new Child<typeof holder>(t, new URL("../helpers/agents/holder.js", import.meta.url));
  const [{ pid, connectionLimit }] = (await uvsd.client.status()).forwarders;
  assert.ok(connectionLimit >= 16 && connectionLimit < count / 2, `a limit of ${connectionLimit}`);
  await clients.ask("start", { vip, port: PORT, count });
  const servedIs = async (expected: number): Promise<boolean> => {
    const { served } = await clients.ask("counts");
    return served["one"] === expected;
  };

  await waitFor("those who fit are served", () => servedIs(connectionLimit));
  assert.equal(await carried(uvsd), connectionLimit);
  await assertAsleep(pid);
  assert.ok(await servedIs(connectionLimit), "one more than the limit is served");

  for (let served = connectionLimit; served < count; ) {
    await clients.ask("release", connectionLimit);
    served = Math.min(count, served + connectionLimit);
    await waitFor(`${served} were served`, () => servedIs(served));
  }
  assert.equal((await clients.ask("counts")).reset, 0);
  await clients.ask("release", connectionLimit);
  await waitFor("all have left", async () => (await carried(uvsd)) === 0);
  await assertUnharmed(uvsd);
}

async function carried(uvsd: Uvsd): Promise<number> {
  const [{ connectionsPerThread }] = (await uvsd.client.status()).forwarders;
  return connectionsPerThread.reduce((sum, count) => sum + count);
}

/** What flows at first may take a while; a loop that spins never comes to rest. */
function assertAsleep(pid: number): Promise<void> {
  return waitFor("the forwarder sleeps", async () => (await cpuShare(pid, 1000)) < IDLE_SHARE, 20_000);
}

async function assertUnharmed(uvsd: Uvsd): Promise<void> {
  const { forwarders, forwarderRestarts } = await uvsd.client.status();
  assert.equal(forwarderRestarts, 0, "the forwarder died");
  assert.equal(forwarders[0].generation, 1);
}
