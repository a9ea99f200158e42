/** The PROXY protocol through a real director: who counts as the client, and what realservers and their checks are sent. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { HeaderParser } from "../../src/core/proxy-protocol/header-parser.js";
import { startAllNamed } from "../helpers/named-realserver.js";
import {
  connectTo,
  echo,
  loopbackAddress,
  outcome,
  ping,
  receiveExactly,
  startRealserver,
} from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const PORT = 8080;
const line = (client: string, port = 4711): string => `PROXY TCP4 ${client} 203.0.113.1 ${port} 443\r\n`;

/** Opens a connection as the proxy, which names a client. */
async function asProxy(vip: string, proxy: string, client: string): Promise<Socket> {
  const socket = await connectTo({ address: vip, port: PORT }, proxy);
  socket.write(line(client));
  return socket;
}

/** Which realserver a client comes to that a proxy names. */
async function served(vip: string, proxy: string, client: string): Promise<string> {
  const socket = await asProxy(vip, proxy, client);
  const [name] = await once(socket, "data");
  socket.destroy();
  return String(name);
}

for (const dataplane of ["native", "net"] as const) {
  describe(`with dataplane: ${dataplane}`, () => {
    const [vip, proxy, other] = [loopbackAddress(), loopbackAddress(), loopbackAddress()];
    const accept = `accept-proxy: { from: [${proxy}] }`;
    const config = (...keys: readonly string[]): string =>
      `dataplane: ${dataplane}\nservices:\n  - listen: tcp://${vip}:${PORT}\n    ${keys.join("\n    ")}\n`;

    test("the client that a proxy names chooses the realserver, with sh and with persistence", async (t) => {
      const { list } = await startAllNamed(t, ["a", "b", "c", "d"]);
      const uvsd = await Uvsd.start(t, { config: config("scheduler: sh", `realservers: ${list}`, accept) });
      const clients = Array.from({ length: 16 }, (_, i) => `198.51.100.${i + 1}`);
      const askAll = () => Promise.all(clients.map((client) => served(vip, proxy, client)));
      const first = await askAll();
      assert.ok(new Set(first).size > 1, "sh spreads the clients, though all come from one proxy");
      assert.deepEqual(await askAll(), first);

      await uvsd.rewrite(config("scheduler: rr", "persistence: {}", `realservers: ${list}`, accept));
      await uvsd.client.reload();
      const sticky = await askAll();
      assert.deepEqual(await askAll(), sticky);
      const templates = await uvsd.client.templates({});
      assert.deepEqual(templates.map(({ client }) => client).sort(), [...clients].sort());
    });

    test("the client that a proxy names is the one of limits, lists and the access log", async (t) => {
      const realserver = await startRealserver(echo);
      t.after(realserver.close);
      const target = `realservers: ["${realserver.address}:${realserver.port}"]`;
      const uvsd = await Uvsd.start(t, {
        config: `${config(target, accept, "max-connections-per-source: 1")}access-log: { file: stdout }\n`,
      });
      const one = await asProxy(vip, proxy, "198.51.100.1");
      const two = await asProxy(vip, proxy, "198.51.100.2");
      await ping(one, "hello");
      await ping(two, "hello");
      const again = await asProxy(vip, proxy, "198.51.100.1");
      assert.equal(await outcome(again), "reset");

      const listed = await uvsd.client.liveConnections({ client: "198.51.100.2" });
      assert.deepEqual(
        listed.map(({ client, virtual, state }) => [client, virtual, state]),
        [[{ address: "198.51.100.2", port: 4711 }, { address: "203.0.113.1", port: 443 }, "ESTABLISHED"]],
      );
      one.end();
      two.end();
      const logged = /"client":"198\.51\.100\.1:4711","vip":"203\.0\.113\.1:443"/;
      await waitFor("the access log names the client", () => logged.test(uvsd.output));
    });

    test("bad headers are reset, counted by kind, and logged once for many", async (t) => {
      const realserver = await startRealserver(echo);
      t.after(realserver.close);
      const target = `realservers: ["${realserver.address}:${realserver.port}"]`;
      const limits = `accept-proxy: { from: [${proxy}], others: refuse, timeout: 200ms }`;
      const uvsd = await Uvsd.start(t, { config: config(target, limits) });
      const ends = async (bytes: string, from: string): Promise<string> => {
        const socket = connect({ host: vip, port: PORT, localAddress: from });
        socket.on("error", () => {});
        const end = outcome(socket);
        socket.write(bytes);
        return end;
      };
      for (let i = 0; i < 20; i++) assert.equal(await ends("GET / HTTP/1.0\r\n\r\n", proxy), "reset");
      assert.equal(await ends("PROXY TCP4 nonsense\r\n", proxy), "reset");
      assert.equal(await ends("PROXY TCP4 1.2.3.4", proxy), "reset");
      assert.equal(await ends(line("198.51.100.1"), other), "reset");

      const [{ events }] = (await uvsd.client.status()).forwarders;
      const { proxyHeaderMissing, proxyHeaderInvalid, proxyHeaderTimeout, proxyRefused } = events;
      assert.deepEqual(
        [proxyHeaderMissing, proxyHeaderInvalid, proxyHeaderTimeout, proxyRefused],
        [20, 1, 1, 1],
      );
      await waitFor("the refusal is logged", () => uvsd.output.includes(`${other} is no trusted proxy`));
      const said = uvsd.output.split(`${proxy} sent no PROXY protocol header, client reset`).length - 1;
      assert.ok(said >= 1 && said < 20, `logged ${said} times for 20 connections`);
      assert.equal(realserver.sockets.length, 0);
    });

    test("who is trusted is changed by a reload, for connections that begin then", async (t) => {
      const realserver = await startRealserver(echo);
      t.after(realserver.close);
      const target = `realservers: ["${realserver.address}:${realserver.port}"]`;
      const uvsd = await Uvsd.start(t, { config: config(target) });
      const plain = await connectTo({ address: vip, port: PORT }, proxy);
      await ping(plain, line("198.51.100.1"));
      await uvsd.rewrite(config(target, accept));
      await uvsd.client.reload();
      const proxied = await asProxy(vip, proxy, "198.51.100.1");
      await ping(proxied, "hello");
      await ping(plain, "still here");
      const listed = await uvsd.client.liveConnections({});
      assert.deepEqual(listed.map(({ client }) => client.address).sort(), [proxy, "198.51.100.1"].sort());
    });

    test("each datagram of a UDP service carries a header of version 2, and answers go back as they are", async (t) => {
      const received: Buffer[] = [];
      const realserver = createSocket("udp4");
      t.after(() => realserver.close());
      realserver.on("message", (datagram, from) => {
        received.push(datagram);
        realserver.send("answer", from.port, from.address);
      });
      realserver.bind(0, "127.0.0.1");
      await once(realserver, "listening");
      await Uvsd.start(t, {
        config: `dataplane: ${dataplane}
services:
  - listen: udp://${vip}:${PORT}
    realservers: [{ address: "127.0.0.1:${realserver.address().port}", proxy-protocol: { version: v2, crc32c: true } }]
`,
      });
      const client = createSocket("udp4");
      t.after(() => client.close());
      const answers: string[] = [];
      client.on("message", (answer) => answers.push(answer.toString()));
      client.bind(0, other);
      await once(client, "listening");
      const sizes = [0, 5, 1400, 60_000];
      for (const size of sizes) client.send(Buffer.alloc(size, "x"), PORT, vip);
      await waitFor("all are answered", () => answers.length === sizes.length);
      assert.deepEqual(new Set(answers), new Set(["answer"]));
      const parser = new HeaderParser();
      for (const datagram of received) {
        assert.equal(datagram.toString("hex", 0, 16), "0d0a0d0a000d0a515549540a21120013");
        assert.equal(parser.parse(datagram, datagram.length, 536), 35, "the checksum fits");
        assert.deepEqual([...datagram.subarray(16, 20)], other.split(".").map(Number));
        assert.deepEqual([...datagram.subarray(20, 24)], vip.split(".").map(Number));
        assert.deepEqual(
          [datagram.readUInt16BE(24), datagram.readUInt16BE(26)],
          [client.address().port, PORT],
        );
      }
      assert.deepEqual(
        received.map(({ length }) => length - 35).sort((a, b) => a - b),
        sizes,
      );
    });

    test("a realserver gets the header that it is set to, and a reload changes that", async (t) => {
      const realserver = await startRealserver();
      t.after(realserver.close);
      const server = (header: string): string =>
        config(
          `realservers: [{ address: "${realserver.address}:${realserver.port}", proxy-protocol: ${header} }]`,
        );
      const uvsd = await Uvsd.start(t, { config: server("v1") });
      const first = await connectTo({ address: vip, port: PORT }, other);
      const text = `PROXY TCP4 ${other} ${vip} ${first.localPort} ${PORT}\r\n`;
      assert.equal((await receiveExactly(await realserver.next(), text.length)).toString(), text);

      await uvsd.rewrite(server("{ version: v2, crc32c: true, unique-id: true }"));
      assert.deepEqual((await uvsd.client.reload()).changes.length, 1);
      await connectTo({ address: vip, port: PORT }, other);
      const header = await receiveExactly(await realserver.next(), 66);
      assert.equal(header.toString("hex", 0, 16), "0d0a0d0a000d0a515549540a21110032");
      assert.equal(header.toString("hex", 28, 31), "05001c");
    });
  });
}

test("checks of a realserver that is sent headers begin with one, checks aimed elsewhere do not", async (t) => {
  const vip = loopbackAddress();
  const received: string[] = [];
  const serve = (name: string) => (socket: Socket) =>
    socket.on("data", (chunk: Buffer) => {
      received.push(`${name} ${chunk.toString("latin1").split("GET")[0]}`);
      if (chunk.includes("GET")) socket.end("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  const realserver = await startRealserver(serve("server"));
  const elsewhere = await startRealserver(serve("elsewhere"));
  t.after(realserver.close);
  t.after(elsewhere.close);
  const uvsd = await Uvsd.start(t, {
    config: `services:
  - listen: tcp://${vip}:${PORT}
    realservers: [{ address: "${realserver.address}:${realserver.port}", proxy-protocol: v1 }]
    health:
      - { type: http, interval: 50ms, rise: 1 }
      - { type: http, interval: 50ms, rise: 1, port: ${elsewhere.port} }
`,
  });
  await waitFor("the realserver is up", async () => {
    const [service] = await uvsd.client.services();
    return service.realservers[0].health?.state === "up";
  });
  const text = received.join("\n");
  assert.ok(text.includes("server PROXY UNKNOWN\r\n"), text);
  assert.ok(text.includes("elsewhere "), text);
  assert.ok(!text.includes("elsewhere PROXY"), text);
});
