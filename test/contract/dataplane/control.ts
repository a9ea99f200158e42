import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import {
  connectTo,
  echo,
  hangingTarget,
  loopbackAddress,
  outcome,
  ping,
  receive,
  startConnect,
  startRealserver,
} from "../../helpers/tcp.js";
import { waitFor } from "../../helpers/wait-for.js";
import type { WithPlane } from "./with-plane.js";

/** Commands: unlisten, drain, kill, stop. */
export function controlBehaviour(withPlane: WithPlane): void {
  test("listeners of several services are kept apart", async (t) => {
    const [first, second] = [
      await startRealserver((socket) => socket.end("first")),
      await startRealserver((socket) => socket.end("second")),
    ];
    t.after(first.close);
    t.after(second.close);
    await withPlane({ services: [{ servers: [first] }, { servers: [second] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      for (const [service, text] of ["first", "second"].entries()) {
        const { port } = await plane.listen(service, address);
        const client = await connectTo({ address, port });
        assert.equal((await receive(client)).toString(), text);
        client.end();
      }
      assert.deepEqual(
        (await bench.recorded(2)).map((record) => record.service),
        [0, 1],
      );
    });
  });

  test("unlisten serves the connections that are queued, then gives up the socket", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane) => {
      const address = loopbackAddress();
      const { id, port } = await plane.listen(0, address);
      const clients = Array.from({ length: 50 }, () => startConnect({ address, port }));
      // The kernel completes a connect on loopback within the system call, and that is made in the next tick.
      await new Promise(process.nextTick);
      plane.command({ op: "unlisten", listener: id });
      await Promise.all(clients.map((client, i) => ping(client, `client ${i}`)));
      plane.release(id);
      await waitFor("the address refuses", () => isRefused(address, port));
      await ping(clients[0], "still carried");
    });
  });

  test("drain serves what is there and says drained when the last connection ended", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { id, port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      plane.command({ op: "drain" });
      plane.release(id);
      await waitFor("the address refuses", () => isRefused(address, port));
      await ping(client, "still carried");
      assert.ok(!bench.said.some((said) => said.event === "drained"), "not drained with a connection left");
      client.end();
      await bench.heard("drained");
      assert.equal(bench.connections(), 0);
    });
  });

  test("drain without connections says drained", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      await plane.listen(0, loopbackAddress());
      plane.command({ op: "drain" });
      await bench.heard("drained");
    });
  });

  test("kill resets the connections of a realserver, of a service, or all", async (t) => {
    const [a, b, c] = [await startRealserver(echo), await startRealserver(echo), await startRealserver(echo)];
    for (const realserver of [a, b, c]) t.after(realserver.close);
    const services = [{ servers: [a, b] }, { servers: [c] }];
    await withPlane({ services }, async (plane, bench) => {
      const address = loopbackAddress();
      const first = await plane.listen(0, address);
      const second = await plane.listen(1, address);
      const toA = await connectTo({ address, port: first.port });
      await ping(toA, "hello");
      const toB = await connectTo({ address, port: first.port });
      await ping(toB, "hello");
      const toC = await connectTo({ address, port: second.port });
      await ping(toC, "hello");

      plane.command({ op: "kill", service: 1, server: 0 });
      plane.command({ op: "kill", server: 0 });
      assert.equal(await outcome(toA), "reset");
      assert.equal(await outcome(await a.next()), "reset");
      await Promise.all([ping(toB, "alive"), ping(toC, "alive")]);

      plane.command({ op: "kill", service: 1 });
      assert.equal(await outcome(toC), "reset");
      await ping(toB, "alive");

      plane.command({ op: "kill" });
      assert.equal(await outcome(toB), "reset");
      assert.deepEqual(
        (await bench.recorded(3)).map((record) => record.end),
        ["killed", "killed", "killed"],
      );
      assert.equal(bench.count("killed"), 3);
    });
  });

  test("kill ends a connection whose realserver is being connected", async (t) => {
    const hanging = await hangingTarget();
    t.after(hanging.close);
    await withPlane({ services: [{ servers: [hanging] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await waitFor("it is dispatched", () => bench.dispatcher.server(0).dispatched === 1);
      plane.command({ op: "kill", server: 0 });
      assert.equal(await outcome(client), "reset");
      assert.equal((await bench.recorded(1))[0].end, "killed");
      assert.equal(bench.dispatcher.server(0).unconnected, 1);
    });
  });

  test("stop resets what is left and says stopped", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      const ended = Promise.all([outcome(client), outcome(await realserver.next())]);
      plane.command({ op: "stop" });
      assert.deepEqual(await ended, ["reset", "reset"]);
      await bench.heard("stopped");
      assert.equal(bench.records()[0].end, "killed");
    });
  });
}

async function isRefused(address: string, port: number): Promise<boolean> {
  const socket = startConnect({ address, port });
  try {
    await once(socket, "connect");
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  } finally {
    socket.destroy();
  }
}
