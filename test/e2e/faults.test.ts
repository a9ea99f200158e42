/** What breaks around a running director: realservers that die, refuse or hang. Both data planes. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { bulkRealserver } from "../helpers/agents/bulk-realserver.js";
import { Child } from "../helpers/child.js";
import { type Exchange, exchange, seedOf } from "../helpers/keystream.js";
import { startNamed, yamlList } from "../helpers/named-realserver.js";
import type { ScriptedTarget } from "../helpers/scripted-dispatcher.js";
import { connectTo, hangingTarget, loopbackAddress, receiveExactly, refusingTarget } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const PORT = 8080;
const MIB = 1 << 20;
/** A client that has so much to send cannot be through while its realserver reads no more than HELD of it: no host buffers the rest. */
const SIZE = 64 * MIB;
const HELD = MIB;

/** A target that leaves connects hanging until the test ends. */
async function startHanging(t: TestContext): Promise<ScriptedTarget> {
  const target = await hangingTarget();
  t.after(() => target.close());
  return target;
}

/** The greetings of so many clients that come at once; a client that gets none makes it fail. */
async function greetingsOf(vip: string, count: number): Promise<string[]> {
  const ask = async (): Promise<string> => {
    const socket = await connectTo({ address: vip, port: PORT });
    try {
      return (await receiveExactly(socket, 4)).toString();
    } finally {
      socket.end();
    }
  };
  return Promise.all(Array.from({ length: count }, ask));
}

for (const dataplane of ["native", "net"]) {
  describe(`faults around the ${dataplane} plane`, () => {
    const start = (t: TestContext, vip: string, service: string): Promise<Uvsd> =>
      Uvsd.start(t, {
        config: `dataplane: ${dataplane}
threads: 2
services: [ { listen: "tcp://${vip}:${PORT}", scheduler: rr, connect-timeout: 200ms, ${service} } ]
`,
      });

    test("a realserver killed in mid-transfer resets its client and no other", async (t) => {
      const seed = seedOf(t);
      const module = new URL("../helpers/agents/bulk-realserver.js", import.meta.url);
      const children = [
        new Child<typeof bulkRealserver>(t, module),
        new Child<typeof bulkRealserver>(t, module),
      ];
      const targets = await Promise.all(
        children.map(async (child) => ({ address: "127.0.0.1", port: await child.ask("listen") })),
      );
      const vip = loopbackAddress();
      const uvsd = await start(t, vip, `realservers: ${yamlList(targets)}`);

      const serving = children.map((child) => child.ask("serve", `down ${seed}`, SIZE, HELD));
      const clients: Promise<Exchange>[] = [];
      for (let i = 0; i < children.length; i++) {
        clients.push(exchange(await connectTo({ address: vip, port: PORT }), `up ${seed}`, SIZE));
      }
      const outcomes = Promise.allSettled(clients);
      const servings = Promise.allSettled(serving);
      await waitFor("bytes flow from and to both", async () => {
        const [{ realservers }] = await uvsd.client.services();
        return realservers.every(({ totals }) => totals.inBytes > HELD && totals.outBytes > 0);
      });
      await children[0].kill();
      await children[1].ask("goOn");

      const [lost, whole] = (await outcomes).sort((a, b) => (a.status < b.status ? 1 : -1));
      assert.ok(lost.status === "rejected", "the client of the killed realserver ended in order");
      // EPIPE: its reset comes after a FIN, when all that it was sent had arrived.
      assert.match(lost.reason.code, /^(ECONNRESET|EPIPE)$/);
      assert.ok(whole.status === "fulfilled", "the other client was harmed");
      const [, other] = await servings;
      assert.ok(other.status === "fulfilled");
      assert.equal(whole.value.receivedHash, other.value.sentHash);
      assert.equal(other.value.receivedHash, whole.value.sentHash);
    });

    test("with two of three realservers dead, one refusing and one hanging, every client is served", async (t) => {
      const alive = await startNamed(t, "live");
      const list = yamlList([await refusingTarget(), alive, await startHanging(t)]);
      const vip = loopbackAddress();
      const uvsd = await start(t, vip, `realservers: ${list}`);
      assert.deepEqual(new Set(await greetingsOf(vip, 90)), new Set(["live"]));

      const [{ events }] = (await uvsd.client.status()).forwarders;
      assert.ok(events["connectRefused"] > 0 && events["connectTimedOut"] > 0, JSON.stringify(events));
      assert.equal(events["established"], 90);
      await waitFor("no connection is left", async () => (await uvsd.client.services())[0].connections === 0);
      const [{ realservers, totals }] = await uvsd.client.services();
      assert.equal(totals.connections, 90, "a failed try is no connection");
      const shares = Object.fromEntries(realservers.map(({ port, totals }) => [port, totals.connections]));
      assert.equal(shares[alive.port], 90);
    });

    test("with every realserver dead the sorry server serves, until one is back", async (t) => {
      const sorry = await startNamed(t, "sory");
      const refusing = await refusingTarget();
      const list = yamlList([refusing, await startHanging(t)]);
      const vip = loopbackAddress();
      const uvsd = await start(t, vip, `sorry: "${sorry.address}:${sorry.port}", realservers: ${list}`);
      assert.deepEqual(new Set(await greetingsOf(vip, 30)), new Set(["sory"]));

      const alive = await startNamed(t, "live");
      const [{ id, realservers }] = await uvsd.client.services();
      const {
        active,
        inactive,
        persistent,
        overloaded,
        totals,
        rates,
        connectTime,
        sessionTime,
        ...settings
      } = realservers[0];
      await uvsd.client.addRealserver(id, { ...settings, address: alive.address, port: alive.port });
      assert.deepEqual(new Set(await greetingsOf(vip, 30)), new Set(["live"]));
    });

    test("with every realserver dead and no sorry server each client is reset, and the director goes on", async (t) => {
      const vip = loopbackAddress();
      const uvsd = await start(t, vip, `realservers: ${yamlList([await refusingTarget()])}`);
      const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => greetingsOf(vip, 1)));
      assert.ok(outcomes.every(({ status }) => status === "rejected"));
      const { forwarders, forwarderRestarts } = await uvsd.client.status();
      assert.equal(forwarders[0].events["connectRefused"], 30);
      assert.equal(forwarderRestarts, 0);
      assert.equal((await uvsd.client.services())[0].connections, 0);
    });
  });
}
