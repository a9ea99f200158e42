import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import {
  connectTo,
  echo,
  hashBytes,
  loopbackAddress,
  outcome,
  ping,
  receive,
  receiveExactly,
  sendBytes,
  startRealserver,
} from "../../helpers/tcp.js";
import { waitFor } from "../../helpers/wait-for.js";
import type { WithPlane } from "./with-plane.js";

const MIB = 1 << 20;

/** Bytes both ways, half-close, reset and back-pressure. */
export function relayBehaviour(withPlane: WithPlane): void {
  test("bytes go both ways, small ones and large ones by turns", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      await ping(client, "x".repeat(300_000));
      await ping(client, "y");
      client.end();
      assert.equal(await outcome(client), "end");
    });
  });

  test("a client that half-closes first still gets every byte of the answer", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      client.end("request");
      const served = await realserver.next();
      assert.equal((await receive(served)).toString(), "request");
      const received = hashBytes(client);
      const hash = await sendBytes(served, 8 * MIB);
      served.end();
      assert.deepEqual(await received, { size: 8 * MIB, hash });
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "client");
      assert.equal(bench.dispatcher.server(0).halfClosed, 1);
      assert.equal(bench.dispatcher.server(0).finished, 1);
    });
  });

  test("a realserver that half-closes first still gets every byte of the client", async (t) => {
    const realserver = await startRealserver((socket) => socket.end("greeting"));
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      assert.equal((await receive(client)).toString(), "greeting");
      const received = hashBytes(await realserver.next());
      const hash = await sendBytes(client, 8 * MIB);
      client.end();
      assert.deepEqual(await received, { size: 8 * MIB, hash });
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "realserver");
      assert.equal(bench.dispatcher.server(0).finished, 1);
    });
  });

  test("a client that resets resets the realserver's connection", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      client.resetAndDestroy();
      assert.equal(await outcome(await realserver.next()), "reset");
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "clientReset");
      assert.equal(bench.count("clientReset"), 1);
      assert.equal(bench.dispatcher.server(0).reset, 1);
    });
  });

  test("a realserver that resets resets the client's connection", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      client.write("hello");
      const served = await realserver.next();
      await receiveExactly(served, 5);
      served.resetAndDestroy();
      assert.equal(await outcome(client), "reset");
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "realserverReset");
      assert.equal(bench.count("realserverReset"), 1);
      assert.equal(bench.dispatcher.server(0).reset, 1);
    });
  });

  test("a client that half-closes and then resets in mid-answer resets the realserver", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      client.end("request");
      const served = await realserver.next();
      await receive(served);
      const sending = sendBytes(served, 1024 * MIB);
      await once(client, "readable");
      client.resetAndDestroy();
      await assert.rejects(sending, /ended while sending/);
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "clientReset");
    });
  });

  test("a realserver that does not read stops the client, and then gets every byte", async (t) => {
    const realserver = await startRealserver((socket) => socket.pause());
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      const size = 96 * MIB;
      const sent = sendBytes(client, size).then((hash) => client.end() && hash);
      await assertStalls(() => client.bytesWritten, size);
      const received = await hashBytes(await realserver.next());
      assert.deepEqual(received, { size, hash: await sent });
    });
  });

  test("a client that does not read stops the realserver, and then gets every byte", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      client.pause();
      const served = await realserver.next();
      const size = 96 * MIB;
      const sent = sendBytes(served, size).then((hash) => served.end() && hash);
      await assertStalls(() => served.bytesWritten, size);
      assert.deepEqual(await hashBytes(client), { size, hash: await sent });
    });
  });
}

/** What the kernel's buffers of both connections and a plane may hold of one direction; they grow to 4 MiB and more. */
const MOST_IN_FLIGHT = 32 * MIB;

/** Waits until `written` has stood still for half a second, below what buffers explain. */
async function assertStalls(written: () => number, size: number): Promise<void> {
  let seen = -1;
  let since = 0;
  await waitFor("the sender is stopped", () => {
    if (written() !== seen) {
      seen = written();
      since = performance.now();
    }
    return performance.now() - since > 500;
  });
  assert.ok(
    seen > 0 && seen < MOST_IN_FLIGHT && seen < size,
    `${seen} bytes went to a side that does not read`,
  );
}
