import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { HeaderFormat } from "../../../src/core/proxy-protocol/format.js";
import { ownHeader } from "../../../src/core/proxy-protocol/header-writer.js";
import type { EndReasonName } from "../../../src/dataplane/records.js";
import type { PlaneBench } from "../../helpers/plane-harness.js";
import type { ScriptedService } from "../../helpers/scripted-dispatcher.js";
import {
  connectTo,
  echo,
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

const { V1 } = HeaderFormat;
const SIGNATURE = "0d0a0d0a000d0a515549540a";
const LINE = "PROXY TCP4 192.0.2.1 192.0.2.99 4711 443\r\n";
const V6_LINE = "PROXY TCP6 2001:db8::1 2001:db8::99 4711 443\r\n";

/** Headers from trusted proxies. */
export function proxyAcceptBehaviour(withPlane: WithPlane): void {
  /** A service whose clients from `from` send a header. */
  async function withProxy(
    more: Partial<ScriptedService> & { proxy?: Partial<NonNullable<ScriptedService["acceptProxy"]>> },
    body: (given: {
      readonly bench: PlaneBench;
      readonly address: string;
      readonly port: number;
      readonly proxy: string;
      readonly list: () => Promise<Awaited<ReturnType<PlaneBench["listed"]>>>;
      readonly kill: () => void;
    }) => Promise<void>,
  ): Promise<void> {
    const realserver = await startRealserver(echo);
    const proxy = loopbackAddress();
    const { proxy: accept, ...rest } = more;
    const service = { servers: [realserver], ...rest, acceptProxy: { from: [proxy], ...accept } };
    try {
      await withPlane({ services: [service] }, async (plane, bench) => {
        const address = loopbackAddress();
        const { port } = await plane.listen(0, address);
        let ticket = 0;
        const list = () => {
          plane.command({ op: "list", ticket: ++ticket });
          return bench.listed(ticket);
        };
        await body({ bench, address, port, proxy, list, kill: () => plane.command({ op: "kill" }) });
      });
    } finally {
      await realserver.close();
    }
  }

  const headers: readonly [string, string, string | Uint8Array, readonly [string, number, string, number]][] =
    [
      ["1", "IPv4", LINE, ["192.0.2.1", 4711, "192.0.2.99", 443]],
      ["1", "IPv6", V6_LINE, ["2001:db8::1", 4711, "2001:db8::99", 443]],
      [
        "2",
        "IPv4",
        Buffer.from(`${SIGNATURE}2111000cc0000201c0000263126701bb`, "hex"),
        ["192.0.2.1", 4711, "192.0.2.99", 443],
      ],
    ];
  for (const [version, family, header, named] of headers) {
    test(`the ${family} client that a header of version ${version} names is the one that counts`, async () => {
      await withProxy({}, async ({ bench, address, port, proxy, list }) => {
        const client = await connectTo({ address, port }, proxy);
        client.write(header);
        await ping(client, "hello");
        const [listed] = await list();
        assert.deepEqual(
          [listed.client, listed.clientPort, listed.destination, listed.destinationPort],
          named,
        );
        client.end();
        assert.equal(await outcome(client), "end");
        const [record] = await bench.recorded(1);
        assert.deepEqual(
          [record.client, record.clientPort, record.destination, record.destinationPort],
          named,
        );
        assert.deepEqual([record.inBytes, record.outBytes, record.end], [5, 5, "client"]);
      });
    });
  }

  test("a header and the first bytes may come in one packet", async () => {
    await withProxy({}, async ({ address, port, proxy }) => {
      const client = await connectTo({ address, port }, proxy);
      client.end(`${LINE}hello`);
      assert.equal((await receive(client)).toString(), "hello");
    });
  });

  test("a header may come byte by byte", async () => {
    await withProxy({}, async ({ bench, address, port, proxy }) => {
      const client = await connectTo({ address, port }, proxy);
      for (const byte of Buffer.from(LINE)) {
        assert.equal(bench.dispatcher.server(0).dispatched, 0);
        client.write(Uint8Array.of(byte));
        for (let turn = 0; turn < 3; turn++) await nextTurn();
      }
      await ping(client, "hello");
      client.destroy();
      assert.equal((await bench.recorded(1))[0].client, "192.0.2.1");
    });
  });

  test("what follows a header may be large", async () => {
    await withProxy({}, async ({ address, port, proxy }) => {
      const client = await connectTo({ address, port }, proxy);
      const body = Buffer.alloc(2_000_000, "0123456789abcde\n");
      client.write(LINE);
      client.end(body);
      assert.ok((await receive(client)).equals(body));
    });
  });

  for (const version of [1, 2] as const) {
    test(`the proxy's own connection (version ${version}) is served as its own`, async () => {
      await withProxy({}, async ({ bench, address, port, proxy }) => {
        const client = await connectTo({ address, port }, proxy);
        client.write(ownHeader(version));
        await ping(client, "hello");
        client.destroy();
        const [record] = await bench.recorded(1);
        assert.deepEqual([record.client, record.destination], [proxy, address]);
      });
    });
  }

  test("the header goes on to the realserver as one of its own", async () => {
    const realserver = await startRealserver();
    try {
      await withProxy({ servers: [realserver], header: V1 }, async ({ address, port, proxy }) => {
        const client = await connectTo({ address, port }, proxy);
        client.end(`${LINE}hello`);
        assert.equal((await receive(await realserver.next())).toString(), `${LINE}hello`);
        client.destroy();
      });
    } finally {
      await realserver.close();
    }
  });

  /** Sends `bytes` as the trusted proxy. @returns how the client saw the end, and the record */
  async function refused(
    bytes: string | Uint8Array,
    event: EndReasonName & ("proxyHeaderMissing" | "proxyHeaderInvalid" | "proxyHeaderTimeout"),
    proxy: Partial<NonNullable<ScriptedService["acceptProxy"]>> = {},
    isEnding = false,
  ): Promise<void> {
    await withProxy({ proxy }, async ({ bench, address, port, proxy: from }) => {
      const client = await connectTo({ address, port }, from);
      const end = outcome(client);
      client.write(bytes);
      if (isEnding) client.end();
      assert.equal(await end, "reset");
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.end, record.client, record.inBytes], [event, from, 0]);
      assert.equal(bench.count(event), 1);
      assert.equal(bench.dispatcher.server(0).dispatched, 0);
    });
  }

  test("a trusted proxy that sends no header is reset", () =>
    refused("GET / HTTP/1.1\r\n\r\n", "proxyHeaderMissing"));

  test("a malformed header is reset", () =>
    refused("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "proxyHeaderInvalid"));

  test("a header with a wrong checksum is reset", () =>
    refused(
      Buffer.from(`${SIGNATURE}21110013c0000201c0000263126701bb03000401020304`, "hex"),
      "proxyHeaderInvalid",
    ));

  test("a header that ends in its middle is reset", () =>
    refused(LINE.slice(0, 20), "proxyHeaderInvalid", {}, true));

  test("a header that does not come whole in time is reset", () =>
    refused(LINE.slice(0, 20), "proxyHeaderTimeout", { timeoutMs: 100 }));

  test("a header longer than the limit is reset", () =>
    refused(Buffer.from(`${SIGNATURE}21110300`, "hex"), "proxyHeaderInvalid"));

  test("a longer header is taken where more is asked for", async () => {
    await withProxy({ proxy: { limit: 4000 } }, async ({ bench, address, port, proxy }) => {
      const client = await connectTo({ address, port }, proxy);
      // 3,000 bytes of NOOP in one TLV (type 4).
      const fixed = Buffer.from(`${SIGNATURE}21110bc7c0000201c0000263126701bb040bb8`, "hex");
      client.write(Buffer.concat([fixed, Buffer.alloc(3000), Buffer.from("hello")]));
      assert.equal((await receiveExactly(client, 5)).toString(), "hello");
      client.destroy();
      assert.equal((await bench.recorded(1))[0].client, "192.0.2.1");
    });
  });

  test("a proxy that connects and says nothing is reset when its time is over", async () => {
    await withProxy({ proxy: { timeoutMs: 100 } }, async ({ bench, address, port, proxy }) => {
      const client = await connectTo({ address, port }, proxy);
      assert.equal(await outcome(client), "reset");
      assert.equal((await bench.recorded(1))[0].end, "proxyHeaderTimeout");
    });
  });

  test("a proxy that leaves without a byte is no fault", async () => {
    await withProxy({}, async ({ bench, address, port, proxy }) => {
      const client = await connectTo({ address, port }, proxy);
      client.end();
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "clientGone");
      assert.deepEqual(bench.counts(), { accepted: 1 });
      client.destroy();
    });
  });

  test("a proxy that resets while its header is waited for is gone", async () => {
    await withProxy({}, async ({ bench, address, port, proxy }) => {
      const client = await connectTo({ address, port }, proxy);
      await waitFor("the header is waited for", () => bench.dispatcher.service(0).waiting === 1);
      client.resetAndDestroy();
      assert.equal((await bench.recorded(1))[0].end, "clientGone");
    });
  });

  test("a client from elsewhere is served as it is, and its header is nothing but bytes", async () => {
    await withProxy({}, async ({ bench, address, port }) => {
      const from = loopbackAddress();
      const client = await connectTo({ address, port }, from);
      await ping(client, LINE);
      client.destroy();
      assert.equal((await bench.recorded(1))[0].client, from);
    });
  });

  test("a client from elsewhere is reset where only proxies are served", async () => {
    await withProxy({ proxy: { refuseOthers: true } }, async ({ bench, address, port }) => {
      const client = startConnect({ address, port }, loopbackAddress());
      assert.equal(await outcome(client), "reset");
      assert.equal((await bench.recorded(1))[0].end, "proxyRefused");
      assert.equal(bench.count("proxyRefused"), 1);
    });
  });

  test("while its header is waited for a connection is listed so, and can be killed", async () => {
    await withProxy({}, async ({ bench, address, port, proxy, list, kill }) => {
      const client = await connectTo({ address, port }, proxy);
      await waitFor("the header is waited for", () => bench.dispatcher.service(0).waiting === 1);
      const [listed] = await list();
      assert.deepEqual([listed.state, listed.client], ["AWAITING_HEADER", proxy]);
      assert.ok(listed.expiresMs > 0 && listed.expiresMs <= 10_000);
      const end = outcome(client);
      kill();
      assert.equal(await end, "reset");
      assert.equal((await bench.recorded(1))[0].end, "killed");
    });
  });

  test("a hundred proxies that stop in the middle keep nobody else waiting", async () => {
    await withProxy({}, async ({ bench, address, port, proxy }) => {
      const slow = await Promise.all(Array.from({ length: 100 }, () => connectTo({ address, port }, proxy)));
      for (const socket of slow) socket.write(LINE.slice(0, 10));
      await waitFor("the headers are waited for", () => bench.dispatcher.service(0).waiting === 100);
      const client = await connectTo({ address, port }, proxy);
      client.write(LINE);
      await ping(client, "hello");
      client.destroy();
      for (const socket of slow) {
        socket.resetAndDestroy();
        if (!socket.closed) await once(socket, "close");
      }
    });
  });
}
