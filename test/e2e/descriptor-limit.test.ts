/**
 * More clients than the director has descriptors for, or than it is allowed: it serves those who fit, leaves the others
 * in the kernel's queue without spinning, and takes them as places come free.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import type { holder } from "../helpers/agents/holder.js";
import { Child } from "../helpers/child.js";
import { startAllNamed, startNamed, yamlList } from "../helpers/named-realserver.js";
import { cpuShare } from "../helpers/proc.js";
import { connectTo, loopbackAddress, ping, receiveExactly } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const PORT = 8080;
const DESCRIPTORS = 200;
/** Of one core; a thread that spins has all of it. */
const IDLE_SHARE = 0.5;

const withDescriptors = (count: number): readonly string[] => ["prlimit", `--nofile=${count}:${count}`, "--"];

for (const dataplane of ["native", "net"]) {
  describe(`limits with the ${dataplane} plane`, () => {
    const configOf = (vip: string, list: string, rest = ""): string => `dataplane: ${dataplane}
threads: 2
${rest}
services: [ { listen: "tcp://${vip}:${PORT}", realservers: ${list} } ]
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

    test("no descriptor left: those who are served stay, another one waits until they leave", async (t) => {
      const vip = loopbackAddress();
      const flood = await startNamed(t, "flood", (socket) => socket.resume().write(Buffer.alloc(8 << 20)));
      const echo = await startNamed(t, "echo", (socket) => socket.pipe(socket));
      const echoVip = loopbackAddress();
      const uvsd = await Uvsd.start(t, {
        prefix: withDescriptors(DESCRIPTORS),
        config: `dataplane: ${dataplane}
threads: 2
services:
  - { listen: "tcp://${vip}:${PORT}", realservers: ${yamlList([flood])} }
  - { listen: "tcp://${echoVip}:${PORT}", realservers: ${yamlList([echo])} }
`,
      });
      const pid = await uvsd.forwarderPid();
      // Clients that do not read make the native plane keep their bytes in pipes: two more descriptors each.
      const deaf: Socket[] = [];
      t.after(() => {
        for (const socket of deaf) socket.destroy();
      });
      const isFull = async (): Promise<boolean> => {
        const [{ events }] = (await uvsd.client.status()).forwarders;
        return events["acceptStarved"] + events["acceptPaused"] > 0;
      };
      while (!(await isFull())) {
        const socket = await connectTo({ address: vip, port: PORT });
        deaf.push(socket);
        socket.once("readable", () => {});
        await waitFor(
          "it is served, or there is no place",
          async () => socket.readableLength > 0 || isFull(),
        );
      }
      const waiting = await connectTo({ address: echoVip, port: PORT });
      t.after(() => waiting.destroy());
      await assertAsleep(pid);
      assert.equal(waiting.readableLength, 0, "it is served already");
      assert.ok(
        deaf.every((socket) => !socket.destroyed),
        "one of those who are served was reset",
      );

      for (const socket of deaf) socket.destroy();
      assert.equal((await receiveExactly(waiting, 4)).toString(), "echo");
      await ping(waiting, "hello");
      await assertUnharmed(uvsd);
    });
  });
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
