import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { nativePlaneHarness } from "../helpers/native-plane-harness.js";
import { connectTo, echo, loopbackAddress, outcome, ping, startRealserver } from "../helpers/tcp.js";
import { startUdpRealserver, UdpClient } from "../helpers/udp.js";
import { waitFor } from "../helpers/wait-for.js";
import { relayBehaviour } from "./dataplane/relay.js";
import { planeRunner } from "./dataplane/with-plane.js";
import { dataplaneSuite } from "./dataplane-suite.js";

dataplaneSuite("native", async () => nativePlaneHarness());

describe("the native data plane that gets no pipe carries bytes", () => {
  const harness = nativePlaneHarness({ buffers: 256, pipes: 0 });
  after(() => harness.close());
  relayBehaviour(planeRunner(() => harness));
});

describe("the native data plane that has neither pipe nor buffer left carries bytes", () => {
  const harness = nativePlaneHarness({ buffers: 0, pipes: 0 });
  after(() => harness.close());
  relayBehaviour(planeRunner(() => harness));
});

describe("the native data plane counts packets", () => {
  const harness = nativePlaneHarness();
  after(() => harness.close());
  const withPlane = planeRunner(() => harness);

  test("of a connection while it lives, and at its end what came since", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      const { inPackets, outPackets } = bench.memory;
      let pings = 0;
      const pingUntil = async (received: number, sent: number): Promise<void> => {
        await waitFor("packets of the living connection are counted", async () => {
          await ping(client, "hello");
          pings++;
          return inPackets[0] > received && outPackets[0] > sent;
        });
      };
      await pingUntil(0, 0);
      await pingUntil(inPackets[0], outPackets[0]);
      assert.equal(bench.connections(), 1);
      client.end();
      assert.equal(await outcome(client), "end");
      await bench.recorded(1);
      // A packet each way carries a ping, one each way opens and one ends the connection; the rest are acknowledgements.
      for (const [packets] of [inPackets, outPackets]) {
        assert.ok(packets >= pings && packets <= 2 * pings + 4, `${packets} packets of ${pings} pings`);
      }
    });
  });
});

test("a UDP socket of all addresses answers from the one that a client spoke to", async (t) => {
  const harness = nativePlaneHarness();
  t.after(() => harness.close());
  const withPlane = planeRunner(() => harness);
  const server = await startUdpRealserver();
  t.after(server.close);
  const services = ["0.0.0.0", "::"].map(() => ({ servers: [server], isUdp: true }));
  let clientPort = 0;
  await withPlane({ services }, async (plane, bench) => {
    const { port } = await plane.listen(0, "0.0.0.0", 0, "udp");
    const six = await plane.listen(1, "::", 0, "udp");
    const asked = [
      { address: loopbackAddress(), port },
      { address: loopbackAddress(), port },
      { address: "::1", port: six.port },
    ];
    for (const to of asked) {
      // One client port: what differs is the VIP, and each is a flow of its own.
      const client = await UdpClient.open(
        to,
        to.address === "::1" ? "::1" : "127.0.0.1",
        to.port === port ? clientPort : 0,
      );
      await client.ask("hello");
      assert.deepEqual(client.answers[0].from, `${to.address} ${to.port}`);
      clientPort = client.port;
      client.close();
    }
    plane.command({ op: "list", ticket: 1 });
    const rows = await bench.listed(1);
    assert.deepEqual(
      rows.map(({ destination }) => destination).sort(),
      asked.map(({ address }) => address).sort(),
    );
  });
});
