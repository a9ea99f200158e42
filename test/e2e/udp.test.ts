/** UDP services of a real director: flows over threads, what becomes of them when processes go, floods. Both data planes. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { SystemNames } from "../../src/control/ipvsadm/names.js";
import { runIpvsadm } from "../../src/control/ipvsadm/run.js";
import { parseIp } from "../../src/core/address.js";
import { DEFAULT_REALSERVER } from "../../src/core/model.js";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "../../src/dataplane/native/linux.js";
import { SocketAddress } from "../../src/dataplane/native/sockaddr.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";
import { startUdpRealserver, UdpClient, type UdpRealserver } from "../helpers/udp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const PORT = 5300;

async function startNamed(t: TestContext, count: number): Promise<UdpRealserver[]> {
  const servers: UdpRealserver[] = [];
  for (let i = 0; i < count; i++) {
    const server = await startUdpRealserver(() => `${i}`);
    t.after(server.close);
    servers.push(server);
  }
  return servers;
}

async function openClient(t: TestContext, vip: string): Promise<UdpClient> {
  const client = await UdpClient.open({ address: vip, port: PORT }, loopbackAddress());
  t.after(() => client.close());
  return client;
}

for (const dataplane of ["native", "net"]) {
  describe(`UDP services of a director with the ${dataplane} data plane`, () => {
    const configOf = (vip: string, servers: readonly UdpRealserver[], rest = ""): string =>
      `dataplane: ${dataplane}
threads: 2
${rest}
services:
  - listen: udp://${vip}:${PORT}
    scheduler: rr
    realservers: [ ${servers.map(({ port }) => `"127.0.0.1:${port}"`).join(", ")} ]
`;

    test("every client keeps its realserver, whichever thread carries it, and all is counted", async (t) => {
      const servers = await startNamed(t, 3);
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers) });
      const clients: UdpClient[] = [];
      for (let i = 0; i < 30; i++) clients.push(await UdpClient.open({ address: vip, port: PORT }));
      t.after(() => {
        for (const client of clients) client.close();
      });
      const first = [];
      for (const client of clients) first.push(await client.ask("a"));
      // One cursor for both threads.
      assert.deepEqual(
        first,
        Array.from({ length: 30 }, (_, i) => `${2 - (i % 3)}`),
      );
      for (const [i, client] of clients.entries()) assert.equal(await client.ask("b"), first[i]);
      const [{ totals, realservers, connections }] = await uvsd.client.services();
      assert.deepEqual(totals, { connections: 30, inPackets: 60, outPackets: 60, inBytes: 60, outBytes: 60 });
      assert.equal(connections, 30);
      assert.deepEqual(
        realservers.map(({ active, inactive }) => [active, inactive]),
        [
          [0, 10],
          [0, 10],
          [0, 10],
        ],
      );
      const listing = await runIpvsadm(["-Lnc"], "", uvsd.client, new SystemNames());
      const rows = listing.stdout.split("\n").filter((row) => /^UDP 0[45]:\d\d {2}UDP /.test(row));
      assert.equal(rows.length, 30);
      const { forwarders } = await uvsd.client.status();
      assert.equal(
        forwarders[0].flowsPerThread.reduce((sum, flows) => sum + flows),
        30,
      );
      if (dataplane === "native") assert.ok(forwarders[0].flowsPerThread.every((flows) => flows > 0));
    });

    test("members of a mark that are UDP are one service, each answered from its own address", async (t) => {
      const servers = await startNamed(t, 3);
      const [one, other] = [loopbackAddress(), loopbackAddress()];
      const members = [`udp://${one}:${PORT}`, `udp://${other}:${PORT}`, `tcp://${one}:${PORT}`];
      const config = configOf(one, servers)
        .replace(
          /listen: .*/,
          `listen: [ ${members.map((member) => `"${member}"`).join(", ")} ]\n    mark: 8`,
        )
        .replace("scheduler: rr", "scheduler: sh");
      const uvsd = await Uvsd.start(t, { config });
      for (let i = 0; i < 3; i++) {
        const source = loopbackAddress();
        const realservers = new Set<string>();
        for (const vip of [one, other]) {
          const client = await UdpClient.open({ address: vip, port: PORT }, source);
          t.after(() => client.close());
          realservers.add(await client.ask("a"));
          assert.equal(client.answers[0].from, `${vip} ${PORT}`);
        }
        assert.equal(realservers.size, 1);
      }
      const [{ id, totals }] = await uvsd.client.services();
      assert.deepEqual(id, { fwmark: 8, family: 4 });
      assert.equal(totals.connections, 6);
    });

    test("datagrams wait while a killed forwarder is replaced, and are answered", async (t) => {
      const servers = await startNamed(t, 1);
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers) });
      const client = await openClient(t, vip);
      assert.equal(await client.ask("before"), "0");
      process.kill(await uvsd.forwarderPid(), "SIGKILL");
      assert.equal(await client.ask("meanwhile"), "0");
      await waitFor("it is restarted", async () => (await uvsd.client.status()).forwarderRestarts === 1);
    });

    test("at an upgrade clients go on being answered", async (t) => {
      const servers = await startNamed(t, 1);
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers) });
      const client = await openClient(t, vip);
      const before = await uvsd.forwarderPid();
      assert.equal(await client.ask("before"), "0");
      uvsd.process.kill("SIGUSR2");
      await waitFor("the new one serves alone", async () => {
        assert.equal(await client.ask("meanwhile"), "0");
        const { forwarders } = await uvsd.client.status();
        return forwarders.length === 1 && forwarders[0].pid !== before;
      });
      assert.equal(await client.ask("after"), "0");
    });

    test("at an upgrade clients keep their realservers", async (t) => {
      const servers = await startNamed(t, 3);
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers) });
      const clients: UdpClient[] = [];
      const first: string[] = [];
      for (let i = 0; i < 12; i++) {
        clients.push(await openClient(t, vip));
        first.push(await clients[i].ask("before"));
      }
      const before = await uvsd.forwarderPid();
      uvsd.process.kill("SIGUSR2");
      await waitFor("the new one serves alone", async () => {
        const { forwarders } = await uvsd.client.status();
        return forwarders.length === 1 && forwarders[0].pid !== before;
      });
      // In another order than they came: in turn they would all have come elsewhere.
      for (const i of clients.keys()) {
        const place = (i * 5) % clients.length;
        assert.equal(await clients[place].ask("after"), first[place]);
      }
    });

    test("a deleted service gives its address back, made again it serves", async (t) => {
      const servers = await startNamed(t, 1);
      const vip = loopbackAddress();
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers) });
      const client = await openClient(t, vip);
      assert.equal(await client.ask("before"), "0");
      const [service] = await uvsd.client.services();
      const limit = async () => (await uvsd.client.status()).forwarders[0].connectionLimit;
      const limitBeside = await limit();
      await uvsd.client.deleteService(service.id);
      // Descriptors that flows might have taken are for connections again.
      assert.ok(limitBeside < (await limit()), `${limitBeside} connections beside flows`);
      const other = createSocket("udp4");
      other.bind(PORT, vip);
      await once(other, "listening");
      other.close();
      await once(other, "close");
      const { id, settings } = service;
      const realserver = { ...DEFAULT_REALSERVER, address: "127.0.0.1", port: servers[0].port };
      await uvsd.client.addService({ id, settings, realservers: [realserver] });
      assert.equal(await client.ask("again"), "0");
    });

    test("a flow is a line of the access log when it is over", async (t) => {
      const servers = await startNamed(t, 1);
      const vip = loopbackAddress();
      const log = join(temporaryDirectory(t), "access.log");
      const uvsd = await Uvsd.start(t, { config: configOf(vip, servers, `access-log: { file: ${log} }`) });
      const client = await openClient(t, vip);
      await client.ask("question");
      assert.equal(await uvsd.client.killConnections({ client: client.address }), 1);
      const line = async () => (await readFile(log, "utf8").catch(() => "")).split("\n")[0];
      await waitFor("the line is written", async () => (await line()) !== "");
      const { service, client: from, vip: to, inBytes, outBytes, end } = JSON.parse(await line());
      assert.deepEqual(
        { service, from, to, inBytes, outBytes, end },
        {
          service: `udp://${vip}:${PORT}`,
          from: `${client.address}:${client.port}`,
          to: `${vip}:${PORT}`,
          inBytes: 8,
          outBytes: 1,
          end: "killed",
        },
      );
    });
  });
}

test("a flood from thousands of addresses stays within the bound, and those that are served stay", async (t) => {
  const FLOOD = 20_000;
  const server = await startUdpRealserver((bytes) => (bytes.toString() === "f" ? undefined : bytes));
  t.after(server.close);
  const vip = loopbackAddress();
  const uvsd = await Uvsd.start(t, {
    config: `threads: 1
limits: { flows: 300 }
services:
  - listen: udp://${vip}:${PORT}
    realservers: [ "127.0.0.1:${server.port}" ]
`,
  });
  const client = await openClient(t, vip);
  assert.equal(await client.ask("hello"), "hello");
  const memoryKiB = async () =>
    Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${await uvsd.forwarderPid()}/status`, "utf8"))?.[1]);
  const beforeKiB = await memoryKiB();
  const libc = loadLibc();
  const datagram = libc.allocate(1);
  new Uint8Array(datagram.buffer)[0] = "f".charCodeAt(0);
  const [from, to] = [new SocketAddress(libc), new SocketAddress(libc)];
  const toLength = to.encode(4, parseIp(vip)!.words, PORT);
  for (let i = 0; i < FLOOD; i++) {
    const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    // Each from an address of 127.128.0.0/9 of its own, as a flood with invented ones comes.
    libc.bind(fd, from.address, from.encode(4, [0x7f800000 + process.pid * 64 + i, 0, 0, 0], 0));
    libc.sendTo(fd, datagram.address, 1, 0, to.address, toLength);
    libc.close(fd);
    if (i % 500 === 0) assert.equal(await client.ask("still there"), "still there");
  }
  // What was sent last is being passed on still, and counters are not read at one instant.
  await waitFor("the counts agree", async () => {
    const { flowsPerThread, events } = (await uvsd.client.status()).forwarders[0];
    assert.ok(flowsPerThread[0] <= 300, `${flowsPerThread[0]} flows`);
    assert.equal(events["datagramDropped"], 0);
    return events["flowOpened"] - events["flowEvicted"] === flowsPerThread[0];
  });
  // The client is in one flow from first to last.
  const [own, ...others] = await uvsd.client.liveConnections({ client: client.address });
  assert.deepEqual([own.client.port, others.length], [client.port, 0]);
  const grownMiB = ((await memoryKiB()) - beforeKiB) / 1024;
  assert.ok(grownMiB < 48, `the forwarder grew by ${grownMiB.toFixed(1)} MiB`);
});

test("a service of a refusing realserver is taken up by the other one", async (t) => {
  const servers = await startNamed(t, 2);
  const vip = loopbackAddress();
  const config = (port: number) => `services:
  - listen: udp://${vip}:${PORT}
    scheduler: sh
    realservers: [ "127.0.0.1:${port}", "127.0.0.1:${servers[1].port}" ]
`;
  const uvsd = await Uvsd.start(t, { config: config(servers[0].port) });
  const clients = await Promise.all(Array.from({ length: 8 }, () => openClient(t, vip)));
  const chosen = await Promise.all(clients.map((client) => client.ask("a")));
  const lost = clients.filter((_, i) => chosen[i] === "0");
  assert.ok(lost.length > 0);
  servers[0].close();
  // The first datagram after that finds nobody; by sh alone so would all the others.
  for (const client of lost) await client.send("lost");
  await waitFor("all were refused", async () => {
    const { forwarders } = await uvsd.client.status();
    return forwarders[0].events["flowRefused"] === lost.length;
  });
  for (const client of lost) assert.equal(await client.ask("again"), "1");
});

for (const onePacket of [false, true]) {
  const kind = onePacket ? "one-packet flows" : "flows";
  test(`${kind} that find no descriptor take that of the one that rests longest`, async (t) => {
    const DESCRIPTORS = 160;
    const server = await startUdpRealserver((bytes) => (bytes.toString() === "f" ? undefined : bytes));
    t.after(server.close);
    const vip = loopbackAddress();
    const uvsd = await Uvsd.start(t, {
      prefix: ["prlimit", `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`, "--"],
      config: `threads: 1
limits: { flows: ${DESCRIPTORS / 2} }
services:
  - { listen: "udp://${vip}:${PORT}", one-packet: ${onePacket}, realservers: [ "127.0.0.1:${server.port}" ] }
# Their sockets take descriptors that flows count on.
${Array.from({ length: 70 }, (_, i) => `  - { listen: "tcp://${vip}:${6000 + i}" }`).join("\n")}
`,
    });
    const clients: UdpClient[] = [];
    t.after(() => {
      for (const client of clients) client.close();
    });
    for (let i = 0; i < 100; i++) {
      clients.push(await UdpClient.open({ address: vip, port: PORT }));
      await clients[i].send("f");
    }
    await waitFor("all were passed on", () => server.received.length === 100);
    for (const client of clients.slice(0, 10)) assert.equal(await client.ask("question"), "question");
    const { forwarders } = await uvsd.client.status();
    const { flowsPerThread, flowLimit, events } = forwarders[0];
    assert.ok(flowsPerThread[0] < flowLimit, `${flowsPerThread[0]} of ${flowLimit} flows`);
    assert.ok(events["flowEvicted"] > 0, `${events["flowEvicted"]} gave way`);
  });
}
