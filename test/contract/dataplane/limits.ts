import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Verdict } from "../../../src/dataplane/dispatcher.js";
import {
  connectTo,
  echo,
  hangingTarget,
  loopbackAddress,
  outcome,
  ping,
  startConnect,
  startRealserver,
} from "../../helpers/tcp.js";
import { waitFor } from "../../helpers/wait-for.js";
import type { WithPlane } from "./with-plane.js";

/** Limits of connections and the time-outs of established ones. */
export function limitBehaviour(withPlane: WithPlane): void {
  for (const [verdict, end] of [
    [Verdict.SERVICE_LIMIT, "serviceLimit"],
    [Verdict.SOURCE_LIMIT, "sourceLimit"],
  ] as const) {
    test(`a client over the limit is reset as ${end}, and served once another is gone`, async (t) => {
      const realserver = await startRealserver(echo);
      t.after(realserver.close);
      const services = [{ servers: [realserver], limit: { connections: 1, verdict } }];
      await withPlane({ services }, async (plane, bench) => {
        const address = loopbackAddress();
        const { port } = await plane.listen(0, address);
        const first = await connectTo({ address, port });
        await ping(first, "hello");
        assert.equal(await outcome(startConnect({ address, port })), "reset");
        const [record] = await bench.recorded(1);
        assert.deepEqual([record.end, record.server], [end, verdict]);
        assert.equal(bench.count(end), 1);
        first.end();
        await bench.recorded(2);
        await ping(await connectTo({ address, port }), "hello");
      });
    });
  }

  test("at the connection limit accepting pauses, and a waiting client is served after another ends", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }], maxConnections: 2 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const clients = [await connectTo({ address, port }), await connectTo({ address, port })];
      for (const client of clients) await ping(client, "hello");
      for (const leaving of clients) {
        const waiting = await connectTo({ address, port });
        waiting.write("waiting");
        await waitFor("accepting is paused", () => bench.count("acceptPaused") > 0);
        assert.equal(bench.connections(), 2);
        leaving.end();
        await once(waiting, "readable");
        assert.equal(String(waiting.read()), "waiting");
        assert.equal(bench.connections(), 2);
      }
      assert.equal(bench.count("accepted"), 4);
    });
  });

  test("raising the connection limit lets waiting clients in", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }], maxConnections: 1 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      await ping(await connectTo({ address, port }), "first");
      const waiting = await connectTo({ address, port });
      await waitFor("accepting is paused", () => bench.count("acceptPaused") > 0);
      bench.set("MAX_CONNECTIONS", 2);
      await ping(waiting, "second");
    });
  });

  test("an idle connection is reset on both sides", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }], idleMs: 200 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      const served = await realserver.next();
      assert.deepEqual(await Promise.all([outcome(client), outcome(served)]), ["reset", "reset"]);
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "idleTimeout");
      assert.ok(record.sessionMs >= 199, `idle for ${record.sessionMs} ms`);
      assert.equal(bench.count("idleTimeout"), 1);
      assert.equal(bench.dispatcher.server(0).reset, 1);
    });
  });

  test("a half-closed connection on which nothing moves is reset after the fin time-out", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }], finMs: 200 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      client.end("request");
      const served = await realserver.next();
      assert.equal(await outcome(client), "reset");
      // After an end libuv no longer looks for a reset; writing finds it.
      await waitFor("the realserver is reset", () => served.destroyed || !served.write("late"));
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "finTimeout");
      assert.equal(bench.count("finTimeout"), 1);
    });
  });

  test("moving bytes put off the idle and the fin time-out", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    const start = { services: [{ servers: [realserver] }], idleMs: 1000, finMs: 1000 };
    await withPlane(start, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const open = await connectTo({ address, port });
      const openServed = await realserver.next();
      const halfClosed = await connectTo({ address, port });
      const halfClosedServed = await realserver.next();
      halfClosed.end("request");
      for (let i = 0; i < 24; i++) {
        await delay(100);
        open.write("up");
        halfClosedServed.write("down");
      }
      assert.deepEqual(bench.records(), []);
      openServed.end();
      halfClosedServed.end();
      assert.deepEqual(await Promise.all([outcome(open), outcome(halfClosed)]), ["end", "end"]);
    });
  });

  test("a time-out that is changed at run time holds for connections that are there", async (t) => {
    const realserver = await startRealserver(echo);
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver] }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      await ping(client, "hello");
      bench.set("TCP_IDLE_MS", 100);
      assert.equal(await outcome(client), "reset");
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "idleTimeout");
    });
  });

  test("a connection that is being connected is not idle", async (t) => {
    const hanging = await hangingTarget();
    t.after(hanging.close);
    const services = [{ servers: [hanging], connectTimeoutMs: 800 }];
    await withPlane({ services, idleMs: 100 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      assert.equal(await outcome(startConnect({ address, port })), "reset");
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "connectFailed");
    });
  });
}
