import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import {
  connectTo,
  echo,
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

/** Counters and records. What belongs to one kind of end is tested where that end is. */
export function accountingBehaviour(withPlane: WithPlane): void {
  test("a record tells times, ends, bytes and places of a connection", async (t) => {
    const realserver = await startRealserver((socket) => socket.once("end", () => socket.end("an answer")));
    t.after(realserver.close);
    realserver.server.on("connection", (socket) => socket.resume());
    const spare = await startRealserver();
    t.after(spare.close);
    await withPlane({ services: [{ servers: [spare] }, { servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(1, address);
      const startedAt = Date.now();
      const client = await connectTo({ address, port }, loopbackAddress());
      const { localAddress, localPort } = client;
      client.end("question");
      assert.equal((await receive(client)).toString(), "an answer");
      const [record] = await bench.recorded(1);
      const { startMs, connectMs, sessionMs, ...rest } = record;
      assert.deepEqual(rest, {
        client: localAddress,
        clientPort: localPort,
        service: 1,
        server: 1,
        destination: address,
        destinationPort: port,
        inBytes: 8,
        outBytes: 9,
        end: "client",
        retries: 0,
      });
      assert.ok(Math.abs(startMs - startedAt) < 10_000, `started at ${startMs}, the client at ${startedAt}`);
      assert.ok(connectMs >= 0 && connectMs <= sessionMs && sessionMs < 10_000, `${connectMs}, ${sessionMs}`);
    });
  });

  test("counters hold every connection and byte of each realserver", async (t) => {
    const [a, b] = [await startRealserver(echo), await startRealserver(echo)];
    t.after(a.close);
    t.after(b.close);
    await withPlane({ services: [{ servers: [a, b] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      for (const size of [1000, 70_000, 300, 1_000_000]) {
        const client = await connectTo({ address, port });
        await ping(client, "z".repeat(size));
        client.end();
        assert.equal(await outcome(client), "end");
      }
      await bench.recorded(4);
      for (const bytes of [bench.memory.inBytes, bench.memory.outBytes]) {
        assert.deepEqual([...bytes], [1300, 1_070_000]);
      }
      assert.deepEqual(bench.counts(), { accepted: 4, established: 4 });
      for (const server of [0, 1]) {
        const { dispatched, established, halfClosed, finished } = bench.dispatcher.server(server);
        assert.deepEqual([dispatched, established, halfClosed, finished], [2, 2, 2, 2]);
      }
    });
  });

  test("bytes are counted while the connection lives", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      const counted = () => bench.memory.inBytes[0] === 5 && bench.memory.outBytes[0] === 5;
      await waitFor("the bytes are counted", counted);
      assert.equal(bench.connections(), 1);
      assert.equal(bench.memory.threadConnections[0], 1);
    });
  });

  test("the dispatcher's token of a connection comes back with it", async (t) => {
    const [realserver, refusing] = [await startRealserver(echo), await refusingTarget()];
    t.after(realserver.close);
    const services = [
      { servers: [refusing, realserver], tokens: true },
      { servers: [refusing], sorry: realserver, tokens: true },
      { servers: [refusing, refusing], tokens: true },
    ];
    // A token that does not come back, or with another connection, is found when the plane has stopped.
    await withPlane({ services }, async (plane, bench) => {
      const address = loopbackAddress();
      const clients: Socket[] = [];
      for (const service of services.keys()) {
        const { port } = await plane.listen(service, address);
        for (let i = 0; i < 5; i++) clients.push(startConnect({ address, port }));
      }
      for (const client of clients) client.end("hello");
      const ends = await Promise.all(clients.map(outcome));
      assert.deepEqual(ends.slice(0, 10), new Array(10).fill("end"));
      await bench.recorded(15);
    });
  });

  test("records that find the ring full are dropped and counted", async (t) => {
    const realserver = await startRealserver((socket) => socket.end());
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }], ringCapacity: 2 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      for (let i = 0; i < 5; i++) {
        const client = await connectTo({ address, port });
        client.resume().end();
        await once(client, "close");
      }
      await waitFor("all have ended", () => bench.dispatcher.server(0).finished === 5);
      await waitFor("three are dropped", () => bench.count("recordsDropped") === 3);
      assert.equal(bench.records().length, 2);
    });
  });
}
