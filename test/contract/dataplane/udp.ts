import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Verdict } from "../../../src/dataplane/dispatcher.js";
import type { PlaneBench } from "../../helpers/plane-harness.js";
import type { ScriptedService } from "../../helpers/scripted-dispatcher.js";
import { loopbackAddress } from "../../helpers/tcp.js";
import { refusingUdpTarget, startUdpRealserver, UdpClient, type UdpRealserver } from "../../helpers/udp.js";
import { waitFor } from "../../helpers/wait-for.js";
import type { WithPlane } from "./with-plane.js";

/** What is sent over UDP, and how flows begin and end. */
export function udpBehaviour(withPlane: WithPlane): void {
  /** Realservers that answer with their number and what they were sent. */
  async function realservers(t: TestContext, count: number): Promise<UdpRealserver[]> {
    const servers: UdpRealserver[] = [];
    for (let i = 0; i < count; i++) {
      const server = await startUdpRealserver((bytes) => `${i} ${bytes}`);
      t.after(server.close);
      servers.push(server);
    }
    return servers;
  }

  async function client(t: TestContext, to: { address: string; port: number }, from?: string) {
    const opened = await UdpClient.open(to, from);
    t.after(() => opened.close());
    return opened;
  }

  const udp = (service: ScriptedService): ScriptedService => ({ ...service, isUdp: true });

  /** Flows now, as the plane lists them. */
  async function listed(bench: PlaneBench, command: (ticket: number) => void, ticket: number) {
    command(ticket);
    return bench.listed(ticket);
  }

  test("all that a client sends goes to one realserver, and is answered from the VIP", async (t) => {
    const servers = await realservers(t, 2);
    await withPlane({ services: [udp({ servers })] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const [a, b] = [await client(t, { address, port }), await client(t, { address, port })];
      for (let i = 0; i < 3; i++) {
        assert.equal(await a.ask(`a${i}`), `0 a${i}`);
        assert.equal(await b.ask(`b${i}`), `1 b${i}`);
      }
      assert.deepEqual(new Set(a.answers.map(({ from }) => from)), new Set([`${address} ${port}`]));
      // One socket a flow: the realserver can tell the clients apart.
      assert.equal(new Set(servers[0].received.map((received) => received.port)).size, 1);
      assert.deepEqual(bench.counts(), { flowOpened: 2 });
      assert.equal(bench.memory.threadFlows[0], 2);
      for (const server of [0, 1]) {
        const { dispatched, established } = bench.dispatcher.server(server);
        assert.deepEqual([dispatched, established], [1, 1]);
      }
    });
  });

  test("datagrams of 0 and of 65,507 bytes arrive whole, both ways", async (t) => {
    const server = await startUdpRealserver();
    t.after(server.close);
    await withPlane({ services: [udp({ servers: [server] })] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const asking = await client(t, { address, port });
      const largest = Buffer.alloc(65_507, "0123456789");
      assert.equal(await asking.ask(""), "");
      assert.equal(await asking.ask(largest), largest.toString());
      assert.equal(await asking.ask(""), "");
      for (const bytes of [bench.memory.inBytes, bench.memory.outBytes]) assert.equal(bytes[0], 65_507);
      for (const packets of [bench.memory.inPackets, bench.memory.outPackets]) assert.equal(packets[0], 3);
    });
  });

  test("a burst of datagrams arrives in order, and so does one of answers", async (t) => {
    const server = await startUdpRealserver(() => undefined);
    t.after(server.close);
    await withPlane({ services: [udp({ servers: [server] })] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const asking = await client(t, { address, port });
      const words = Array.from({ length: 100 }, (_, i) => `word ${i}`);
      await Promise.all(words.map((word) => asking.send(word)));
      await waitFor("all have come", () => server.received.length === words.length);
      assert.deepEqual(
        server.received.map(({ bytes }) => bytes.toString()),
        words,
      );
      server.answerAgain(...words);
      await waitFor("all are answered", () => asking.answers.length === words.length);
      assert.deepEqual(
        asking.answers.map(({ bytes }) => bytes.toString()),
        words,
      );
      assert.deepEqual(bench.counts(), { flowOpened: 1 });
      assert.deepEqual([bench.memory.inPackets[0], bench.memory.outPackets[0]], [100, 100]);
    });
  });

  test("a VIP of one family has realservers of the other", async (t) => {
    const server = await startUdpRealserver((bytes) => `six ${bytes}`, "::1");
    const four = await startUdpRealserver((bytes) => `four ${bytes}`);
    t.after(server.close);
    t.after(four.close);
    const services = [udp({ servers: [server] }), udp({ servers: [four] })];
    await withPlane({ services }, async (plane) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const six = await plane.listen(1, "::1", 0, "udp");
      assert.equal(await (await client(t, { address, port })).ask("hello"), "six hello");
      const asking = await client(t, { address: "::1", port: six.port }, "::1");
      assert.equal(await asking.ask("hello"), "four hello");
    });
  });

  test("a flow that rests is over, and tells of itself", async (t) => {
    const servers = await realservers(t, 2);
    await withPlane({ services: [udp({ servers, tokens: true })], udpIdleMs: 300 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const asking = await client(t, { address, port }, loopbackAddress());
      const startedAt = Date.now();
      assert.equal(await asking.ask("question"), "0 question");
      const [record] = await bench.recorded(1);
      const { startMs, connectMs, sessionMs, ...rest } = record;
      assert.deepEqual(rest, {
        client: asking.address,
        clientPort: asking.port,
        service: 0,
        server: 0,
        destination: address,
        destinationPort: port,
        inBytes: 8,
        outBytes: 10,
        end: "idleTimeout",
        retries: 0,
      });
      assert.ok(Math.abs(startMs - startedAt) < 10_000, `started at ${startMs}, the client at ${startedAt}`);
      assert.ok(connectMs >= 0 && connectMs <= sessionMs && sessionMs < 10_000, `${connectMs}, ${sessionMs}`);
      assert.equal(bench.count("flowExpired"), 1);
      assert.equal(bench.memory.threadFlows[0], 0);
      assert.equal(bench.dispatcher.server(0).expired, 1);
      // Scheduled anew: it is the next one's turn.
      assert.equal(await asking.ask("again"), "1 again");
    });
  });

  test("answers keep a flow as datagrams do", async (t) => {
    const server = await startUdpRealserver();
    t.after(server.close);
    await withPlane({ services: [udp({ servers: [server] })], udpIdleMs: 1000 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const asking = await client(t, { address, port });
      await asking.ask("subscribe");
      const beganMs = performance.now();
      const timer = setInterval(() => server.answerAgain("news"), 100);
      t.after(() => clearInterval(timer));
      await waitFor("twice the time-out has passed", () => performance.now() - beganMs > 2000);
      clearInterval(timer);
      assert.equal(bench.count("flowExpired"), 0);
    });
  });

  test("a flood gives way to itself, and those that are answered stay", async (t) => {
    const server = await startUdpRealserver((bytes) => (bytes.toString() === "flood" ? undefined : bytes));
    t.after(server.close);
    await withPlane({ services: [udp({ servers: [server] })], maxFlows: 8 }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const served = [await client(t, { address, port }), await client(t, { address, port })];
      for (const one of served) await one.ask("hello");
      for (let i = 0; i < 50; i++) await (await client(t, { address, port })).send("flood");
      await waitFor("the flood has come", () => server.received.length === 52);
      await waitFor("all are records but 8", () => bench.records().length === 44);
      assert.equal(bench.memory.threadFlows[0], 8);
      assert.deepEqual(bench.counts(), { flowOpened: 52, flowEvicted: 44 });
      for (const one of served) await one.ask("still there");
      assert.equal(bench.count("flowOpened"), 52);
    });
  });

  test("a realserver that refuses is told of, and the client's next datagram goes to another one", async (t) => {
    const [other] = await realservers(t, 1);
    const refusing = await refusingUdpTarget();
    const services = [udp({ servers: [refusing, other], tokens: true })];
    await withPlane({ services }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const asking = await client(t, { address, port });
      await asking.send("lost");
      const [record] = await bench.recorded(1);
      assert.deepEqual([record.end, record.server, record.connectMs], ["refused", 0, -1]);
      const { refused, reset } = bench.dispatcher.server(0);
      assert.deepEqual([refused, reset, bench.count("flowRefused")], [1, 1, 1]);
      assert.equal(bench.memory.threadFlows[0], 0);
      assert.equal(await asking.ask("again"), "0 again");
      assert.equal(await asking.ask("and again"), "0 and again");
    });
  });

  test("with one-packet scheduling every datagram is scheduled for itself, and answered from the VIP", async (t) => {
    const servers = await realservers(t, 3);
    const services = [udp({ servers, isOnePacket: true, tokens: true })];
    await withPlane({ services }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const asking = await client(t, { address, port });
      for (let i = 0; i < 6; i++) assert.equal(await asking.ask(`${i}`), `${i % 3} ${i}`);
      assert.deepEqual(new Set(asking.answers.map(({ from }) => from)), new Set([`${address} ${port}`]));
      const records = await bench.recorded(6);
      assert.deepEqual(new Set(records.map(({ end }) => end)), new Set(["realserver"]));
      const rows = await listed(bench, (ticket) => plane.command({ op: "list", ticket }), 1);
      assert.deepEqual(rows, []);
      assert.equal(bench.memory.threadFlows[0], 0);
      for (const server of [0, 1, 2]) {
        assert.equal(bench.dispatcher.server(server).onePacket, 2);
        assert.deepEqual([bench.memory.inPackets[server], bench.memory.outPackets[server]], [2, 2]);
      }
    });
  });

  test("datagrams that nobody takes are counted, and told of", async (t) => {
    const [server] = await realservers(t, 1);
    const full = { connections: 0, verdict: Verdict.SERVICE_LIMIT };
    const services = [udp({ servers: [] }), udp({ servers: [server], limit: full })];
    await withPlane({ services }, async (plane, bench) => {
      const address = loopbackAddress();
      for (const service of [0, 1]) {
        const { port } = await plane.listen(service, address, 0, "udp");
        const asking = await client(t, { address, port });
        await asking.send("to nobody");
        await asking.send("nor this");
      }
      const records = await bench.recorded(4);
      assert.deepEqual(records.map(({ end }) => end).sort(), [
        "noServer",
        "noServer",
        "serviceLimit",
        "serviceLimit",
      ]);
      assert.deepEqual(bench.counts(), { noServer: 2, serviceLimit: 2 });
    });
  });

  test("without a realserver the sorry server answers", async (t) => {
    const [sorry] = await realservers(t, 1);
    await withPlane({ services: [udp({ servers: [], sorry })] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      assert.equal(await (await client(t, { address, port })).ask("hello"), "0 hello");
      assert.deepEqual(bench.counts(), { flowOpened: 1, sorry: 1 });
    });
  });

  test("flows are listed, and killed: what comes after is a new one", async (t) => {
    const servers = await realservers(t, 2);
    await withPlane({ services: [udp({ servers })] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const asking = await client(t, { address, port }, loopbackAddress());
      await asking.ask("hello");
      await (await client(t, { address, port })).ask("hello");
      const rows = await listed(bench, (ticket) => plane.command({ op: "list", ticket, server: 0 }), 1);
      const { ageMs, expiresMs, ...rest } = rows[0];
      assert.equal(rows.length, 1);
      assert.deepEqual(rest, {
        service: 0,
        server: 0,
        client: asking.address,
        clientPort: asking.port,
        destination: address,
        destinationPort: port,
        state: "UDP",
        inBytes: 5,
        outBytes: 7,
      });
      assert.ok(ageMs >= 0 && expiresMs > 0 && expiresMs <= 60_000, `${ageMs}, ${expiresMs}`);
      plane.command({ op: "kill", ticket: 2, server: 0 });
      const [record] = await bench.recorded(1);
      assert.equal(record.end, "killed");
      assert.equal(await asking.ask("again"), "0 again");
      assert.equal(bench.count("flowOpened"), 3);
    });
  });

  test("a socket that is given up takes its flows with it", async (t) => {
    const [server] = await realservers(t, 1);
    await withPlane({ services: [udp({ servers: [server] })] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { id, port } = await plane.listen(0, address, 0, "udp");
      await (await client(t, { address, port })).ask("hello");
      plane.command({ op: "unlisten", listener: id });
      await bench.heard("unlistened");
      assert.equal(bench.memory.threadFlows[0], 0);
      assert.equal((await bench.recorded(1))[0].end, "killed");
    });
  });

  test("a plane that drains still brings the answers that are under way", async (t) => {
    const server = await startUdpRealserver(() => undefined);
    t.after(server.close);
    await withPlane({ services: [udp({ servers: [server] })] }, async (plane, bench) => {
      const address = loopbackAddress();
      const { port } = await plane.listen(0, address, 0, "udp");
      const asking = await client(t, { address, port });
      await asking.send("a slow question");
      await waitFor("it has come", () => server.received.length === 1);
      plane.command({ op: "drain" });
      server.answerAgain("a late answer");
      await waitFor("the answer comes", () => asking.answers.length === 1);
      await bench.heard("drained");
    });
  });
}
