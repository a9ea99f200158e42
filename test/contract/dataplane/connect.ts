import assert from "node:assert/strict";
import { test } from "node:test";
import { Verdict } from "../../../src/dataplane/dispatcher.js";
import type { PlaneBench } from "../../helpers/plane-harness.js";
import {
  connectTo,
  echo,
  hangingTarget,
  loopbackAddress,
  outcome,
  ping,
  receive,
  refusingTarget,
  startConnect,
  startRealserver,
} from "../../helpers/tcp.js";
import { waitFor } from "../../helpers/wait-for.js";
import type { WithPlane } from "./with-plane.js";

/** Waits until the first connection is on its way to realserver 0. */
const dispatched = (bench: PlaneBench) =>
  waitFor("the connection is dispatched", () => bench.dispatcher.server(0).dispatched === 1);

/** Connecting, redispatch, the sorry server, and what clients do meanwhile. */
export function connectBehaviour(withPlane: WithPlane): void {
  test("a refused connection is redispatched and the client notices nothing", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    const servers = [await refusingTarget(), realserver];
    await withPlane({ services: [{ servers }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      client.end();
      assert.equal(await outcome(client), "end");
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.server, record.retries, record.end], [1, 1, "client"]);
      assert.deepEqual([bench.count("connectRefused"), bench.count("redispatched")], [1, 1]);
      assert.deepEqual(
        [0, 1].map((server) => bench.dispatcher.server(server).refused),
        [1, 0],
      );
    });
  });

  test("bytes sent and a half-close made before a redispatch arrive whole", async (t) => {
    const realserver = await startRealserver(echo);
    const hanging = await hangingTarget();
    t.after(realserver.close);
    t.after(hanging.close);
    const servers = [await refusingTarget(), hanging, realserver];
    await withPlane({ services: [{ servers, connectTimeoutMs: 200 }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = startConnect({ address, port });
      const request = Buffer.alloc(400_000, "request ");
      client.end(request);
      assert.ok((await receive(client)).equals(request));
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.server, record.retries], [2, 2]);
      assert.deepEqual([record.inBytes, record.outBytes], [request.length, request.length]);
    });
  });

  test("a connect that times out is redispatched", async (t) => {
    const realserver = await startRealserver(echo);
    const hanging = await hangingTarget();
    t.after(realserver.close);
    t.after(hanging.close);
    const servers = [hanging, realserver];
    await withPlane({ services: [{ servers, connectTimeoutMs: 200 }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      client.destroy();
      const [record] = await bench.recorded(1);
      assert.equal(record.server, 1);
      assert.ok(record.connectMs >= 199, "the time of the vain try is part of the connect time");
      assert.deepEqual([bench.count("connectTimedOut"), bench.count("redispatched")], [1, 1]);
    });
  });

  test("when every realserver fails the sorry server answers", async (t) => {
    const sorry = await startRealserver((socket) => socket.end("sorry"));
    t.after(sorry.close);
    const servers = [await refusingTarget(), await refusingTarget()];
    await withPlane({ services: [{ servers, sorry }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      assert.equal((await receive(client)).toString(), "sorry");
      client.end();
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.server, record.retries, record.end], [Verdict.SORRY, 2, "realserver"]);
      assert.deepEqual([record.inBytes, record.outBytes], [0, 5]);
      assert.deepEqual([bench.count("sorry"), bench.count("connectRefused")], [1, 2]);
    });
  });

  test("without a realserver the sorry server answers", async (t) => {
    const sorry = await startRealserver((socket) => socket.end("sorry"));
    t.after(sorry.close);
    await withPlane({ services: [{ servers: [], sorry }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      assert.equal((await receive(client)).toString(), "sorry");
      client.end();
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.server, record.retries], [Verdict.SORRY, 0]);
    });
  });

  test("when every realserver and the sorry server fail the client is reset", async () => {
    const [server, sorry] = [await refusingTarget(), await refusingTarget()];
    await withPlane({ services: [{ servers: [server], sorry }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      assert.equal(await outcome(startConnect({ address, port })), "reset");
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.server, record.end, record.connectMs], [Verdict.SORRY, "connectFailed", -1]);
    });
  });

  test("when every realserver fails and there is no sorry server the client is reset", async () => {
    const servers = [await refusingTarget(), await refusingTarget()];
    await withPlane({ services: [{ servers }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      assert.equal(await outcome(startConnect({ address, port })), "reset");
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.server, record.end, record.retries], [Verdict.NO_SERVER, "connectFailed", 2]);
      assert.equal(bench.count("noServer"), 0, "there were realservers, they failed");
    });
  });

  test("redispatches end where the dispatcher ends them", async () => {
    const servers = await Promise.all(Array.from({ length: 12 }, refusingTarget));
    await withPlane({ services: [{ servers, retries: 8 }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      assert.equal(await outcome(startConnect({ address, port })), "reset");
      const [record] = await bench.recorded(1);
      assert.equal(record.retries, 9);
      assert.equal(bench.count("redispatched"), 8);
    });
  });

  test("without a realserver and a sorry server the client is reset", async () => {
    await withPlane({ services: [{ servers: [] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      assert.equal(await outcome(startConnect({ address, port })), "reset");
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.server, record.end, record.connectMs], [Verdict.NO_SERVER, "noServer", -1]);
      assert.equal(bench.count("noServer"), 1);
    });
  });

  test("a client that resets while its realserver is being connected ends the attempt", async (t) => {
    const hanging = await hangingTarget();
    t.after(hanging.close);
    await withPlane({ services: [{ servers: [hanging] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await dispatched(bench);
      client.resetAndDestroy();
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.end, record.server, record.connectMs], ["clientGone", 0, -1]);
      assert.equal(bench.dispatcher.server(0).unconnected, 1);
    });
  });

  test("a half-close without a byte, made before the realserver is connected, is passed on", async (t) => {
    const realserver = await startRealserver((socket) =>
      socket.once("end", () => socket.end("bye")).resume(),
    );
    const hanging = await hangingTarget();
    t.after(realserver.close);
    t.after(hanging.close);
    const servers = [hanging, realserver];
    await withPlane({ services: [{ servers, connectTimeoutMs: 300 }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      client.end();
      assert.equal((await receive(client)).toString(), "bye");
      assert.equal((await bench.recorded(1))[0].end, "client");
    });
  });

  test("an IPv6 client reaches an IPv4 realserver", async (t) => {
    const realserver = await startRealserver(echo, "127.0.0.1");
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const { port } = await plane.listen(0, "::1");
      const client = await connectTo({ address: "::1", port });
      await ping(client, "hello");
      client.destroy();
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.client, record.destination, record.destinationPort], ["::1", "::1", port]);
    });
  });

  test("an IPv4 client reaches an IPv6 realserver", async (t) => {
    const realserver = await startRealserver(echo, "::1");
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const from = loopbackAddress();
      const client = await connectTo({ address, port }, from);
      await ping(client, "hello");
      client.destroy();
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.client, record.destination], [from, address]);
    });
  });

  for (const [wildcard, spoken] of [
    ["0.0.0.0", loopbackAddress()],
    ["::", "::1"],
  ]) {
    test(`a listener on ${wildcard} reports the address that the client spoke to`, async (t) => {
      const realserver = await startRealserver(echo);
      t.after(realserver.close);
      await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
        const { port } = await plane.listen(0, wildcard);
        const client = await connectTo({ address: spoken, port });
        await ping(client, "hello");
        client.destroy();
        const [record] = await bench.recorded(1);
        assert.deepEqual([record.destination, record.destinationPort], [spoken, port]);
      });
    });
  }
}
