import assert from "node:assert/strict";
import { test } from "node:test";
import {
  connectTo,
  echo,
  loopbackAddress,
  outcome,
  ping,
  startConnect,
  startRealserver,
} from "../../helpers/tcp.js";
import type { WithPlane } from "./with-plane.js";

/** The addresses that connections to realservers come from. */
export function sourceBehaviour(withPlane: WithPlane): void {
  test("connections come from the addresses of a list in turn", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    const source = [loopbackAddress(), loopbackAddress(), loopbackAddress()];
    await withPlane({ services: [{ servers: [realserver], source }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      for (const expected of [...source, source[0]]) {
        const client = await connectTo({ address, port });
        await ping(client, "hello");
        assert.equal((await realserver.next()).remoteAddress, expected);
        client.destroy();
      }
    });
  });

  test("an IPv6 realserver is reached from an IPv6 address", async (t) => {
    const realserver = await startRealserver(echo, "::1");
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver], source: ["::1"] }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      assert.equal((await realserver.next()).remoteAddress, "::1");
      client.destroy();
    });
  });

  test("a realserver is not to blame for an address that this host does not have", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    // TEST-NET-1: nobody's.
    const services = [{ servers: [realserver], source: ["192.0.2.77"] }];
    await withPlane({ services }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = startConnect({ address, port });
      assert.equal(await outcome(client), "reset");
      assert.equal(bench.count("sourceExhausted"), 1);
      const troubles = bench.said.splice(0).filter(({ event }) => event === "trouble");
      assert.ok(troubles.length > 0, "an operator is told");
      assert.deepEqual([bench.dispatcher.server(0).failed, bench.dispatcher.server(0).refused], [1, 0]);
    });
  });
}
