import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderFormat } from "../../../src/core/proxy-protocol/format.js";
import {
  connectTo,
  loopbackAddress,
  receive,
  receiveExactly,
  refusingTarget,
  startRealserver,
} from "../../helpers/tcp.js";
import type { WithPlane } from "./with-plane.js";

const { V1, V2, CRC32C } = HeaderFormat;
const SIGNATURE = "0d0a0d0a000d0a515549540a";

/** Headers to realservers. */
export function proxySendBehaviour(withPlane: WithPlane): void {
  test("a realserver gets a line before the first byte, with the client and what it spoke to", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver], header: V1 }] }, async (plane, bench) => {
      const [address, from] = [loopbackAddress(), loopbackAddress()];
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port }, from);
      client.write("hello");
      const line = `PROXY TCP4 ${from} ${address} ${client.localPort} ${port}\r\n`;
      const served = await realserver.next();
      assert.equal((await receiveExactly(served, line.length + 5)).toString(), `${line}hello`);
      served.end("bye");
      assert.equal((await receive(client)).toString(), "bye");
      client.end();
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.inBytes, record.outBytes], [5, 3], "the header is no payload");
    });
  });

  test("a realserver that speaks first gets the header at once", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver], header: V2 }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      const served = await realserver.next();
      const header = await receiveExactly(served, 28);
      assert.equal(header.toString("hex", 0, 16), `${SIGNATURE}2111000c`);
      assert.equal(header.readUInt16BE(24), client.localPort);
      client.destroy();
    });
  });

  test("a client that is silent where others spoke first has its header sent once, before its bytes or its end", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver], header: V2 }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      for (let i = 0; i < 5; i++) {
        const client = await connectTo({ address, port });
        client.end("hello");
        assert.equal((await receive(await realserver.next())).length, 28 + 5);
        client.destroy();
      }
      const silent = await connectTo({ address, port });
      const served = await realserver.next();
      await receiveExactly(served, 28);
      silent.end("hello");
      assert.equal((await receive(served)).toString(), "hello");
      silent.destroy();

      const ended = await connectTo({ address, port });
      ended.end();
      assert.equal((await receive(await realserver.next())).length, 28);
      ended.destroy();
    });
  });

  test("an IPv6 client is passed on to an IPv4 realserver", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver], header: V1 }] }, async (plane) => {
      const { port } = await plane.listen(0, "::1");
      const client = await connectTo({ address: "::1", port });
      const line = `PROXY TCP6 ::1 ::1 ${client.localPort} ${port}\r\n`;
      assert.equal((await receiveExactly(await realserver.next(), line.length)).toString(), line);
      client.destroy();
    });
  });

  test("after a redispatch the next realserver gets a whole header", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    const servers = [await refusingTarget(), realserver];
    await withPlane({ services: [{ servers, header: V2 | CRC32C }] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      client.end("hello");
      const served = await realserver.next();
      const received = await receive(served);
      assert.equal(received.toString("hex", 0, 16), `${SIGNATURE}21110013`);
      assert.equal(received.toString("latin1", 35), "hello");
      assert.equal(bench.count("redispatched"), 1);
      served.end();
      await bench.recorded(1);
    });
  });

  test("the sorry server gets a header where that is asked for", async (t) => {
    const sorry = await startRealserver((socket) => socket.end("sorry"));
    t.after(sorry.close);
    await withPlane({ services: [{ servers: [], sorry, header: V1 }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      client.end();
      assert.equal((await receive(client)).toString(), "sorry");
      assert.match((await receive(await sorry.next())).toString(), /^PROXY TCP4 /);
    });
  });

  test("many bytes follow the header in order", async (t) => {
    const realserver = await startRealserver();
    t.after(realserver.close);
    await withPlane({ services: [{ servers: [realserver], header: V1 }] }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address);
      const client = await connectTo({ address, port });
      const body = Buffer.alloc(3_000_000, "0123456789abcde\n");
      client.end(body);
      const received = await receive(await realserver.next());
      assert.ok(received.subarray(received.indexOf("\r\n") + 2).equals(body));
      client.destroy();
    });
  });
}
