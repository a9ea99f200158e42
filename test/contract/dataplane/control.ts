import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { parseIp } from "../../../src/core/address.js";
import {
  connectTo,
  echo,
  hangingTarget,
  loopbackAddress,
  outcome,
  ping,
  receive,
  receiveExactly,
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

  test("kill by a client's address spares other clients, and tells how many it ended", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const [hit, spared] = [loopbackAddress(), loopbackAddress()];
      const victims = [await connectTo({ address, port }, hit), await connectTo({ address, port }, hit)];
      const other = await connectTo({ address, port }, spared);
      for (const client of [...victims, other]) await ping(client, "hello");
      const words = parseIp(hit)!.words;
      plane.command({ op: "kill", ticket: 7, client: { family: 4, words } });
      for (const victim of victims) assert.equal(await outcome(victim), "reset");
      await bench.heard("killed");
      const answer = bench.said.find((said) => said.event === "killed");
      assert.deepEqual(answer, { event: "killed", thread: 0, ticket: 7, count: 2 });
      await ping(other, "alive");
    });
  });

  test("list tells what is carried, how far it is, and when it would end", async (t) => {
    const [realserver, hanging] = [await startRealserver(), await hangingTarget()];
    t.after(realserver.close);
    t.after(hanging.close);
    const services = [{ servers: [realserver] }, { servers: [hanging] }];
    await withPlane({ services, idleMs: 50_000, finMs: 20_000 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const open = await connectTo({ address, port }, loopbackAddress());
      open.write("hello");
      await receiveExactly(await realserver.next(), 5);
      const clientDone = await connectTo({ address, port }, loopbackAddress());
      clientDone.end("bye");
      await receive(await realserver.next());
      const realserverDone = await connectTo({ address, port }, loopbackAddress());
      (await realserver.next()).end("hi");
      await receive(realserverDone);
      const slow = await plane.listen(1, address);
      const connecting = await connectTo({ address, port: slow.port }, loopbackAddress());
      await waitFor("it is dispatched", () => bench.dispatcher.server(1).dispatched === 1);

      plane.command({ op: "list", ticket: 1 });
      const listed = await bench.listed(1);
      for (const [client, state, server, inBytes, outBytes, timeoutMs] of [
        [open, "ESTABLISHED", 0, 5, 0, 50_000],
        [clientDone, "CLIENT_FINISHED", 0, 3, 0, 20_000],
        [realserverDone, "REALSERVER_FINISHED", 0, 0, 2, 20_000],
        [connecting, "CONNECTING", 1, 0, 0, 10_000],
      ] as const) {
        const row = listed.find(({ clientPort }) => clientPort === client.localPort);
        assert.ok(row, `${state} is listed`);
        const { ageMs, expiresMs, ...rest } = row;
        const service = server;
        const destinationPort = server === 0 ? port : slow.port;
        assert.deepEqual(rest, {
          service,
          server,
          client: client.localAddress,
          clientPort: client.localPort,
          destination: address,
          destinationPort,
          state,
          inBytes,
          outBytes,
        });
        assert.ok(ageMs >= 0 && ageMs < 10_000, `${state} is ${ageMs} ms old`);
        assert.ok(expiresMs > timeoutMs - 10_000 && expiresMs <= timeoutMs, `${state} has ${expiresMs} ms`);
      }
      assert.equal(listed.length, 4);

      plane.command({ op: "list", ticket: 2, service: 1, server: 1 });
      assert.deepEqual(
        (await bench.listed(2)).map((row) => row.clientPort),
        [connecting.localPort],
      );
      const words = parseIp(open.localAddress!)!.words;
      plane.command({ op: "list", ticket: 3, client: { family: 4, words } });
      assert.deepEqual(
        (await bench.listed(3)).map((row) => row.clientPort),
        [open.localPort],
      );
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
